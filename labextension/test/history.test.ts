import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noHistory, redo, remember, undo, type History } from '../src/state/history';

const after = (...steps: [before: string, about: string | null, now: number][]): History<string> =>
  steps.reduce<History<string>>((history, [before, about, now]) => remember(history, before, about, now), noHistory);

test('what was changed is undone and done again, newest first', () => {
  const history = after(['a', 'name', 0], ['b', 'inputs x', 10]);
  const one = undo(history, 'c');
  assert.equal(one?.value, 'b');
  const two = one && undo(one.history, one.value);
  assert.equal(two?.value, 'a');
  assert.equal(two && undo(two.history, two.value), null);
  const again = two && redo(two.history, two.value);
  assert.equal(again?.value, 'b');
  const last = again && redo(again.history, again.value);
  assert.equal(last?.value, 'c');
  assert.equal(last && redo(last.history, last.value), null);
});

test('typing in one field is one step, a pause or another field is another', () => {
  assert.deepEqual(after(['', 'name', 0], ['n', 'name', 300], ['ni', 'name', 600]).past, ['']);
  assert.deepEqual(after(['', 'name', 0], ['n', 'name', 5000]).past, ['', 'n']);
  assert.deepEqual(after(['', 'name', 0], ['n', 'inputs a', 300]).past, ['', 'n']);
});

test('what is a step of its own is undone by itself, however quickly another follows', () => {
  assert.deepEqual(after(['', null, 0], ['a', null, 10]).past, ['', 'a']);
});

test('a change after an undo forgets what was undone', () => {
  const back = undo(after(['a', 'name', 0]), 'b');
  assert.ok(back);
  const history = remember(back.history, 'a', 'name', 100);
  assert.deepEqual([history.past, history.future], [['a'], []]);
});

test('only so much is kept', () => {
  const many = Array.from({ length: 500 }, (_, number): [string, string, number] => [String(number), `inputs ${number}`, 0]);
  assert.equal(after(...many).past.length, 200);
  assert.equal(after(...many).past.at(-1), '499');
});
