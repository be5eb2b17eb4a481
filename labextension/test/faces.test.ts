import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Block, Drift, ProjectUse } from '../src/contract';
import { cellsText, standingOf } from '../src/state/badge';
import { aboutOf, editWorkflow, emptyWorkflow } from '../src/state/composer';
import { isOver, queueOf, shareOf } from '../src/state/quota';
import { run, taskRun } from './records';

const drift = (more: Partial<Drift>): Drift => ({ block: null, same: false, changed_cells: 0, cells: '', packages: null, ...more });
const block = { version: '3', spec: { name: 'clean' } } as Block;

test('a badge says what is known, and nothing before', () => {
  assert.deepEqual(standingOf(null, false), { kind: 'unknown' });
  assert.deepEqual(standingOf(drift({}), true), { kind: 'unpublished' });
  assert.deepEqual(standingOf(drift({ block, same: true }), false), { kind: 'same', name: 'clean', version: '3' });
});

test('an edit differs at once; how many cells do is known once it is saved', () => {
  assert.deepEqual(standingOf(drift({ block, same: true }), true), { kind: 'differs', name: 'clean', version: '3', cells: null });
  assert.deepEqual(standingOf(drift({ block, changed_cells: 2 }), false), { kind: 'differs', name: 'clean', version: '3', cells: 2 });
});

test('what runs of cells is their kind, source and tags', () => {
  const cell = (source: string, tags?: string[]) => ({ type: 'code', sharedModel: { getSource: () => source }, getMetadata: () => tags });
  assert.equal(cellsText([cell('x')]), cellsText([cell('x', [])]));
  assert.notEqual(cellsText([cell('x')]), cellsText([cell('x', ['parameters'])]));
  assert.notEqual(cellsText([cell('x')]), cellsText([cell('y')]));
});

const use = (cpu: number): ProjectUse => ({
  project: { name: 'lab', quota: { cpu_millicores: 1000, memory_bytes: 100 } },
  used: { cpu_millicores: cpu, memory_bytes: 50 }
});

test('a quota lowered below what runs is over, and its gauge is full', () => {
  assert.deepEqual([isOver(use(1000)), isOver(use(1500))], [false, true]);
  assert.deepEqual([shareOf(500, 1000), shareOf(1500, 1000), shareOf(0, 0)], [0.5, 1, 1]);
});

test('the queue of a project has its tasks that wait for room, longest waiting first', () => {
  const own = { ...emptyWorkflow(), project: 'lab' };
  const late = taskRun('late', 'PENDING', { ready_at: '2026-01-01T00:00:09Z' });
  const early = taskRun('early', 'PENDING', { ready_at: '2026-01-01T00:00:01Z' });
  const runs = [
    run('RUNNING', [late, taskRun('on', 'RUNNING')], { workflow: own }),
    run('PENDING', [early], { workflow: own, id: 'r2' }),
    run('PENDING', [early], { id: 'r3' }),
    run('FAILED', [early], { workflow: own, id: 'r4' })
  ];
  assert.deepEqual(queueOf('lab', runs).map(({ task }) => task.task.name), ['early', 'late']);
});

test('a task is duplicated beside itself, waiting for the same', () => {
  const tasks = [taskRun('a').task, { ...taskRun('b').task, after: ['a'] }];
  const edited = editWorkflow({ ...emptyWorkflow(), tasks }, { type: 'copies', of: tasks.slice(1) });
  assert.deepEqual(edited.tasks.map(task => [task.name, task.after]), [['a', []], ['b', ['a']], ['b-2', ['a']]]);
  assert.equal(editWorkflow(edited, { type: 'copies', of: [] }), edited);
});

test('when and how often a task runs is changed in place', () => {
  const edited = editWorkflow({ ...emptyWorkflow(), tasks: [taskRun('a').task] }, { type: 'conduct', task: 'a', change: { retries: 2, when: 'always' } });
  assert.deepEqual([edited.tasks[0]?.retries, edited.tasks[0]?.when, edited.tasks[0]?.reuse], [2, 'always', false]);
  assert.equal(aboutOf({ type: 'conduct', task: 'a', change: {} }), 'conduct a');
});
