"""When the tasks of a run waited and ran, drawn with characters. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..model import Json, Run, TaskRun, encode
from .plain import one_line

WAITING, PENDING, RUNNING = "·", "░", "█"
LEGEND = f"{WAITING} waits for tasks before it   {PENDING} waits for resources   {RUNNING} runs"
LEAST_WIDTH = 10


@dataclass(frozen=True, kw_only=True)
class Span:
    """The phases of one task run, in seconds since the run was created.

    It waits for the tasks before it from `begin` to `ready`, for resources to `started`, and runs to `ended`;
    what did not happen has no length.
    """

    label: str
    one: TaskRun
    begin: float
    ready: float
    started: float
    ended: float

    def at(self, second: float) -> str:
        """The character that stands for that time."""
        if not self.begin <= second < self.ended:
            return " "
        return WAITING if second < self.ready else PENDING if second < self.started else RUNNING


def spans(run: Run, now: datetime) -> list[Span]:
    """The phases of all tasks, items and attempts, in the run's order; what goes on lasts until `now`."""
    ends: dict[tuple[str, int], datetime | None] = {(one.label, one.attempt): one.ended_at for one in run.tasks}
    return [_span(run, one, ends.get((one.label, one.attempt - 1)), now) for one in run.tasks]


def _span(run: Run, one: TaskRun, before: datetime | None, now: datetime) -> Span:
    def second(moment: datetime) -> float:
        return (moment - run.created_at).total_seconds()

    begin = second(before) if before else 0.0
    over = one.ended_at or (run.ended_at if one.state.ended else None) or now
    ended = begin if one.reused_from is not None else max(begin, second(over))
    started = min(ended, second(one.started_at)) if one.started_at else ended
    ready = min(started, second(one.ready_at)) if one.ready_at else started if one.started_at is None else begin
    if one.is_group:
        # It needs no resources: from when it is ready its items go their way.
        started = ready
    attempt = f"@{one.attempt}" if one.attempt > 1 else ""
    return Span(
        label=f"{one.label}{attempt}", one=one, begin=begin, ready=max(begin, ready), started=started, ended=ended
    )


def chart(run: Run, now: datetime, width: int) -> str:
    """One line for each task run: its name, its phases over time, its state.

    Parameters
    ----------
    width : int
        Columns of the terminal.
    """
    found = spans(run, now)
    total = max([(run.ended_at or now).timestamp() - run.created_at.timestamp(), *(one.ended for one in found), 0.001])
    names = max((len(one.label) for one in found), default=0)
    tails = [_tail(one) for one in found]
    room = max(LEAST_WIDTH, width - names - 4 - max((len(tail) for tail in tails), default=0))
    lines = [
        f"{one.label.ljust(names)}  {_bar(one, total, room)}  {tail}".rstrip()
        for one, tail in zip(found, tails, strict=True)
    ]
    end = f"{total:.1f} s"
    axis = f"{'':{names}}  0{end.rjust(room - 1)}"
    return "\n".join([f"run {run.id} of {one_line(run.workflow.name)}: {run.state}", axis, *lines, LEGEND])


def _bar(one: Span, total: float, room: int) -> str:
    # A column shows what happened in its middle; who ran for less than a column is seen all the same.
    cells = [one.at((column + 0.5) * total / room) for column in range(room)]
    if one.ended > one.started and RUNNING not in cells:
        cells[min(room - 1, int(one.started * room / total))] = RUNNING
    return "".join(cells)


def _tail(one: Span) -> str:
    if one.one.reused_from is not None:
        return f"{one.one.state} (earlier result)"
    lasted = f" {one.ended - one.started:.1f} s" if one.one.started_at or one.one.is_group else ""
    return f"{one.one.state}{lasted}"


def document(run: Run, now: datetime) -> Json:
    """The same as a JSON document; seconds are rounded to milliseconds."""
    tasks: list[object] = [
        {
            "label": one.one.label,
            "attempt": one.one.attempt,
            "state": str(one.one.state),
            "waiting_s": round(one.ready - one.begin, 3),
            "pending_s": round(one.started - one.ready, 3),
            "running_s": round(one.ended - one.started, 3),
            "ready_at": encode(one.one.ready_at),
            "admitted_at": encode(one.one.admitted_at),
            "started_at": encode(one.one.started_at),
            "ended_at": encode(one.one.ended_at),
            "reused_from": one.one.reused_from,
        }
        for one in spans(run, now)
    ]
    return {
        "run": run.id,
        "state": str(run.state),
        "created_at": encode(run.created_at),
        "started_at": encode(run.started_at),
        "ended_at": encode(run.ended_at),
        "tasks": tasks,
    }
