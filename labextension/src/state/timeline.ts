import type { Run, TaskRun } from '../contract';
import { isActive, labelOf } from './states';

/** What a task run did between two instants (milliseconds since 1970). */
export interface Span {
  kind: 'waiting' | 'starting' | 'running';
  from: number;
  to: number;
}

export interface Row {
  /** Its address: `train`, `train@1` for an attempt that another followed. */
  address: string;
  one: TaskRun;
  spans: Span[];
}

export interface Timeline {
  rows: Row[];
  from: number;
  to: number;
}

/** When each task run waited for room, was being started, and ran; what has not ended lasts until `now`. */
export function timelineOf(run: Run, now: number): Timeline {
  const last = new Map<string, number>();
  run.tasks.forEach(one => last.set(labelOf(one), Math.max(one.attempt, last.get(labelOf(one)) ?? 0)));
  const rows = run.tasks.map(one => ({
    address: last.get(labelOf(one)) === one.attempt ? labelOf(one) : `${labelOf(one)}@${one.attempt}`,
    one,
    spans: spansOf(one, now)
  }));
  const from = Date.parse(run.created_at);
  const ends = rows.flatMap(row => row.spans.map(span => span.to));
  const to = Math.max(from + 1, run.ended_at ? Date.parse(run.ended_at) : from, ...(isActive(run.state) ? [now] : []), ...ends);
  return { rows, from, to };
}

function spansOf(one: TaskRun, now: number): Span[] {
  const [ready, admitted, started, ended] = [one.ready_at, one.admitted_at, one.started_at, one.ended_at].map(time =>
    time === null ? null : Date.parse(time)
  );
  // Two clocks tell these times, the scheduler's and the executor's: none may end before it began.
  const span = (kind: Span['kind'], from: number | null | undefined, to: number | null | undefined): Span[] =>
    from === null || from === undefined ? [] : [{ kind, from, to: Math.max(from, to ?? now) }];
  return [
    ...span('waiting', ready, admitted ?? started ?? ended),
    ...span('starting', admitted, started ?? ended),
    ...span('running', started, ended)
  ];
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400].map(seconds => seconds * 1000);

/** Instants to mark between two, as offsets from the first in milliseconds: round ones, at most `most`. */
export function marksOf(from: number, to: number, most: number): number[] {
  const length = to - from;
  const days = 86_400_000;
  const step = [0.1, 0.2, 0.5].map(second => second * 1000).concat(STEPS).find(one => length / one <= most) ?? Math.ceil(length / most / days) * days;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, number) => number * step);
}
