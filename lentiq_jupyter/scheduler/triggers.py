"""When a schedule starts next: arithmetic of times, without a clock.

What is counted how:

- ``15m`` and ``6h`` are lengths of time: after a change of the clocks, ``6h`` later is 6 real hours later.
- ``1d``, ``2w`` and ``1M`` keep the time on the wall clock of the schedule's zone. Every start is counted
  from the schedule's own start, never from the one before, so the 31st becomes the 30th in June and the
  31st again in July. A wall time that a change of the clocks leaves out (02:30 when 02:00 becomes 03:00)
  is moved by what was left out (03:30); one that comes twice is taken the first time.
- cron follows Debian's: a job at a time that is left out runs right after the gap (03:00); at a time that
  comes twice it runs the first time; where minutes or hours begin with ``*`` real time counts: it runs whenever
  the clock shows such a time, and not at one that is left out. cronsim reads the expression and finds the
  times on the wall; which moments those are is reckoned here, as its own reckoning takes every change of the
  clocks for a whole hour in the middle of a day.

A zone's rules are those of the installed tz database, for the past, too: what it says of a day may change.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from cronsim import CronSim, CronSimError
from dateutil.relativedelta import relativedelta

from ..errors import BadInput
from ..model import Schedule

_EVERY = re.compile(r"([1-9][0-9]{0,5})([mhdwM])")
_LENGTHS = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}
_DAYS = {"d": 1, "w": 7}
PREVIEW_COUNT = 10
BACKFILL_LIMIT = 10_000
"""Starts of a backfill at most."""
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def next_start(schedule: Schedule, after: datetime) -> datetime | None:
    """The first start later than `after`, in UTC; None if there is none.

    Raises
    ------
    BadInput
        If the repetition or the time zone cannot be read.
    """
    return next(starts_after(schedule, after), None)


def starts_after(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The starts later than `after`, each later than the one before, in UTC; most schedules never end.

    Raises
    ------
    BadInput
        With the first one, if the repetition or the time zone cannot be read.
    """
    after = after.astimezone(UTC)
    start = schedule.start.astimezone(UTC)
    zone = read_timezone(schedule.timezone)
    try:
        if schedule.cron:
            # One second before: a start that cron matches counts too.
            yield from _cron_starts(schedule.cron, zone, max(after, start - _SECOND))
            return
        if start > after:
            yield start
        if schedule.every:
            yield from _repetitions(start, *read_every(schedule.every), zone, max(after, start))
    except (OverflowError, ValueError):
        # Beyond the year 9999, where dates end.
        return


def starts_between(
    schedule: Schedule, first: datetime, last: datetime, limit: int = BACKFILL_LIMIT
) -> tuple[datetime, ...]:
    """The starts from `first` to `last`, both included, in UTC; none lies before the schedule's own start.

    Raises
    ------
    BadInput
        If there are more than `limit`, if `last` lies before `first`, if one of them has no time zone, or if the
        repetition or the time zone cannot be read.
    """
    if first.tzinfo is None or last.tzinfo is None:
        raise BadInput("The first and the last time need a time zone.", "Write them like 2026-05-01T02:00+02:00.")
    if last < first:
        raise BadInput(f"The last time ({last.isoformat()}) lies before the first ({first.isoformat()}).", "Swap them.")
    found: list[datetime] = []
    for start in starts_after(schedule, first - timedelta(microseconds=1)):
        if start > last:
            break
        if len(found) == limit:
            raise BadInput(
                f"There are more than {limit} starts from {first.isoformat()} to {last.isoformat()}.",
                "Choose a shorter time.",
            )
        found.append(start)
    return tuple(found)


def first_start(schedule: Schedule, now: datetime) -> datetime | None:
    """The start that a workflow saved at `now` waits for first, in UTC; None if there is none.

    A start in the past counts: it is due at once. Cron has no such start: it says itself when.

    Raises
    ------
    BadInput
        If the repetition or the time zone cannot be read.
    """
    if schedule.cron:
        return next_start(schedule, now)
    if schedule.every:
        read_every(schedule.every)
    read_timezone(schedule.timezone)
    return schedule.start.astimezone(UTC)


def preview(schedule: Schedule, after: datetime, count: int = PREVIEW_COUNT) -> tuple[datetime, ...]:
    """Up to `count` starts later than `after`, in the schedule's zone (their offsets show the DST).

    Raises
    ------
    BadInput
        If the repetition or the time zone cannot be read.
    """
    zone = read_timezone(schedule.timezone)
    return tuple(start.astimezone(zone) for start in islice(starts_after(schedule, after), count))


def clock_change(schedule: Schedule, start: datetime) -> str:
    """What a change of the clocks has to do with one of the schedule's starts; "" for nothing.

    ``02:30 does not exist that day`` where it was moved; ``02:30 comes twice that day: this is the first``.

    Raises
    ------
    BadInput
        If the repetition or the time zone cannot be read.
    """
    zone = read_timezone(schedule.timezone)
    local = start.astimezone(zone)
    wall = _left_out(schedule, start.astimezone(UTC), zone)
    if wall is not None:
        same_day = wall.date() == local.date()
        return f"{wall:%H:%M} does not exist that day" if same_day else f"{wall:%Y-%m-%d %H:%M} does not exist"
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return ""
    return f"{local:%H:%M} comes twice that day: this is the {'second' if local.fold else 'first'}"


def _left_out(schedule: Schedule, start: datetime, zone: zoneinfo.ZoneInfo) -> datetime | None:
    """The time on the wall that a start stands for, where the clock never showed it."""
    local = _wall(start, zone)
    if schedule.cron and not _counts_real_time(schedule.cron):
        gap = _offset(start, zone) - _offset(start - _SECOND, zone)
        if gap > timedelta(0):
            wall: datetime | None = next(CronSim(read_cron(schedule.cron), local - gap - _SECOND), None)
            return wall if wall is not None and wall < local else None
    elif schedule.every and read_every(schedule.every)[1] not in _LENGTHS:
        # The first start is as given; all others have its time of the day.
        time = _wall(schedule.start.astimezone(UTC), zone).time()
        for day in (local.date(), local.date() - _DAY):
            wall = datetime.combine(day, time)
            if wall != local and _moment(wall, zone) == start:
                return wall
    return None


def schedule_faults(schedule: Schedule) -> tuple[tuple[str, str], ...]:
    """All faults of a schedule: the field each is in, and a sentence."""
    readers: list[tuple[str, Callable[[str], object], str | None]] = [
        ("timezone", read_timezone, schedule.timezone),
        ("every", read_every, schedule.every),
        ("cron", read_cron, schedule.cron),
    ]
    faults: list[tuple[str, str]] = []
    for field, read, text in readers:
        if text is None:
            continue
        try:
            read(text)
        except BadInput as error:
            faults.append((field, str(error)))
    if not faults and schedule.cron and next_start(schedule, schedule.start) is None:
        faults.append(("cron", f"{schedule.cron!r} never comes. Choose a day that exists."))
    return tuple(faults)


def read_every(text: str) -> tuple[int, str]:
    """``6h`` gives (6, "h"). Raises BadInput."""
    found = _EVERY.fullmatch(text)
    if not found:
        raise BadInput(
            f"{text!r} is not a repetition.", "Write a number and a unit: 15m, 6h, 1d, 2w or 1M (minutes … months)."
        )
    return int(found[1]), found[2]


def read_cron(text: str) -> str:
    """The expression, if it is one of five fields. Raises BadInput."""
    example = "Write five fields (minute hour day month weekday), as in 0 2 * * 1-5."
    if len(text.split()) != 5:
        raise BadInput(f"{text!r} is not a cron expression: it has {len(text.split())} fields.", example)
    try:
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise BadInput(f"{text!r} is not a cron expression ({str(error).lower()}).", example) from error
    return text


def read_timezone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of that IANA name. Raises BadInput."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = difflib.get_close_matches(name, sorted(zoneinfo.available_timezones()), n=1)
        meant = f"Did you mean {near[0]}?" if near else "Write it like Europe/Bucharest or UTC."
        raise BadInput(f"{name!r} is not a time zone.", meant) from error


def _cron_starts(cron: str, zone: zoneinfo.ZoneInfo, after: datetime) -> Iterator[datetime]:
    return (_shown if _counts_real_time(cron) else _once_a_day)(read_cron(cron), zone, after)


def _counts_real_time(cron: str) -> bool:
    """Debian's rule: whether minutes or hours begin with a star."""
    return any(field.startswith("*") for field in cron.split()[:2])


def _once_a_day(cron: str, zone: zoneinfo.ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every time that cron names, once: the first time it comes, or right after the gap it falls into."""
    for wall in CronSim(cron, _wall(after, zone)):
        found = _moment(wall, zone)
        if _wall(found, zone) != wall:
            found = _change_after(zone, found - _DAY, found) or found
        # Times in one gap share their moment; a time that came already is not meant when it comes again.
        if found > after:
            after = found
            yield found


def _shown(cron: str, zone: zoneinfo.ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every moment at which the clock shows a time that cron names."""
    since = after
    while True:
        offset = _offset(since, zone)
        for wall in CronSim(cron, after.replace(tzinfo=None) + offset):
            found = wall.replace(tzinfo=UTC) - offset
            change = _change_after(zone, since, found)
            if change is not None:
                # From there on the clock shows something else.
                since, after = change, change - _SECOND
                break
            since = found
            yield found
        else:
            return


def _repetitions(
    start: datetime, count: int, unit: str, zone: zoneinfo.ZoneInfo, after: datetime
) -> Iterator[datetime]:
    """Those of start + count units, start + 2 * count units … that lie after `after` (not before `start`)."""
    if unit in _LENGTHS:
        step = count * _LENGTHS[unit]
        found = start + ((after - start) // step + 1) * step
        while True:
            yield found
            found += step
    origin = _wall(start, zone)
    reached = _wall(after, zone)
    if unit in _DAYS:
        number = (reached - origin).days // (count * _DAYS[unit])
    else:
        number = ((reached.year - origin.year) * 12 + reached.month - origin.month) // count
    # The estimate may be one too high (later in the day or month) and is at most one too low.
    number = max(1, number - 1)
    while True:
        steps = number * count
        wall = origin + (timedelta(days=steps * _DAYS[unit]) if unit in _DAYS else relativedelta(months=steps))
        found = _moment(wall, zone)
        # Where a whole day is left out, its start and the next day's are the same moment.
        if found > after:
            after = found
            yield found
        number += 1


def _offset(moment: datetime, zone: zoneinfo.ZoneInfo) -> timedelta:
    """How far the zone's clock is ahead of UTC."""
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _wall(moment: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """What the zone's clock shows, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _moment(wall: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """When the clock first shows that; what it never shows is moved by what was left out (PEP 495, fold 0)."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _change_after(zone: zoneinfo.ZoneInfo, low: datetime, high: datetime) -> datetime | None:
    """The first change of the clocks later than `low` and not later than `high`, to the second; None if none.

    Days are looked at one by one: no zone changes its clocks and back within one.
    """
    low = low.replace(microsecond=0)
    offset = _offset(low, zone)
    while low < high:
        after = min(low + _DAY, high)
        if _offset(after, zone) != offset:
            high = after
            while high - low > _SECOND:
                middle = low + (high - low) // _SECOND // 2 * _SECOND
                low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
            return high
        low = after
    return None
