"""Following work to its end: publishes by their steps, runs by their states, cells and logs."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable

import click

from ..errors import Cancelled
from ..model import ProgressEvent, Run, RunState, Step, TaskRun, TaskState, newest
from . import present, run_text
from .log_lines import LogLines, matching
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
    """What to say when a run was `before` and is `after`: one line for each task that moved, and one for the run.

    Of the items of a task only those that went wrong get lines; the others are counted in the task's own.
    """
    lines: list[str] = []
    if before is None:
        lines.append(f"run {after.id} of {after.workflow.name}: {after.state}")
    known = {(one.label, one.attempt): one for one in before.tasks} if before else {}
    for one in after.tasks:
        if one.item is not None and one.state not in (TaskState.FAILED, TaskState.LOST):
            continue
        line = _task_change(known.get((one.label, one.attempt)), one)
        counted = _items(after, one)
        if one.is_group and not line and before is not None and counted != _items(before, one):
            line = counted
        if line:
            attempt = f" (attempt {one.attempt})" if one.attempt > 1 else ""
            lines.append(f"  {one.label}{attempt}: {line}")
    if before is not None and before.state is not after.state:
        took = present.seconds(after.started_at, after.ended_at)
        lines.append(f"run {after.id}: {after.state}{' in ' + took if took else ''}")
    return lines


def _items(run: Run, group: TaskRun) -> str:
    name = group.task.name
    return run_text.counts(newest(one for one in run.tasks if one.item is not None and one.task.name == name))


def _task_change(before: TaskRun | None, after: TaskRun) -> str:
    reason = f" ({after.reason})" if after.reason else ""
    if before is None or before.state is not after.state:
        took = present.seconds(after.started_at, after.ended_at)
        return f"{after.state}{' after ' + took if took else ''}{reason}"
    if after.reason != before.reason and after.state is TaskState.PENDING:
        return f"{after.state}{reason}"
    if after.progress is not None and after.progress != before.progress:
        return f"cell {after.progress.done} of {after.progress.total} done"
    return ""


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
        The only task that is wanted (its items and attempts too; or one of them); then its end is the end. None
        means all.
    cancels : bool
        Whether Ctrl-C cancels the run, instead of only looking away.

    Raises
    ------
    Cancelled
        After Ctrl-C.
    """
    logs = LogLines(service, log, say) if log is not None else None
    before: Run | None = None
    try:
        while True:
            run = service.run(run_id)
            if logs is not None:
                logs.read(run, task)
            for line in changes(before, run):
                say(line)
            if run.state.ended or (task is not None and _over(run, task)):
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


def _over(run: Run, task: str) -> bool:
    """Whether all that `task` names has ended, with no attempt to come."""
    last = newest(matching(run, task))
    return bool(last) and all(one.state.ended for one in last)


def outputs(run: Run) -> list[str]:
    """The outputs of a run's tasks, one a line; those of items are in the lists of their task."""
    return [
        f"{one.task.name}.{name} = {present.value(given)}"
        for one in newest(run.tasks)
        if one.item is None
        for name, given in (one.outputs or {}).items()
    ]


def verdict(run: Run) -> str:
    """Why a run's end is no success, in one sentence; "" for SUCCEEDED."""
    if run.state is RunState.SUCCEEDED:
        return ""
    reason = run_text.why(run)
    return f"Run {run.id} of {run.workflow.name} is {run.state}{': ' + reason if reason else ''}"
