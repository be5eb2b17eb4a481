import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appendLog, emptyLog, LOG_LIMIT } from '../src/state/log';
import { initialSidebar, reduceSidebar, tabAfterKey } from '../src/state/sidebar';
import { localTime, readableDuration, zonedTime } from '../src/state/time';

test('a log is plain text: no terminal codes, markup kept as it is', () => {
  const log = appendLog(emptyLog, '\u001b[1;32mok\u001b[0m <b>x</b>\u001b]0;title\u0007\n', 30);
  assert.deepEqual(log, { text: 'ok <b>x</b>\n', next: 30, cut: false });
});

test('a progress bar shows its last state, also when it comes in pieces', () => {
  const first = appendLog(emptyLog, 'start\n10%\r20%\r', 14);
  assert.equal(first.text, 'start\n20%\r');
  assert.equal(appendLog(first, '30%\r\nend\n', 20).text, 'start\n30%\nend\n');
});

test('a long log keeps its end, by whole lines', () => {
  const log = appendLog(emptyLog, `first\n${'x'.repeat(99)}\n`.padEnd(LOG_LIMIT, 'y').concat('\nlast\n'), 1);
  assert.equal(log.cut, true);
  assert.equal(log.text.endsWith('\nlast\n'), true);
  assert.equal(log.text.length <= LOG_LIMIT, true);
});

test('a wall clock’s time gets the offset its zone has then', () => {
  assert.equal(zonedTime('2026-12-01T02:00', 'Europe/Bucharest'), '2026-12-01T02:00:00+02:00');
  assert.equal(zonedTime('2026-07-01T02:00', 'Europe/Bucharest'), '2026-07-01T02:00:00+03:00');
  assert.equal(zonedTime('2026-07-01T02:00', 'UTC'), '2026-07-01T02:00:00+00:00');
  assert.equal(zonedTime('2026-07-01T02:00', 'America/St_Johns'), '2026-07-01T02:00:00-02:30');
  assert.deepEqual([zonedTime('', 'UTC'), zonedTime('2026-07-01T02:00', 'Mars')], [null, null]);
});

test('a time that a clock change leaves out moves forward; one that comes twice is the first', () => {
  assert.equal(zonedTime('2026-03-29T03:30', 'Europe/Bucharest'), '2026-03-29T04:30:00+03:00');
  assert.equal(zonedTime('2026-10-25T03:30', 'Europe/Bucharest'), '2026-10-25T03:30:00+03:00');
});

test('a start is shown on the clock of its zone', () => {
  assert.equal(localTime('2026-12-01T00:00:00+00:00', 'Europe/Bucharest'), '2026-12-01T02:00');
  assert.equal(localTime('never', 'UTC'), '');
});

test('durations are as exact as one wants to read them', () => {
  assert.deepEqual([250, 3100, 59_900, 185_000, 7_620_000].map(readableDuration), [
    '250 ms',
    '3.1 s',
    '59 s',
    '3 min 05 s',
    '2 h 07 min'
  ]);
});

test('showing a block clears the search that would hide it', () => {
  const searched = reduceSidebar({ ...initialSidebar, tab: 'runs' }, { type: 'search', text: 'x' });
  assert.deepEqual(reduceSidebar(searched, { type: 'show-block', name: 'clean', runForm: 'clean@1' }), {
    ...initialSidebar,
    tab: 'blocks',
    block: 'clean',
    runForm: 'clean@1'
  });
});

test('arrow keys go round the tabs', () => {
  assert.deepEqual(
    [tabAfterKey('runs', 'ArrowRight'), tabAfterKey('blocks', 'ArrowLeft'), tabAfterKey('runs', 'Home'), tabAfterKey('runs', 'a')],
    ['projects', 'projects', 'blocks', null]
  );
});
