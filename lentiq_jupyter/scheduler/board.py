"""The active runs as the acting scheduler knows them, so that an event costs what it touches.

The store stays the truth: every change is written there first, by compare-and-set, and what others wrote is
read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..interfaces import Store
from ..model import Json, Run, TaskRun, TaskState, newest
from .admission import Claim
from .outcome import CANCELLED_REASON


class Overtaken(Exception):
    """A row was changed by somebody else since it was read: read it again."""


class Live:
    """A run while it is worked on: its record as read, the newest attempt of each task and item as moved since."""

    def __init__(self, run: Run, version: int) -> None:
        self.run = run
        self.version = version
        self.tasks = {one.label: one for one in newest(run.tasks)}

    def of(self, *states: TaskState) -> list[TaskRun]:
        """Task runs in one of these states, in the workflow's order."""
        return [one for one in self.tasks.values() if one.state in states]

    def heads(self) -> dict[str, TaskRun]:
        """What stands for each task of the workflow: its task run, or its group's."""
        return {label: one for label, one in self.tasks.items() if one.item is None}

    def outputs(self) -> dict[str, Mapping[str, Json]]:
        """What each task has given so far."""
        return {name: one.outputs or {} for name, one in self.heads().items()}

    def why(self) -> str:
        """The reason of the run's end: that of its first task that did not succeed."""
        for one in self.of(TaskState.FAILED, TaskState.LOST):
            return f"{one.label}: {one.reason}"
        return CANCELLED_REASON if self.of(TaskState.CANCELLED) else ""

    def cancelled(self, task: TaskRun) -> bool:
        """Whether somebody asked to stop that task, or the whole run."""
        return self.run.cancel_requested or task.cancel_requested

    def claim(self, task: TaskRun) -> Claim:
        """What a task holds or asks for, under its name."""
        label = f"{self.run.workflow.name}/{task.label} (run {self.run.id})"
        return Claim(label=label, resources=task.task.resources)


class Board:
    """All active runs of a store, oldest first, and their jobs by name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lives: dict[str, Live] = {}
        self._jobs: dict[str, tuple[str, str]] = {}

    def __iter__(self) -> Iterator[Live]:
        return iter(tuple(self._lives.values()))

    def __len__(self) -> int:
        return len(self._lives)

    def get(self, run_id: str) -> Live | None:
        """The run of that id, if it is active."""
        return self._lives.get(run_id)

    def find(self, job_name: str) -> tuple[Live, TaskRun] | None:
        """The task run of a job; None if it is not the newest attempt in an active run."""
        place = self._jobs.get(job_name)
        live = self._lives.get(place[0]) if place else None
        task = live.tasks.get(place[1]) if live is not None and place else None
        return (live, task) if live is not None and task is not None and task.job_name == job_name else None

    def clear(self) -> None:
        """Know nothing."""
        self._lives.clear()
        self._jobs.clear()

    def sync(self) -> list[Live]:
        """Read again what others wrote: new runs, requests to cancel; returns those runs. Raises Unavailable."""
        versions = self._store.active_versions()
        for run_id in self._lives.keys() - versions.keys():
            self.drop(run_id)
        stale = [run_id for run_id, version in versions.items() if self._version(run_id) != version]
        if len(stale) > _ONE_BY_ONE:
            wanted = set(stale)
            read = [run for run in reversed(self._store.runs(active=True)) if run.id in wanted]
        else:
            read = sorted((self._store.run(run_id) for run_id in stale), key=lambda run: (run.created_at, run.id))
        return [self.put(run, versions[run.id]) for run in read if not run.state.ended]

    def _version(self, run_id: str) -> int | None:
        live = self._lives.get(run_id)
        return None if live is None else live.version

    def put(self, run: Run, version: int = 0) -> Live:
        """Take a run as the store has it; a run that was just created has version 0."""
        live = self._lives[run.id] = Live(run, version)
        self.index(run.id, live.tasks.values())
        return live

    def index(self, run_id: str, tasks: Iterable[TaskRun]) -> None:
        """Find these task runs by their jobs' names."""
        self._jobs.update({one.job_name: (run_id, one.label) for one in tasks})

    def keep(self, change: Change) -> None:
        """Take a change that has been stored."""
        change.live.tasks = change.tasks
        self.index(change.live.run.id, (*(to for _, to in change.moves), *change.new))

    def reload(self, live: Live) -> Live | None:
        """Read one run again; None if it has ended. Raises Unavailable."""
        version = self._store.active_versions().get(live.run.id)
        self.drop(live.run.id)
        run = self._store.run(live.run.id)
        return None if version is None or run.state.ended else self.put(run, version)

    def drop(self, run_id: str) -> None:
        """Forget a run that has ended."""
        live = self._lives.pop(run_id, None)
        if live is not None:
            for task in live.tasks.values():
                self._jobs.pop(task.job_name, None)


class Change:
    """Moves of task runs of one run that are stored together, or not at all."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.tasks = dict(live.tasks)
        self.moves: list[tuple[TaskRun, TaskRun]] = []
        self.new: list[TaskRun] = []

    def move(self, task: TaskRun, to: TaskRun) -> TaskRun:
        """Let a task run become `to`."""
        if to != task:
            self.moves.append((task, to))
            self.tasks[to.label] = to
        return to

    def add(self, task: TaskRun) -> None:
        """Add an item of a group, or the next attempt."""
        self.new.append(task)
        self.tasks[task.label] = task


_ONE_BY_ONE = 20
