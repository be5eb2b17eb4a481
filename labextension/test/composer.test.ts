import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Block, Input, Task, Workflow } from '../src/contract';
import { copyText, readTasks } from '../src/state/clipboard';
import { aboutOf, editWorkflow, emptyWorkflow, ownFault, PLAIN_TASK } from '../src/state/composer';
import { faultAt, findFault, findFaults } from '../src/state/faults';
import { arranged, drawingOf, layersOf, NODE, placed, taskAfterKey } from '../src/state/layout';
import { canWait, circularLinks, linkId, linksOf } from '../src/state/links';
import { chosenAfter, NOTHING, onlyTask, present } from '../src/state/selection';
import { upgradeOf, upgradesOf } from '../src/state/upgrade';
import { DEFAULT_RESOURCES } from '../src/state/resources';
import { offsetName, startsOf, startTime } from '../src/state/starts';
import { reference } from '../src/state/values';

const task = (name: string, after: string[] = [], inputs: Task['inputs'] = {}): Task => ({
  name,
  block: name,
  version: '1',
  inputs,
  resources: DEFAULT_RESOURCES,
  after,
  ...PLAIN_TASK
});
const workflow = (...tasks: Task[]): Workflow => ({ ...emptyWorkflow(), name: 'nightly', revision: 3, tasks });
const input = (name: string, more: Partial<Input> = {}): Input => ({
  name,
  type: 'str',
  default: null,
  required: false,
  secret: false,
  description: '',
  ...more
});
const block = (name: string, version: string, inputs: Input[] = []): Block => ({
  spec: {
    name,
    kind: 'notebook',
    description: '',
    inputs,
    outputs: [],
    resources: DEFAULT_RESOURCES,
    python: '3.11',
    base: '',
    notebook: '',
    notebook_sha256: '',
    packages: [],
    command: [],
    environment: {}
  },
  version,
  image: '',
  digest: `${name}${version}`,
  image_id: '',
  created: '2026-11-24T00:00:00+00:00',
  author: '',
  complete: true,
  size: 0,
  verification: { verdict: 'not proven', evidence: '', log: '', repairs: [] },
  provenance: { commit: '', modified: false, source: '', tool: '' },
  deprecated: null
});

test('a block added twice becomes two tasks of different names', () => {
  const once = editWorkflow(workflow(), { type: 'add-task', block: block('clean', '2') });
  const twice = editWorkflow(once, { type: 'add-task', block: block('clean', '2') });
  assert.deepEqual(
    twice.tasks.map(one => [one.name, one.block, one.version]),
    [
      ['clean', 'clean', '2'],
      ['clean-2', 'clean', '2']
    ]
  );
});

test('renaming a task renames it wherever it is meant', () => {
  const before = workflow(task('clean'), task('train', ['clean'], { table: reference('clean', 'table'), depth: 3 }));
  const after = editWorkflow(before, { type: 'rename-task', task: 'clean', name: 'tidy' });
  assert.deepEqual(after.tasks, [
    { ...task('clean'), name: 'tidy' },
    task('train', ['tidy'], { table: reference('tidy', 'table'), depth: 3 })
  ]);
  assert.equal(editWorkflow(before, { type: 'rename-task', task: 'clean', name: 'train' }), before);
});

test('removing tasks removes every wait for them, in one step', () => {
  const before = workflow(task('clean'), task('split'), task('train', ['clean', 'split'], { table: reference('clean', 'table'), depth: 3 }));
  const gone = { type: 'remove', tasks: ['clean', 'split'], links: [] } as const;
  assert.deepEqual(editWorkflow(before, gone).tasks, [task('train', [], { depth: 3 })]);
  assert.equal(aboutOf(gone), null);
  assert.equal(editWorkflow(before, { type: 'remove', tasks: [], links: [] }), before);
});

test('removing a link empties the inputs that it filled, wherever they name it', () => {
  const inputs = { table: reference('clean', 'table'), text: `from ${reference('clean', 'n')}`, list: [reference('clean', 'n')], depth: 3 };
  const train = { ...task('train', ['clean', 'split'], inputs), foreach: reference('clean', 'parts') };
  const edited = editWorkflow(workflow(task('clean'), task('split'), train), { type: 'remove', tasks: [], links: [{ from: 'clean', to: 'train' }] });
  assert.deepEqual(edited.tasks.at(-1), task('train', ['split'], { depth: 3 }));
});

test('renaming a task reaches references inside texts, lists and foreach', () => {
  const train = { ...task('train', [], { text: `n=${reference('clean', 'n')}`, list: [{ a: reference('clean', 'n') }] }), foreach: reference('clean', 'parts') };
  const renamed = editWorkflow(workflow(task('clean'), train), { type: 'rename-task', task: 'clean', name: 'tidy' }).tasks[1];
  assert.deepEqual(
    [renamed?.inputs, renamed?.foreach],
    [{ text: `n=${reference('tidy', 'n')}`, list: [{ a: reference('tidy', 'n') }] }, reference('tidy', 'parts')]
  );
});

test('copies keep the links among them and those to tasks that are there, under free names', () => {
  const tasks = [task('load'), task('clean', ['load']), task('train', ['clean'], { t: reference('clean', 't') }), task('end', ['train'])];
  const pasted = readTasks(copyText(workflow(...tasks), ['clean', 'train']));
  assert.deepEqual(pasted, tasks.slice(1, 3));
  const here = editWorkflow(workflow(...tasks), { type: 'copies', of: pasted ?? [] });
  assert.deepEqual(
    here.tasks.map(one => [one.name, one.after, one.inputs]),
    [
      ['load', [], {}],
      ['clean', ['load'], {}],
      ['train', ['clean'], { t: reference('clean', 't') }],
      ['clean-2', ['load'], {}],
      ['train-2', ['clean-2'], { t: reference('clean-2', 't') }],
      ['end', ['train'], {}]
    ]
  );
  const elsewhere = editWorkflow(workflow(task('other')), { type: 'copies', of: pasted ?? [] });
  assert.deepEqual(elsewhere.tasks.map(one => [one.name, one.after]), [['other', []], ['clean', []], ['train', ['clean']]]);
  const alone = editWorkflow(workflow(), { type: 'copies', of: [tasks[2] as Task] });
  assert.deepEqual(alone.tasks, [{ ...task('train'), after: [], inputs: {} }]);
});

test('any other text on the clipboard holds no tasks, and a written one is filled up', () => {
  for (const text of ['', 'hello', '{"a": 1}', '[]', '{"lentiq-tasks": []}', '{"lentiq-tasks": [{"name": "No!", "block": "b"}]}', '{"lentiq-tasks": [1]}']) {
    assert.equal(readTasks(text), null, text);
  }
  const strange = { name: 'a', block: 'a', version: 3, inputs: [], after: ['b', 4], resources: 'all', retries: 'many', foreach: [1], extra: 1 };
  assert.deepEqual(readTasks(JSON.stringify({ 'lentiq-tasks': [strange] })), [{ ...task('a', ['b']), version: null, foreach: [1] }]);
});

test('tasks never wait for each other in a circle', () => {
  const tasks = [task('a'), task('b', [], { x: reference('a', 'y') }), task('c', ['b'])];
  assert.deepEqual([canWait(tasks, 'a', 'c'), canWait(tasks, 'c', 'a'), canWait(tasks, 'a', 'a')], [false, true, false]);
  const before = workflow(...tasks);
  assert.equal(editWorkflow(before, { type: 'after', task: 'a', on: 'c', waits: true }), before);
});

test('layers follow waits and outputs, and survive a circle that came from elsewhere', () => {
  const tasks = [task('report', ['train', 'evaluate']), task('train', [], { t: reference('clean', 't') }), task('evaluate', ['train']), task('clean')];
  assert.deepEqual(layersOf(tasks), [['clean'], ['train'], ['evaluate', '→2'], ['report']], 'train → report has room beside evaluate');
  assert.deepEqual(layersOf([task('a'), task('b', ['a']), task('c', ['a']), task('d', ['a', 'b', 'c'])]), [['a'], ['b', '→1', 'c'], ['d']]);
  assert.deepEqual(layersOf([task('a', ['b']), task('b', ['a']), task('c')]), [['c'], ['a'], ['b']]);
  assert.deepEqual(layersOf([]), []);
});

test('a link says which outputs it hands over', () => {
  const tasks = [task('clean'), task('train', ['clean', 'gone'], { a: reference('clean', 't'), b: reference('clean', 'r') })];
  assert.deepEqual(linksOf(tasks), [{ from: 'clean', to: 'train', outputs: ['t', 'r'] }]);
});

test('another name is another workflow, so its saves are counted anew', () => {
  assert.equal(editWorkflow(workflow(), { type: 'name', text: 'weekly' }).revision, 0);
  assert.equal(editWorkflow(workflow(), { type: 'description', text: 'x' }).revision, 3);
});

test('links of a circle are told from those beside it', () => {
  const tasks = [task('a', ['c']), task('b', ['a']), task('c', ['b']), task('d', ['c']), task('e', ['e'])];
  assert.deepEqual(circularLinks(tasks, linksOf(tasks)).map(linkId), ['c→a', 'a→b', 'b→c', 'e→e']);
});

test('a task of an older version says what the newest changes', () => {
  const inputs = [input('rows', { required: true }), input('key', { required: true, secret: true }), input('kept')];
  const blocks = [block('clean', '3', inputs), block('clean', '1')];
  const old = task('clean', [], { kept: 'x', gone: 1 });
  const upgrade = { task: 'clean', block: 'clean', from: '1', to: '3', missing: ['rows'], removed: ['gone'] };
  assert.deepEqual(upgradeOf(old, blocks), upgrade);
  assert.deepEqual(upgradesOf([old, { ...old, version: '3' }, task('other'), { ...old, version: null }], blocks), [upgrade]);
  const edited = editWorkflow(workflow(old, task('other')), { type: 'upgrade', upgrades: [upgrade] });
  assert.deepEqual(edited.tasks, [{ ...old, version: '3', inputs: { kept: 'x' } }, task('other')]);
});

test('faults find their task and field by name or by place', () => {
  const tasks = [task('a'), task('b')];
  const found = (text: string) => {
    const { task: of, field, message } = findFault(text, tasks);
    return [of, field, message];
  };
  assert.deepEqual(found('tasks.b.inputs.rows: needs: a value'), ['b', 'inputs.rows', 'needs: a value']);
  assert.deepEqual(found('tasks[1].inputs.rows[2]: missing'), ['b', 'inputs.rows[2]', 'missing']);
  assert.deepEqual(found('tasks.b: needs 64 CPU'), ['b', 'resources', 'needs 64 CPU']);
  assert.deepEqual(found('tasks.b.resources.cpu_millicores: odd'), ['b', 'resources', 'odd']);
  assert.deepEqual(found('tasks.bb: other'), [null, 'tasks.bb', 'other']);
  assert.deepEqual(found('schedule.cron: never comes'), [null, 'schedule.cron', 'never comes']);
  assert.deepEqual(found('The service cannot be reached.'), [null, '', 'The service cannot be reached.']);
  const faults = findFaults(['tasks.b.inputs.rows[2]: one', 'tasks.b.inputs.rows: two', 'tasks.b.inputs.rows2: three'], tasks);
  assert.deepEqual([faultAt(faults, 'inputs.rows'), faultAt(faults, 'inputs.none')], ['one two', undefined]);
  assert.notEqual(ownFault(workflow()), '');
  assert.equal(ownFault(workflow(task('a'))), '');
});

test('a long layer becomes columns, and a long chain runs downwards in a high box', () => {
  const many = drawingOf([Array.from({ length: 30 }, (_, number) => `t${number}`)], 1000, 500);
  assert.deepEqual(many.columns.map(column => column.length), [10, 10, 10]);
  assert.equal(drawingOf([['a'], ['b'], ['c']], 300, 900).down, true);
  assert.equal(drawingOf([['a'], ['b'], ['c']], 1200, 400).down, false);
});

test('tasks stand where people put them; a later one finds a free place', () => {
  const automatic = arranged({ columns: [['a'], ['b']], down: false });
  assert.equal(placed(automatic, null), automatic);
  const chosen = { a: automatic['b'] ?? { x: 0, y: 0 } };
  const places = placed(automatic, chosen);
  assert.deepEqual(places['a'], chosen.a);
  assert.ok((places['b']?.y ?? 0) >= chosen.a.y + NODE.height);
});

test('arrow keys lead to the task that lies there', () => {
  const places = { a: { x: 0, y: 0 }, b: { x: 280, y: -40 }, c: { x: 280, y: 200 }, d: { x: 560, y: 0 } };
  assert.deepEqual(
    ['ArrowRight', 'ArrowLeft', 'ArrowDown', 'Home', 'End', 'x'].map(key => taskAfterKey(places, 'a', key)),
    ['b', null, 'c', 'a', 'd', null]
  );
  assert.equal(taskAfterKey(places, 'd', 'ArrowLeft'), 'b');
});

test('what is chosen follows the choices, and forgets what is gone', () => {
  const before = ['a', 'b'];
  assert.deepEqual(chosenAfter(before, [{ id: 'a', chosen: false }, { id: 'c', chosen: true }]), ['b', 'c']);
  assert.equal(chosenAfter(before, [{ id: 'a', chosen: true }]), before);
  const selection = { tasks: ['a'], links: ['a→b'] };
  assert.equal(present(selection, new Set(['a']), new Set(['a→b'])), selection);
  assert.deepEqual(present(selection, new Set(['a']), new Set()), onlyTask('a'));
  assert.equal(onlyTask(null), NOTHING);
});

test('starts say by how much the clocks changed since the one before', () => {
  const check = {
    faults: [],
    next_starts: ['2027-03-27T02:30:00+01:00', '2027-03-28T03:30:00+02:00', '2027-03-29T02:30:00+02:00'],
    clock_changes: ['', '02:30 does not exist that day', '']
  };
  assert.deepEqual(
    startsOf(check, 'Europe/Berlin').map(({ offset, shift, note }) => [offset, shift, note]),
    [
      ['UTC+01:00', 0, ''],
      ['UTC+02:00', 60, '02:30 does not exist that day'],
      ['UTC+02:00', 0, '']
    ]
  );
  const back = { faults: [], next_starts: ['2027-10-30T00:00:00Z', '2027-10-31T12:00:00Z'], clock_changes: [] };
  assert.deepEqual(startsOf(back, 'Europe/Berlin').map(one => one.shift), [0, -60]);
  assert.deepEqual([offsetName(0), offsetName(-210)], ['UTC', 'UTC−03:30']);
  assert.equal(startTime('2027-03-28T01:30:00Z', 'Europe/Berlin', 'en-US'), 'Sun, Mar 28, 2027, 03:30');
});
