"""A small world in which a scheduler can be killed or frozen at every single thing it does, one after another.

Real: the scheduler and the store (SQLite). Made up: the executor, whose jobs end when the world says so, and
threads, whose work is done at once, so that the same story has the same steps each time it is told.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from scheduling import QUOTA, block

from lentiq_jupyter.errors import Conflict, NotFound
from lentiq_jupyter.model import Execution, ExecutionState, Job, Project, Run, Workflow, newest
from lentiq_jupyter.scheduler import Scheduler, new_run
from lentiq_jupyter.store import SqlStore, open_store

START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
TICK = timedelta(seconds=30)
LONG = timedelta(seconds=100)
# Everything by which a scheduler changes something outside itself.
WRITES = ("take_lease", "create_run", "create_runs", "move_tasks", "move_runs")
DEEDS = ("start", "stop", "forbid")
_FOLDER = tempfile.TemporaryDirectory(prefix="lentiq-exploring-")


class Killed(BaseException):
    """kill -9: nothing of the scheduler runs on."""


class AtOnce:
    """A crew without threads."""

    def submit(self, team: str, work: Callable[[], None]) -> None:
        work()

    def close(self) -> None:
        pass


class Jobs:
    """An executor whose jobs last until `step`; its counts are the record of what was really started."""

    name = "recording"

    def __init__(self) -> None:
        self.starts: Counter[str] = Counter()
        self.jobs: dict[str, Execution] = {}
        self.inputs: dict[str, dict[str, Any]] = {}
        self.forbidden: set[str] = set()

    def start(self, job: Job) -> None:
        if job.name in self.forbidden:
            raise Conflict(f"{job.name} must not start.")
        if job.name not in self.jobs:
            self.starts[job.name] += 1
            self.jobs[job.name] = Execution(name=job.name, state=ExecutionState.RUNNING, started_at=START)
            self.inputs[job.name] = dict(job.inputs)

    def forbid(self, name: str, pool: str) -> bool:
        if name in self.jobs:
            return False
        self.forbidden.add(name)
        return True

    def find(self, pool: str) -> dict[str, Execution]:
        return dict(self.jobs)

    def inspect(self, name: str) -> Execution | None:
        return self.jobs.get(name)

    def stop(self, name: str, grace_s: float = 10.0) -> None:
        if name in self.jobs and self.jobs[name].state is ExecutionState.RUNNING:
            self._end(name, 143)

    def step(self) -> None:
        """Every job that runs now ends: it fails if its input says so and it is the first attempt."""
        for name, one in tuple(self.jobs.items()):
            if one.state is ExecutionState.RUNNING:
                self._end(name, 1 if self.inputs[name]["fail"] and name.endswith("-1") else 0)

    def _end(self, name: str, code: int) -> None:
        state = ExecutionState.FAILED if code else ExecutionState.SUCCEEDED
        self.jobs[name] = dataclasses.replace(self.jobs[name], state=state, exit_code=code, stopped=code == 143)

    def collect(self, name: str, into: Path) -> None:
        if name not in self.jobs:
            raise NotFound(name)
        if self.jobs[name].state is ExecutionState.SUCCEEDED:
            (into / "outputs.json").write_text(json.dumps({"value": self.inputs[name]["give"]}))

    def log(self, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        return b""

    def remove(self, name: str) -> None:
        self.jobs.pop(name, None)

    def subscribe(self, pool: str, ended: Callable[[str], None]) -> Callable[[], None]:
        return lambda: None


class Points:
    """Stands before a store or an executor and counts what is done to it; at one point something happens."""

    def __init__(self, what: Any, names: Sequence[str], seen: Callable[[str], Callable[[], None]]) -> None:
        self._what = what
        self._names = names
        self._seen = seen
        self.name = getattr(what, "name", "")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._what, name)
        if name not in self._names:
            return found

        def counted(*words: Any, **options: Any) -> Any:
            after = self._seen(name)
            result = found(*words, **options)
            after()
            return result

        return counted


class World:
    """A store, an executor, a clock; and the story of what people do in it."""

    def __init__(self, folder: Path, workflows: Sequence[Workflow]) -> None:
        self.folder = folder
        folder.mkdir()
        # Made once: making the tables takes longer than the story.
        shutil.copy(_empty_database(), folder / "lentiq.db")
        self.store: SqlStore = open_store(f"sqlite:///{folder}/lentiq.db")
        self.jobs = Jobs()
        self.now = START
        self.ids = itertools.count(1)
        self.done = 0
        self.happens: Callable[[int, str], Callable[[], None]] = lambda number, name: _nothing
        for workflow in workflows:
            if workflow.schedule is not None:
                self.store.save_workflow(workflow, workflow.schedule.start, START)
            else:
                run = new_run(workflow, f"r{next(self.ids)}", START, executor="recording")
                assert self.store.create_run(run)

    def scheduler(self, holder: str, *, watched: bool) -> Scheduler:
        """A scheduler; what a watched one does is counted, and something may happen then."""
        store: Any = self.store
        jobs: Any = self.jobs
        if watched:
            store, jobs = Points(store, WRITES, self._point), Points(jobs, DEEDS, self._point)
        return Scheduler(
            store,
            {"recording": jobs},
            load_block=lambda reference: block(*reference.split("@")),
            environment=lambda run, task: {},
            results=lambda task: self.folder / "results" / task.job_name,
            pool="test",
            new_id=lambda: f"r{next(self.ids)}",
            holder=holder,
            clock=lambda: self.now,
            crew=AtOnce(),
        )

    def _point(self, name: str) -> Callable[[], None]:
        self.done += 1
        return self.happens(self.done, name)

    def play(self, scheduler: Scheduler, ticks: int, events: dict[int, Callable[[World], None]] | None = None) -> None:
        """Let time pass: tick, let jobs end, until nothing is left to do."""
        for number in range(ticks):
            (events or {}).get(number, lambda world: None)(self)
            scheduler.tick()
            self.jobs.step()
            self.now += TICK

    def close(self) -> None:
        self.store.close()

    def told(self) -> list[Any]:
        """How everything ended, without times and without how often it was tried to find that out."""
        runs = sorted(self.store.runs(), key=lambda run: run.id)
        return [
            (run.workflow.name, str(run.state), sorted((one.label, one.attempt, str(one.state)) for one in run.tasks))
            for run in runs
        ]

    def faults(self) -> list[str]:
        """What must never be, whatever happened."""
        found = []
        runs = self.store.runs()
        rows = {one.job_name: one for run in runs for one in run.tasks}
        for name, count in self.jobs.starts.items():
            if count > 1:
                found.append(f"{name} was started {count} times")
            if name not in rows:
                found.append(f"{name} was started and no row knows it")
            elif rows[name].started_at is None:
                found.append(f"{name} was started and its row says that it never was")
        for name, one in rows.items():
            if (
                one.started_at is not None
                and not one.is_group
                and one.reused_from is None
                and not self.jobs.starts[name]
            ):
                found.append(f"{name} is said to have run and was never started")
        for run in runs:
            if not run.state.ended:
                found.append(
                    f"run {run.id} has not ended: {[(one.label, str(one.state)) for one in newest(run.tasks)]}"
                )
            found.extend(f"{one.job_name} has not ended" for one in newest(run.tasks) if not one.state.ended)
        found.extend(f"{name} runs on" for name, one in self.jobs.jobs.items() if one.state is ExecutionState.RUNNING)
        return found + _overlaps(runs)


def _overlaps(runs: Sequence[Run]) -> list[str]:
    found = []
    for one, other in itertools.combinations([run for run in runs if run.started_at], 2):
        if one.workflow.name == other.workflow.name and one.ended_at and other.ended_at:
            first, second = sorted((one, other), key=lambda run: (run.created_at, run.id))
            if second.created_at < first.ended_at:
                found.append(f"runs {first.id} and {second.id} of {one.workflow.name} overlap")
    return found


@cache
def _empty_database() -> Path:
    path = Path(_FOLDER.name) / "lentiq.db"
    store = open_store(f"sqlite:///{path}")
    store.save_project(Project(name="default", quota=QUOTA))
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def _nothing() -> None:
    return None
