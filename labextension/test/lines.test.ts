import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineOfFault, startOfLine } from '../src/state/lines';
import { isName, nameOfFile } from '../src/state/names';

test('a fault leads to its line', () => {
  assert.equal(lineOfFault("tasks.train.cpu (line 7): 'lots' is not an amount of CPU."), 7);
  assert.equal(lineOfFault('schedule: a cron line is missing'), null);
  const text = 'one\ntwo\n\nfour';
  assert.deepEqual([1, 2, 3, 4, 9].map(line => startOfLine(text, line)), [0, 4, 8, 9, text.length]);
});

test('a new workflow is named after its file', () => {
  assert.equal(nameOfFile('jobs/Nightly Sales.workflow.yaml'), 'nightly-sales');
  assert.equal(nameOfFile('untitled1.workflow.yml'), 'untitled1');
  assert.ok(isName(nameOfFile('.workflow.yaml')));
});
