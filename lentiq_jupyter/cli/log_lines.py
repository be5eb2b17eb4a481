"""The logs of a run's tasks as lines, from where the last look ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import NotFound
from ..model import Run, TaskRun, TaskState
from .shell import LocalService

_NOTHING = (TaskState.WAITING, TaskState.PENDING, TaskState.SKIPPED)


def matching(run: Run, task: str | None) -> list[TaskRun]:
    """The task runs that `task` names: a task with its items and attempts, an item, one attempt; None means all."""
    return [one for one in run.tasks if task in (None, one.task.name, one.label, f"{one.label}@{one.attempt}")]


def address(one: TaskRun) -> str:
    """What names one attempt in `Service.log`."""
    return f"{one.label}@{one.attempt}"


class LogLines:
    """Reads the logs of a run's tasks as they grow; with several tasks, each line begins with the task's label.

    Parameters
    ----------
    say : callable taking a line
    remark : callable taking a sentence about a log that is not there
    """

    def __init__(self, service: LocalService, say: Callable[[str], None], remark: Callable[[str], None]) -> None:
        self._service = service
        self._say = say
        self._remark = remark
        self._offsets: dict[str, int] = {}
        self._rests: dict[str, str] = {}
        self._done: set[str] = set()

    def read(self, run: Run, only: str | None = None, *, whole: bool = False) -> None:
        """Say what is new; the last line of an ended task even if nothing ends it, with `whole` of any."""
        wanted = [one for one in matching(run, only) if not one.is_group]
        several = len({one.label for one in wanted}) > 1
        for one in wanted:
            key = address(one)
            if one.state in _NOTHING or key in self._done:
                continue
            if one.reused_from is not None and only is None:
                continue  # nothing was executed here; who names it is shown what was executed then
            # Looked at after the state was known: an ended task prints nothing more.
            for line in self._lines(run, one, key, whole or one.state.ended):
                self._say(f"{one.label} | {line}" if several else line)
            if one.state.ended:
                self._done.add(key)

    def _lines(self, run: Run, one: TaskRun, key: str, whole: bool) -> Iterable[str]:
        """The new lines, piece by piece, so that a log of any length passes through."""
        while True:
            offset = self._offsets.get(key, 0)
            try:
                text = self._service.log(run.id, key, offset)
            except NotFound as error:
                self._remark(str(error))
                text = ""
            self._offsets[key] = offset + len(text.encode())
            *lines, rest = (self._rests.get(key, "") + text).split("\n")
            self._rests[key] = rest
            yield from lines
            if not text:
                break
        if whole and self._rests[key]:
            yield self._rests.pop(key)
