"""What happens to a start that is due: run it, show it as skipped, or let it wait."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from itertools import islice, takewhile

from ..errors import BadInput
from ..model import Misfire, Schedule, StrEnum, record
from .triggers import next_start, starts_after

MADE_UP_LIMIT = 1_000
"""Missed starts that ``all`` makes up for, at most."""
_COUNTED_LIMIT = 20_000
_MOMENT = timedelta(microseconds=1)


class Answer(StrEnum):
    """RUN it; SKIP it, visibly; WAIT (stay due) until the run that goes on has ended."""

    RUN = "run"
    SKIP = "skip"
    WAIT = "wait"


@record
class DueDecision:
    """The answer to a due start, the next start after it (None: no more), and why (for SKIP and WAIT)."""

    answer: Answer
    next_start: datetime | None
    reason: str = ""


def decide_due(
    schedule: Schedule | None, due: datetime, now: datetime, *, active: str | None, grace_s: float
) -> DueDecision:
    """Decide about one due start.

    A start is *missed* if it is more than `grace_s` seconds late, because no scheduler ran.

    - ``once``: one run stands for all starts missed; the next start lies after `now`.
    - ``all``: every missed start gets a run of its own, one after another; while one goes on the others wait.
      Only the newest `MADE_UP_LIMIT` are made up for: a start before those gets a skipped row, whose reason
      says how many it stands for, and the next start is the first that is made up for.
    - ``skip``: a missed start gets a skipped row; the next start lies after `now`.

    A start that comes while a run is active (and does not wait for it by ``all``) is skipped.

    The next start always lies after `due`, also where the clock was put back since it was looked at: no start is
    answered twice. Where the clock was ahead for a while, `reckoned_again` says which start is to come.

    Parameters
    ----------
    schedule : Schedule or None
        None: the workflow lost its schedule; the start is taken as the last one.
    active : str or None
        Id of the run of this workflow that is pending or running.
    """
    late = now - due > timedelta(seconds=grace_s)
    misfire = schedule.misfire if schedule else Misfire.ONCE
    if active is not None and misfire is Misfire.ALL and late:
        return DueDecision(answer=Answer.WAIT, next_start=due, reason=f"waits for run {active}")
    try:
        if schedule is not None and misfire is Misfire.ALL and late:
            given_up = _given_up(schedule, due, now)
            if given_up is not None:
                return given_up
        following = next_start(schedule, due if misfire is Misfire.ALL else max(due, now)) if schedule else None
    except BadInput as error:
        return DueDecision(answer=Answer.SKIP, next_start=None, reason=f"the schedule cannot be read: {error}")
    if active is not None:
        reason = f"run {active} of this workflow had not ended when this start was due"
        return DueDecision(answer=Answer.SKIP, next_start=following, reason=reason)
    if late and misfire is Misfire.SKIP:
        reason = f"missed by {_span(now - due)}; this schedule skips missed starts"
        return DueDecision(answer=Answer.SKIP, next_start=following, reason=reason)
    return DueDecision(answer=Answer.RUN, next_start=following)


def reckoned_again(
    schedule: Schedule, stored: datetime | None, now: datetime, answered: datetime | None
) -> datetime | None:
    """The next start that should be stored, where the clock may have been ahead when the stored one was reckoned.

    While a clock is wrong by years, a due start moves the next one behind that wrong time, and nothing would
    start until then. Where the clock was right all the time this is the stored start.

    Parameters
    ----------
    stored : datetime or None
        The next start as it is stored; None: there is no more.
    answered : datetime or None
        The latest start that a run or a skipped row stands for: it is not answered again. None: there was none.

    Raises
    ------
    BadInput
        If the schedule cannot be read.
    """
    following = next_start(schedule, now if answered is None else max(now, answered))
    if following is None or (stored is not None and stored <= following):
        return stored
    return following


def _given_up(schedule: Schedule, due: datetime, now: datetime) -> DueDecision | None:
    """A skipped row for those of the missed starts that are too many; None if there are not."""
    # With `due` itself there is one more.
    if _count(schedule, due, now, MADE_UP_LIMIT) < MADE_UP_LIMIT:
        return None
    reach = timedelta(minutes=1)
    while _count(schedule, now - reach, now, MADE_UP_LIMIT) < MADE_UP_LIMIT:
        reach = min(2 * reach, now - due)
    kept: deque[datetime] = deque(maxlen=MADE_UP_LIMIT)
    kept.extend(takewhile(lambda start: start <= now, starts_after(schedule, now - reach)))
    following = kept[0]
    left_out = 1 + _count(schedule, due, following - _MOMENT, _COUNTED_LIMIT)
    number = f"{left_out}" if left_out <= _COUNTED_LIMIT else f"more than {_COUNTED_LIMIT}"
    reason = (
        f"missed by {_span(now - due)}; stands for {number} missed starts, all before {following:%Y-%m-%d %H:%M} UTC: "
        f"only the newest {MADE_UP_LIMIT} are made up for"
    )
    return DueDecision(answer=Answer.SKIP, next_start=following, reason=reason)


def _count(schedule: Schedule, after: datetime, last: datetime, limit: int) -> int:
    """How many starts lie after `after` and not after `last`; `limit` if there are more."""
    return sum(1 for _ in islice(takewhile(lambda start: start <= last, starts_after(schedule, after)), limit))


def _span(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    if minutes < 1:
        return f"{int(time.total_seconds())} s"
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
