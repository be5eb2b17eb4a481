import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Block, Task, Workflow } from '../src/contract';
import {
  canWait,
  editWorkflow,
  emptyWorkflow,
  faultsOf,
  layersOf,
  linksOf,
  newerVersion,
  ownFault,
  PLAIN_TASK
} from '../src/state/composer';
import { DEFAULT_RESOURCES } from '../src/state/resources';
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
const block = (name: string, version: string): Block => ({
  spec: {
    name,
    kind: 'notebook',
    description: '',
    inputs: [],
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

test('removing a task removes every wait for it', () => {
  const before = workflow(task('clean'), task('train', ['clean'], { table: reference('clean', 'table'), depth: 3 }));
  assert.deepEqual(editWorkflow(before, { type: 'remove-task', task: 'clean' }).tasks, [task('train', [], { depth: 3 })]);
});

test('tasks never wait for each other in a circle', () => {
  const tasks = [task('a'), task('b', [], { x: reference('a', 'y') }), task('c', ['b'])];
  assert.deepEqual([canWait(tasks, 'a', 'c'), canWait(tasks, 'c', 'a'), canWait(tasks, 'a', 'a')], [false, true, false]);
  const before = workflow(...tasks);
  assert.equal(editWorkflow(before, { type: 'after', task: 'a', on: 'c', waits: true }), before);
});

test('layers follow waits and outputs, and survive a circle that came from elsewhere', () => {
  const tasks = [task('report', ['train', 'evaluate']), task('train', [], { t: reference('clean', 't') }), task('evaluate', ['train']), task('clean')];
  assert.deepEqual(layersOf(tasks), [['clean'], ['train'], ['evaluate'], ['report']]);
  assert.deepEqual(layersOf([task('a', ['b']), task('b', ['a'])]), [['a', 'b']]);
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

test('a task that uses an older version is told of the newest', () => {
  const blocks = [block('clean', '3'), block('clean', '1')];
  assert.deepEqual([newerVersion(task('clean'), blocks), newerVersion({ ...task('clean'), version: '3' }, blocks)], ['3', null]);
});

test('faults find their task by name or by place', () => {
  const tasks = [task('a'), task('b')];
  const faults = ['tasks.b.cpu: too much', 'tasks[1].inputs.x: missing', 'schedule: no', 'tasks.bb: other'];
  assert.deepEqual(faultsOf(faults, tasks, 'b'), faults.slice(0, 2));
  assert.notEqual(ownFault(workflow()), '');
  assert.equal(ownFault(workflow(task('a'))), '');
});
