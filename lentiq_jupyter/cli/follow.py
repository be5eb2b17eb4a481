"""Following work to its end: publishes by their steps, runs by their states, cells and logs."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable

import click

from ..errors import Cancelled
from ..model import ProgressEvent, Run, RunState, Step, TaskRun, TaskState
from . import present
from .shell import LocalService

_NUMBERS = re.compile(r"\d+")
POLL_S = 0.3
CANCEL_S = 30.0
"""Seconds to wait for a cancelled run to end: the executors' grace of ten, and the work around it."""


class StepLines:
    """Shows the progress of a publish on stderr: one live line on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._open = False
        self._last = ("", "")
        self._counts = ""
        self._round = 1

    def show(self, event: ProgressEvent) -> None:
        """Show one event. What only counts on moves the live line; elsewhere its begin and its end are lines."""
        same = (event.step, event.message) == self._last
        on = same or (event.done is not None and self._counts == _counts(event))
        if self._last[0] == Step.VERIFY and event.step in (Step.ANALYSE, Step.RESOLVE, Step.BUILD):
            # The proof found something missing, and the build begins again.
            self.close()
            self._round += 1
            click.echo(f"{'':>9}  round {self._round}", err=True)
        self._last = (event.step, event.message)
        self._counts = _counts(event)
        text = f"{event.step:>9}  {event.message}"
        if not self._live:
            if not same and (not on or event.done == event.total):
                click.echo(text, err=True)
            return
        # A line that the terminal folds could not be written over.
        room = max(20, shutil.get_terminal_size().columns - 1)
        counted = _counted(event)
        if len(text) + len(counted) > room:
            text = text[: room - len(counted) - 1] + "…"
        # Return to the line's begin and clear it; a new message keeps the line before.
        click.echo(("\r\x1b[K" if on else "\n" if self._open else "") + text + counted, nl=False, err=True)
        self._open = True

    def close(self) -> None:
        """End the live line."""
        if self._open:
            click.echo("", err=True)
        self._open = False


def _counts(event: ProgressEvent) -> str:
    """What an event is about, whatever its numbers; "" for one that does not count."""
    return "" if event.done is None else f"{event.step} {_NUMBERS.sub('0', event.message)}"


def _counted(event: ProgressEvent) -> str:
    """How far an event is: small counts as they are, bytes as a share; "" when unknown."""
    if event.done is None or not event.total:
        return ""
    return f"  {event.done} of {event.total}" if event.total < 10_000 else f"  {100 * event.done // event.total} %"


def changes(before: Run | None, after: Run) -> list[str]:
    """What to say when a run was `before` and is `after`: one line for each task that moved, and one for the run."""
    lines: list[str] = []
    if before is None:
        lines.append(f"run {after.id} of {after.workflow.name}: {after.state}")
    known = {one.task.name: one for one in before.tasks} if before else {}
    for one in after.tasks:
        line = _task_change(known.get(one.task.name), one)
        if line:
            lines.append(f"  {one.task.name}: {line}")
    if before is not None and before.state is not after.state:
        took = present.seconds(after.started_at, after.ended_at)
        lines.append(f"run {after.id}: {after.state}{' in ' + took if took else ''}")
    return lines


def _task_change(before: TaskRun | None, after: TaskRun) -> str:
    same = before is not None and (before.state, before.attempt) == (after.state, after.attempt)
    reason = f" ({after.reason})" if after.reason else ""
    if not same:
        took = present.seconds(after.started_at, after.ended_at)
        return f"{after.state}{' after ' + took if took else ''}{reason}"
    if before is not None and after.reason != before.reason and after.state is TaskState.PENDING:
        return f"{after.state}{reason}"
    if before is not None and after.progress is not None and after.progress != before.progress:
        return f"cell {after.progress.done} of {after.progress.total} done"
    return ""


class LogLines:
    """Reads the logs of a run's tasks as they grow; with several tasks, each line begins with the task's name."""

    def __init__(self, service: LocalService, say: Callable[[str], None]) -> None:
        self._service = service
        self._say = say
        self._offsets: dict[str, int] = {}
        self._rests: dict[str, str] = {}

    def read(self, run: Run, only: str | None = None) -> None:
        """Say what is new; the last line of an ended task even if nothing ends it."""
        for one in run.tasks:
            name = one.task.name
            if only not in (None, name) or one.started_at is None:
                continue
            text = self._service.log(run.id, name, self._offsets.get(name, 0))
            self._offsets[name] = self._offsets.get(name, 0) + len(text.encode())
            lines = (self._rests.get(name, "") + text).split("\n")
            self._rests[name] = lines.pop()
            if one.state.ended and self._rests[name]:
                lines.append(self._rests.pop(name))
            for line in lines:
                self._say(f"{name} | {line}" if len(run.tasks) > 1 and only is None else line)


def follow(
    service: LocalService,
    run_id: str,
    *,
    say: Callable[[str], None],
    log: Callable[[str], None] | None = None,
    task: str | None = None,
    cancels: bool = True,
) -> Run:
    """Say what happens to a run until it has ended; somebody's scheduler must be at work.

    Parameters
    ----------
    say, log : callables taking a line
        Get state changes and log lines; `log` None leaves logs out.
    task : str or None
        The only task whose log is wanted; None means all.
    cancels : bool
        Whether Ctrl-C cancels the run, instead of only looking away.

    Raises
    ------
    Cancelled
        After Ctrl-C.
    """
    logs = LogLines(service, log) if log is not None else None
    before: Run | None = None
    try:
        while True:
            run = service.run(run_id)
            if logs is not None:
                logs.read(run, task)
            for line in changes(before, run):
                say(line)
            if run.state.ended:
                return run
            before = run
            time.sleep(POLL_S)
    except KeyboardInterrupt as interrupt:
        if not cancels:
            raise
        say(f"Cancelling run {run_id} …")
        service.cancel_run(run_id)
        deadline = time.monotonic() + CANCEL_S
        while not service.run(run_id).state.ended and time.monotonic() < deadline:
            time.sleep(POLL_S)
        raise Cancelled(f"Run {run_id} is {service.run(run_id).state}, as asked.") from interrupt


def outputs(run: Run) -> list[str]:
    """The outputs of a run's tasks, one a line."""
    return [
        f"{one.task.name}.{name} = {present.value(given)}"
        for one in run.tasks
        for name, given in (one.outputs or {}).items()
    ]


def verdict(run: Run) -> str:
    """Why a run's end is no success, in one sentence; "" for SUCCEEDED."""
    if run.state is RunState.SUCCEEDED:
        return ""
    reason = present.why(run)
    return f"Run {run.id} of {run.workflow.name} is {run.state}{': ' + reason if reason else ''}"
