import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run, TaskRun } from '../src/contract';
import { findTask, hasLog, itemsDone, labelOf, newestTasks, runProgress, shownTasks } from '../src/state/states';
import { run, taskRun as makeTask } from './records';

const taskRun = (name: string, { state, ...more }: Partial<TaskRun> = {}, foreach: unknown = null): TaskRun =>
  makeTask(name, state, more, foreach);
const runOf = (...tasks: TaskRun[]): Run => run('RUNNING', tasks);
const labels = (tasks: TaskRun[]) => tasks.map(one => `${labelOf(one)}@${one.attempt}`);
const whole = taskRun('train', { state: 'RUNNING' }, [1]);
const group = (count: number, state: TaskRun['state'] = 'SUCCEEDED') => [
  whole,
  ...Array.from({ length: count }, (_, item) => taskRun('train', { item, state }, [1]))
];

test('of several attempts the newest stands for the task', () => {
  const run = runOf(
    taskRun('clean', { state: 'FAILED' }),
    taskRun('clean', { attempt: 2, state: 'RUNNING' }),
    ...group(2),
    taskRun('train', { item: 1, attempt: 2 }, [1])
  );
  assert.deepEqual(labels(newestTasks(run)), ['clean@2', 'train@1', 'train.0@1', 'train.1@2']);
  assert.equal(findTask(run, 'clean')?.state, 'RUNNING');
  assert.equal(findTask(run, 'train.7'), null);
});

test('of many items only those that run or went wrong are shown', () => {
  const many = group(100);
  many[4] = taskRun('train', { item: 3, state: 'FAILED' }, [1]);
  assert.deepEqual(labels(shownTasks(runOf(...many))), ['train@1', 'train.3@1']);
  assert.equal(shownTasks(runOf(...group(3))).length, 4);
  assert.equal(shownTasks(runOf(...group(100, 'RUNNING'))).length, 21);
  assert.deepEqual(itemsDone(runOf(...many), whole), { done: 99, total: 100 });
});

test('what stands for all items has no log, and its items are what is counted', () => {
  assert.deepEqual(group(1).map(hasLog), [false, true]);
  assert.equal(runProgress(runOf(...group(4), taskRun('last', { state: 'WAITING' }))), 0.8);
});
