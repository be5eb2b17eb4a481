import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activityOf, endedBetween } from '../src/state/activity';
import { cellsOf, distrusted, failedCell } from '../src/state/executed';
import { initialRunPage, reduceRunPage, tellingTask } from '../src/state/runPage';
import { chosenAfter, NOTHING } from '../src/state/selection';
import { failedTask, findAddressed } from '../src/state/states';
import { marksOf, timelineOf } from '../src/state/timeline';
import { run, taskRun } from './records';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
const START = Date.parse(at(0));

test('a timeline says when a task waited, was started and ran', () => {
  const one = taskRun('train', 'RUNNING', { ready_at: at(1), admitted_at: at(5), started_at: at(6) });
  const { rows, from, to } = timelineOf(run('RUNNING', [one], { created_at: at(0) }), START + 10_000);
  assert.equal(from, START);
  assert.equal(to, START + 10_000);
  assert.deepEqual(
    rows[0]?.spans.map(span => [span.kind, span.from - START, span.to - START]),
    [
      ['waiting', 1000, 5000],
      ['starting', 5000, 6000],
      ['running', 6000, 10_000]
    ]
  );
});

test('clocks that differ make no span that ends before it began', () => {
  const one = taskRun('a', 'SUCCEEDED', { ready_at: at(5), admitted_at: at(5), started_at: at(4), ended_at: at(6) });
  const { rows } = timelineOf(run('SUCCEEDED', [one], { created_at: at(5), ended_at: at(6) }), START);
  assert.ok(rows[0]?.spans.every(span => span.to >= span.from));
});

test('earlier attempts stand in the timeline under their own addresses', () => {
  const tasks = [taskRun('a', 'FAILED', { attempt: 1 }), taskRun('a', 'PENDING', { attempt: 2 })];
  const one = run('RUNNING', tasks);
  assert.deepEqual(timelineOf(one, START).rows.map(row => row.address), ['a@1', 'a']);
  assert.equal(findAddressed(one, 'a@1'), tasks[0]);
  assert.equal(findAddressed(one, 'a'), tasks[1]);
  assert.equal(findAddressed(one, 'b'), null);
});

test('marks are round and few, however long a run lasted', () => {
  assert.deepEqual(marksOf(0, 10_000, 6), [0, 2000, 4000, 6000, 8000, 10_000]);
  for (const length of [1, 90_000, 5_000_000, 40 * 86_400_000]) {
    assert.ok(marksOf(0, length, 6).length <= 7, String(length));
  }
});

test('what failed is looked at first, then what runs, then what waits', () => {
  assert.equal(tellingTask(run('RUNNING', [taskRun('a', 'SUCCEEDED'), taskRun('b', 'RUNNING'), taskRun('c', 'FAILED')])), 'c');
  assert.equal(tellingTask(run('RUNNING', [taskRun('a', 'PENDING'), taskRun('b', 'RUNNING')])), 'b');
  assert.equal(tellingTask(run('SUCCEEDED', [taskRun('a', 'SUCCEEDED')])), 'a');
  assert.equal(tellingTask(run('SKIPPED', [])), null);
});

test('choosing a task keeps the tab that was open', () => {
  const state = reduceRunPage(initialRunPage, { type: 'task-tab', tab: 'facts' });
  assert.deepEqual(reduceRunPage(state, { type: 'task', task: 'a' }), { tab: 'graph', task: 'a', taskTab: 'facts' });
});

test('changes of what is chosen in the graph follow each other, though the page is drawn once', () => {
  const chosen = (task: string | null) => ({ ...initialRunPage, task });
  const other = reduceRunPage(chosen('a.3@1'), {
    type: 'graph',
    change: before => ({ ...before, tasks: chosenAfter(before.tasks, [{ id: 'b', chosen: true }, { id: 'a', chosen: false }]) })
  });
  assert.deepEqual(other, chosen('b'));
  assert.equal(reduceRunPage(other, { type: 'graph', change: before => before }), other);
  const piece = chosen('a.3@1');
  assert.equal(reduceRunPage(piece, { type: 'graph', change: before => before }), piece, 'the piece stays chosen');
  assert.deepEqual(reduceRunPage(piece, { type: 'graph', change: () => NOTHING }), chosen(null));
});

test('an executed notebook becomes text and pictures, never markup', () => {
  const cells = cellsOf({
    cells: [
      { cell_type: 'markdown', source: ['# A\n', '<img src=x onerror=alert(1)>'] },
      {
        cell_type: 'code',
        execution_count: 3,
        source: 'draw()',
        outputs: [
          { output_type: 'stream', name: 'stdout', text: 'a\u001b[31mb\u001b]8;;javascript:1\u001b\\\u0007' },
          { output_type: 'stream', name: 'stdout', text: ['c\n'] },
          { output_type: 'display_data', data: { 'image/png': 'aGk="><script>', 'text/plain': '<Figure>' } },
          { output_type: 'display_data', data: { 'text/html': '<script>1</script>', 'text/plain': 'a table' } },
          { output_type: 'display_data', data: { 'application/javascript': 'alert(1)' } }
        ]
      },
      { cell_type: 'code', execution_count: 4, source: 'fail()', outputs: [{ output_type: 'error', ename: 'E', evalue: 'v', traceback: ['one', 'two'] }] }
    ]
  });
  assert.equal(cells[0]?.source, '# A\n<img src=x onerror=alert(1)>');
  assert.deepEqual(cells[1]?.outputs, [
    { kind: 'text', text: 'abc\n', error: false },
    { kind: 'image', source: 'data:image/png;base64,aGk=script', alt: '<Figure>' },
    { kind: 'text', text: 'a table', error: false },
    { kind: 'other', types: ['application/javascript'] }
  ]);
  assert.equal(failedCell(cells)?.number, 2);
});

test('a stranger’s notebook cannot vouch for its own cells', () => {
  const cell = { cell_type: 'code', source: 'x', metadata: { trusted: true, tags: ['a'] } };
  const bare = { cell_type: 'code', source: 'y' };
  assert.deepEqual(distrusted({ nbformat: 4, cells: [cell, bare, null] }), {
    nbformat: 4,
    cells: [{ ...cell, metadata: { trusted: false, tags: ['a'] } }, bare, null]
  });
  for (const document of [null, 3, {}, { cells: 4 }]) {
    assert.deepEqual(distrusted(document), document);
  }
});

test('what is no notebook has no cells', () => {
  for (const document of [null, 3, 'x', [], {}, { cells: 4 }]) {
    assert.deepEqual(cellsOf(document), []);
  }
  assert.equal(cellsOf({ cells: [null, { cell_type: 'code', outputs: 'x', source: 4 }] }).length, 2);
});

test('activity counts tasks that run and wait, and the runs that failed lately', () => {
  const runs = [
    run('RUNNING', [taskRun('a', 'RUNNING'), taskRun('b', 'PENDING'), taskRun('c', 'WAITING')]),
    run('FAILED', [], { ended_at: at(0) }),
    run('FAILED', [], { ended_at: '2025-01-01T00:00:00Z' })
  ];
  assert.deepEqual(activityOf(runs, START + 1000), { running: 1, pending: 1, failed: 1 });
});

test('whoever started a run hears that it ended, once, and of no one else’s', () => {
  const mine = run('RUNNING', [], { id: 'r1', author: 'ana' });
  const other = run('RUNNING', [], { id: 'r2', author: 'bo' });
  const after = [
    { ...mine, state: 'FAILED' as const, tasks: [taskRun('b', 'FAILED')] },
    { ...other, state: 'FAILED' as const }
  ];
  assert.deepEqual(endedBetween([mine, other], after, 'ana').map(one => one.id), ['r1']);
  assert.deepEqual(endedBetween(after, after, 'ana'), []);
  assert.deepEqual(after.map(failedTask), ['b', null]);
});
