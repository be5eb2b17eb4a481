/** `850 ms`, `12 s`, `3 min 05 s`, `2 h 07 min`: a duration for reading. */
export function readableDuration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds / 1000);
  if (seconds < 1) {
    return `${Math.round(seconds * 1000)} ms`;
  }
  if (seconds < 60) {
    return seconds < 10 ? `${Number(seconds.toFixed(1))} s` : `${Math.floor(seconds)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes} min ${two(Math.floor(seconds % 60))} s`;
  }
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** `just now`, `5 min ago`, `in 3 h`, else the date: an instant for reading, in the language of `locale`. */
export function relativeTime(instant: string, now: number, locale?: string): string {
  const seconds = Math.round((Date.parse(instant) - now) / 1000);
  const size = Math.abs(seconds);
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'narrow' });
  if (size < 45) {
    return format.format(0, 'second');
  }
  if (size < 3600) {
    return format.format(Math.round(seconds / 60), 'minute');
  }
  if (size < 86_400) {
    return format.format(Math.round(seconds / 3600), 'hour');
  }
  if (size < 7 * 86_400) {
    return format.format(Math.round(seconds / 86_400), 'day');
  }
  return new Date(instant).toLocaleDateString(locale, { year: 'numeric', month: 'short', day: 'numeric' });
}

/** Date, time and offset in words: an instant in `timezone` (the browser's if undefined). */
export function fullTime(instant: string, timezone?: string, locale?: string): string {
  return new Date(instant).toLocaleString(locale, {
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    timeZone: timezone
  });
}

/** Offset of `timezone` from UTC at an instant, in minutes (east is positive). Raises RangeError for unknown zones. */
export function offsetAt(instant: number, timezone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric'
  }).formatToParts(instant);
  const part = (type: string) => Number(parts.find(one => one.type === type)?.value);
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return Math.round((wall - Math.floor(instant / 1000) * 1000) / 60_000);
}

/**
 * The instant of a wall clock's time, as ISO 8601 with the zone's offset; null if it cannot be read.
 *
 * `local` is `YYYY-MM-DDTHH:MM` as date-time fields give it. A time that a clock change leaves out moves
 * forward by the gap; of a time that comes twice, the first is meant.
 */
export function zonedTime(local: string, timezone: string): string | null {
  const wall = Date.parse(`${local}Z`);
  if (Number.isNaN(wall) || !isTimezone(timezone)) {
    return null;
  }
  const before = offsetAt(wall - 86_400_000, timezone);
  const after = offsetAt(wall + 86_400_000, timezone);
  const fits = [before, after].find(offset => offsetAt(wall - offset * 60_000, timezone) === offset);
  const instant = wall - (fits ?? before) * 60_000;
  return atOffset(instant, offsetAt(instant, timezone));
}

/** `YYYY-MM-DDTHH:MM` on a clock in `timezone`, as date-time fields take it; "" if it cannot be read. */
export function localTime(instant: string, timezone: string): string {
  const time = Date.parse(instant);
  if (Number.isNaN(time) || !isTimezone(timezone)) {
    return '';
  }
  return new Date(time + offsetAt(time, timezone) * 60_000).toISOString().slice(0, 16);
}

/** Whether the browser knows that IANA time zone. */
export function isTimezone(timezone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: timezone });
    return timezone !== '';
  } catch {
    return false;
  }
}

/** All IANA time zones the browser knows, UTC first. */
export function timezones(): string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter(zone => zone !== 'UTC')];
}

function atOffset(instant: number, offset: number): string {
  const wall = new Date(instant + offset * 60_000).toISOString().slice(0, 19);
  const size = Math.abs(offset);
  return `${wall}${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
