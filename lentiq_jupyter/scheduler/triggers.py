"""When a schedule starts next: arithmetic of times, without a clock.

What is counted how:

- ``15m`` and ``6h`` are lengths of time: after a change of the clocks, ``6h`` later is 6 real hours later.
- ``1d``, ``2w`` and ``1M`` keep the time on the wall clock of the schedule's zone. Every start is counted
  from the schedule's own start, never from the one before, so the 31st becomes the 30th in June and the
  31st again in July. A wall time that a change of the clocks leaves out (02:30 when 02:00 becomes 03:00)
  is moved by what was left out (03:30); one that comes twice is taken the first time.
- cron is read by cronsim, with the rules of Debian's cron: a job at a time that is left out runs right
  after the gap (03:00); at a time that comes twice it runs once; ``*`` in minutes or hours counts real time.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError
from dateutil.relativedelta import relativedelta

from ..errors import BadInput
from ..model import Schedule

_EVERY = re.compile(r"([1-9][0-9]{0,5})([mhdwM])")
_LENGTHS = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}
_DAYS = {"d": 1, "w": 7}
PREVIEW_COUNT = 10


def next_start(schedule: Schedule, after: datetime) -> datetime | None:
    """The first start later than `after`, in UTC; None if there is none.

    Raises
    ------
    BadInput
        If the repetition or the time zone cannot be read.
    """
    after = after.astimezone(UTC)
    start = schedule.start.astimezone(UTC)
    zone = read_timezone(schedule.timezone)
    if schedule.cron:
        # One second before: a start that cron matches counts too.
        return _next_cron(schedule.cron, zone, max(after, start - timedelta(seconds=1)))
    if start > after:
        return start
    if schedule.every:
        return _next_repetition(start, *read_every(schedule.every), zone, after)
    return None


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
    found: list[datetime] = []
    start = next_start(schedule, after)
    while start is not None and len(found) < count:
        found.append(start.astimezone(zone))
        start = next_start(schedule, start)
    return tuple(found)


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


def _next_cron(cron: str, zone: zoneinfo.ZoneInfo, after: datetime) -> datetime | None:
    # Where a wall time comes twice, cronsim counts from its first coming; so what it gives may lie before
    # `after`, and is asked again.
    candidates = CronSim(read_cron(cron), after.astimezone(zone))
    try:
        for candidate in candidates:
            found: datetime = candidate.astimezone(UTC)
            if found > after:
                return found
    except (OverflowError, ValueError):
        # Beyond the year 9999, where dates end.
        return None
    return None


def _next_repetition(
    start: datetime, count: int, unit: str, zone: zoneinfo.ZoneInfo, after: datetime
) -> datetime | None:
    """The first of start, start + count units, start + 2 * count units … after `after` (not before `start`)."""
    try:
        if unit in _LENGTHS:
            step = count * _LENGTHS[unit]
            return start + ((after - start) // step + 1) * step
        origin = start.astimezone(zone).replace(tzinfo=None, fold=0)
        reached = after.astimezone(zone).replace(tzinfo=None)
        if unit in _DAYS:
            days = count * _DAYS[unit]
            number = (reached - origin).days // days
        else:
            number = ((reached.year - origin.year) * 12 + reached.month - origin.month) // count
        # The estimate may be one too high (later in the day or month) and is at most one too low.
        number = max(1, number - 1)
        while True:
            wall = origin + (timedelta(days=number * days) if unit in _DAYS else relativedelta(months=number * count))
            found = wall.replace(tzinfo=zone).astimezone(UTC)
            if found > after:
                return found
            number += 1
    except (OverflowError, ValueError):
        # Beyond the year 9999.
        return None
