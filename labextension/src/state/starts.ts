/** The next starts of a schedule, and what changes of the clocks do to them. */
import type { Check } from '../contract';
import { offsetAt } from './time';

export interface Start {
  /** ISO 8601. */
  at: string;
  /** `UTC+02:00` */
  offset: string;
  /** By how many minutes the clocks were put forward (back: negative) since the start before; 0: they were not. */
  shift: number;
  /** What that does to this start, in the service's words; "" for nothing. */
  note: string;
}

export function startsOf(check: Check, timezone: string): Start[] {
  const offsets = check.next_starts.map(start => offsetAt(Date.parse(start), timezone));
  return check.next_starts.map((at, number) => {
    const offset = offsets[number] ?? 0;
    const before = offsets[number - 1] ?? offset;
    return { at, offset: offsetName(offset), shift: offset - before, note: check.clock_changes[number] ?? '' };
  });
}

/** `UTC+02:00`, `UTC` for none. */
export function offsetName(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (number: number) => String(number).padStart(2, '0');
  return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Day and time of a start on the clock of `timezone`. */
export function startTime(at: string, timezone: string, locale?: string): string {
  return new Date(at).toLocaleString(locale, {
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: timezone
  });
}
