"""What happens to a start that is due: run it, show it as skipped, or let it wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..errors import BadInput
from ..model import Misfire, Schedule, StrEnum, record
from .triggers import next_start


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
    - ``skip``: a missed start gets a skipped row; the next start lies after `now`.

    A start that comes while a run is active (and does not wait for it by ``all``) is skipped.

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
        following = next_start(schedule, due if misfire is Misfire.ALL else now) if schedule else None
    except BadInput as error:
        return DueDecision(answer=Answer.SKIP, next_start=None, reason=f"the schedule cannot be read: {error}")
    if active is not None:
        reason = f"run {active} of this workflow had not ended when this start was due"
        return DueDecision(answer=Answer.SKIP, next_start=following, reason=reason)
    if late and misfire is Misfire.SKIP:
        reason = f"missed by {_span(now - due)}; this schedule skips missed starts"
        return DueDecision(answer=Answer.SKIP, next_start=following, reason=reason)
    return DueDecision(answer=Answer.RUN, next_start=following)


def _span(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    if minutes < 1:
        return f"{int(time.total_seconds())} s"
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
