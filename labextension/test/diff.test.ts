import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headingOf } from '../src/state/diff';
import { ALL_RUNS, filterRuns, isFiltered } from '../src/state/runs';
import { initialSidebar, reduceSidebar } from '../src/state/sidebar';
import type { Run } from '../src/contract';

test('headings of a difference are about cells', () => {
  assert.deepEqual(
    [
      '## modified /cells/2/source:',
      '## inserted before /cells/2:',
      '## deleted /cells/5:',
      '## deleted /cells/1-3:',
      '## added /cells/0/metadata/tags:',
      '## replaced (type changed from str to list) /cells/4/source:',
      '## modified /metadata/kernelspec/name:'
    ].map(headingOf),
    [
      { kind: 'changed', first: 3, last: 3, part: 'source' },
      { kind: 'new', first: 3, last: 3, part: '' },
      { kind: 'removed', first: 6, last: 6, part: '' },
      { kind: 'removed', first: 2, last: 4, part: '' },
      { kind: 'changed', first: 1, last: 1, part: 'metadata/tags' },
      { kind: 'changed', first: 5, last: 5, part: 'source' },
      null
    ]
  );
});

const run = (id: string, state: string, name: string, project: string, author: string) =>
  ({ id, state, author, workflow: { name, project } }) as unknown as Run;
const RUNS = [
  run('r1', 'RUNNING', 'nightly-sales', 'default', 'ana'),
  run('r2', 'FAILED', 'nightly-sales', 'lab', 'ion'),
  run('r3', 'LOST', 'weekly', 'lab', 'ana'),
  run('r4', 'SUCCEEDED', 'weekly', 'default', 'ion')
];

test('runs are filtered by state, words and whose they are', () => {
  const ids = (change: Partial<typeof ALL_RUNS>, author: string | null = 'ana') =>
    filterRuns(RUNS, { ...ALL_RUNS, ...change }, author).map(one => one.id);
  assert.deepEqual(ids({}), ['r1', 'r2', 'r3', 'r4']);
  assert.deepEqual(ids({ state: 'active' }), ['r1']);
  assert.deepEqual(ids({ state: 'other' }), ['r3']);
  assert.deepEqual(ids({ text: 'LAB nightly' }), ['r2']);
  assert.deepEqual(ids({ mine: true }), ['r1', 'r3']);
  assert.deepEqual(ids({ mine: true }, null), ['r1', 'r2', 'r3', 'r4']);
  assert.deepEqual([{ text: ' ' }, { mine: true }].map(one => isFiltered({ ...ALL_RUNS, ...one })), [false, true]);
});

test('a run that is shown is not hidden by a filter', () => {
  const narrowed = reduceSidebar(initialSidebar, { type: 'run-filter', filter: { ...ALL_RUNS, state: 'failed' } });
  assert.deepEqual(reduceSidebar(narrowed, { type: 'show-run', id: 'r1', task: null }), {
    ...initialSidebar,
    tab: 'runs',
    run: 'r1'
  });
});
