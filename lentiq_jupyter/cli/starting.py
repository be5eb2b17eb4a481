"""When workflows start: times as people write and read them. Pure but for the zone files."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo

from ..errors import BadInput
from ..model import Json, RequestedStart, Workflow
from .present import table

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHOWN = 10


def zone_of(workflow: Workflow) -> tzinfo:
    """The zone in which people read a workflow's times: its schedule's, UTC without one."""
    return zoneinfo.ZoneInfo(workflow.schedule.timezone) if workflow.schedule else UTC


def read_time(text: str, zone: tzinfo, *, end_of_day: bool = False) -> datetime:
    """The time of ``2026-11-01``, ``2026-11-01T02:00`` or one with an offset, aware.

    Parameters
    ----------
    zone : what a time without an offset is in
    end_of_day : bool
        Whether a day alone stands for its last moment instead of its first.

    Raises
    ------
    BadInput
        If it is no time.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is not a time.", "Write 2026-11-01 or 2026-11-01T02:00.") from error
    if end_of_day and len(text) <= len("2026-11-01"):
        found = datetime.combine(found.date(), time.max)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def moment(start: datetime, zone: tzinfo) -> str:
    """``Sun 2026-10-25 03:30 +0200``, in that zone."""
    local = start.astimezone(zone)
    return f"{_WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M %z}"


def count(number: int) -> str:
    """``1 start``, ``2 starts``."""
    return f"{number} start{'' if number == 1 else 's'}"


def backfilled(workflow: Workflow, added: Sequence[RequestedStart]) -> str:
    """What a backfill asked for."""
    if not added:
        return f"There is nothing to do: each start of {workflow.name} in that time has a run, or waits for one."
    lines = [f"Asked for {count(len(added))} of {workflow.name}, one after another:", *_listed(workflow, added)]
    if workflow.paused:
        lines.append(f"They wait, because it is paused. Resume it with: lentiq workflow resume {workflow.name}")
    return "\n".join(lines)


def waiting(workflow: Workflow, starts: Sequence[RequestedStart]) -> str:
    """The starts of a backfill that still wait."""
    if not starts:
        return f"No start of a backfill of {workflow.name} waits."
    paused = "; it is paused" if workflow.paused else ""
    return "\n".join([f"{count(len(starts))} of {workflow.name} to come{paused}:", *_listed(workflow, starts)])


def _listed(workflow: Workflow, starts: Sequence[RequestedStart]) -> list[str]:
    lines = [f"  {moment(one.due_at, zone_of(workflow))}" for one in starts[:_SHOWN]]
    return [*lines, f"  and {len(starts) - _SHOWN} more"] if len(starts) > _SHOWN else lines


def next_starts(workflow: Workflow, now: datetime, number: int) -> list[dict[str, Json]]:
    """The next starts: in UTC and in the schedule's zone, the day of the week, and what the clocks do to each."""
    from ..scheduler import clock_change, preview

    if workflow.schedule is None:
        return []
    zone = zone_of(workflow)
    found: list[dict[str, Json]] = []
    for start in preview(workflow.schedule, now, number):
        local = start.astimezone(zone)
        found.append(
            {
                "start": start.astimezone(UTC).isoformat(),
                "local": local.isoformat(),
                "weekday": _WEEKDAYS[local.weekday()],
                "summer_time": bool(local.dst() or timedelta(0)),
                "clock_change": clock_change(workflow.schedule, start),
            }
        )
    return found


def preview(workflow: Workflow, starts: Sequence[dict[str, Json]]) -> str:
    """`next_starts` as a table; a mark where the offset of the zone changes."""
    if workflow.schedule is None:
        return f"{workflow.name} has no schedule. Start it with: lentiq workflow start {workflow.name}"
    rows = []
    before: timedelta | None = None
    for one in starts:
        local = datetime.fromisoformat(str(one["local"]))
        changed = before is not None and local.utcoffset() != before
        before = local.utcoffset()
        remark = str(one["clock_change"]) or ("the clocks have changed" if changed else "")
        zone = f"{local:%z}{' DST' if one['summer_time'] else ''}"
        rows.append((str(one["weekday"]), f"{local:%Y-%m-%d}", f"{local:%H:%M}", zone, remark))
    title = f"{workflow.name} in {workflow.schedule.timezone}" + (
        ", but it is paused: none of these happens until it is resumed" if workflow.paused else ""
    )
    empty = "It has no start to come."
    return f"{title}\n{table(('day', 'date', 'time', 'offset', ''), rows, empty)}"
