"""A scheduler of this package with what a benchmark puts in the place of notebooks, and its database filled."""

from __future__ import annotations

import dataclasses
import itertools
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1] / "executors"))
from executor_blocks import publish

from lentiq_jupyter.executors import ProcessExecutor
from lentiq_jupyter.images import find_interpreter, find_uv
from lentiq_jupyter.interfaces import Executor, Store
from lentiq_jupyter.model import (
    Block,
    Execution,
    ExecutionState,
    Job,
    Project,
    Resources,
    RunState,
    Schedule,
    Task,
    TaskRun,
    TaskState,
    Workflow,
    parse_memory,
)
from lentiq_jupyter.registry import LayoutRegistry
from lentiq_jupyter.scheduler import Scheduler, new_run

TRIVIAL = Path(__file__).with_name("trivial_task.py")
ONE = Resources(cpu_millicores=1000, memory_bytes=parse_memory("64Mi"))
PROJECT = "default"
NEVER = datetime(2096, 1, 1, tzinfo=UTC)
_BATCH = 1000


def trivial_executor(folder: Path, record: Path) -> ProcessExecutor:
    """The process executor, whose jobs run `TRIVIAL` instead of a notebook."""
    return ProcessExecutor(
        folder / "process",
        LayoutRegistry(folder / "registry"),
        lambda python: find_interpreter(python, find_uv(None)),
        command=lambda root: [sys.executable, "-I", "-S", str(TRIVIAL), str(record)],
    )


def published(folder: Path) -> Block:
    """A small block in the layout registry of that folder; it is what the executor unpacks, once."""
    return publish(LayoutRegistry(folder / "registry"), "127.0.0.1:1/library/python:none", folder)


class InstantExecutor:
    """Starts nothing: a job has ended well as soon as it was started. Its record is like that of the trivial task."""

    name = "instant"

    def __init__(self, record: Path) -> None:
        self._record = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._started: dict[str, datetime] = {}
        self._listeners: list[Callable[[str], None]] = []

    def start(self, job: Job) -> None:
        if job.name in self._started:
            return
        self._started[job.name] = datetime.now(UTC)
        os.write(self._record, f"{job.name} {time.time():.6f} {time.time():.6f}\n".encode())
        for listener in self._listeners:
            listener(job.name)

    def forbid(self, name: str, pool: str) -> bool:
        return name not in self._started

    def find(self, pool: str) -> dict[str, Execution]:
        return {name: self._execution(name) for name in self._started}

    def inspect(self, name: str) -> Execution | None:
        return self._execution(name) if name in self._started else None

    def _execution(self, name: str) -> Execution:
        at = self._started[name]
        return Execution(name=name, state=ExecutionState.SUCCEEDED, started_at=at, ended_at=at, exit_code=0)

    def collect(self, name: str, into: Path) -> None: ...

    def log(self, name: str, offset: int = 0, limit: int = 0) -> bytes:
        return b""

    def stop(self, name: str, grace_s: float = 10.0) -> None: ...

    def remove(self, name: str) -> None: ...

    def subscribe(self, pool: str, ended: Callable[[str], None]) -> Callable[[], None]:
        self._listeners.append(ended)
        return lambda: self._listeners.remove(ended)


def scheduler(
    store: Store, executor: Executor, folder: Path, block: Block, *, tick_s: float = 30.0, holder: str = "bench"
) -> Scheduler:
    """A scheduler for which every block is that one."""
    ids = itertools.count(1)
    stem = secrets.token_hex(3)
    return Scheduler(
        store,
        {executor.name: executor},
        load_block=lambda reference: block,
        environment=lambda run, one: {"LENTIQ_TASK": one.task.name},
        results=lambda one: folder / "results" / one.job_name,
        pool="bench",
        new_id=lambda: f"{stem}{next(ids):06}",
        holder=holder,
        tick_s=tick_s,
    )


def task(name: str, *after: str, block: str = "does") -> Task:
    return Task(name=name, block=block, version="1", after=after, resources=ONE)


def workflow(name: str, *tasks: Task, schedule: Schedule | None = None) -> Workflow:
    return Workflow(name=name, project=PROJECT, tasks=tasks, schedule=schedule)


def quota(store: Store, tasks: int) -> None:
    """Room for so many tasks at a time."""
    store.save_project(
        Project(
            name=PROJECT,
            quota=Resources(cpu_millicores=tasks * ONE.cpu_millicores, memory_bytes=tasks * ONE.memory_bytes),
        )
    )


def trigger(store: Store, of: Workflow, executor: str) -> str:
    """Start a workflow by hand; the run's id."""
    run_id = secrets.token_hex(6)
    assert store.create_run(new_run(of, run_id, datetime.now(UTC), executor=executor))
    return run_id


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a new, empty database; `kind` is sqlite or postgres (the server of LENTIQ_TEST_POSTGRES)."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/lentiq.db"
        return
    server = sa.make_url(os.environ["LENTIQ_TEST_POSTGRES"]).set(drivername="postgresql+psycopg")
    name = f"lentiq_bench_{secrets.token_hex(4)}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def fill(store: Store, url: str, *, workflows: int, runs: int, next_start: datetime = NEVER) -> None:
    """Define workflows of one task that are due at `next_start`, and store runs of them that ended long ago.

    One of each is stored as anybody would; the rest are copies of its rows under other names, because the store
    has, rightly, no faster door.
    """
    schedule = Schedule(start=next_start, every="1d")
    store.save_workflow(workflow("template-w", task("t"), schedule=schedule), next_start, datetime.now(UTC))
    ended = datetime.now(UTC) - timedelta(days=1)
    run = new_run(workflow("template-w", task("t"), schedule=schedule), "template-r", ended, executor="process")
    tasks = tuple(_ended(one, ended) for one in run.tasks)
    assert store.create_run(
        dataclasses.replace(run, tasks=tasks, state=RunState.SUCCEEDED, started_at=ended, ended_at=ended)
    )
    engine = sa.create_engine(url)
    tables = sa.MetaData()
    tables.reflect(engine)
    names = [{"template-w": f"workflow-{number:05}"} for number in range(workflows)]
    copies = [{**names[number % max(1, workflows)], "template-r": f"run-{number:06}"} for number in range(runs)]
    with engine.begin() as connection:
        _copy(connection, tables.tables["workflows"], names)
        _copy(connection, tables.tables["runs"], copies)
        _copy(connection, tables.tables["task_runs"], copies)
    engine.dispose()
    store.delete_workflow(PROJECT, "template-w")


def _ended(one: TaskRun, at: datetime) -> TaskRun:
    return dataclasses.replace(
        one,
        state=TaskState.SUCCEEDED,
        inputs={},
        outputs={"value": list(range(20))},
        ready_at=at,
        started_at=at,
        ended_at=at,
        exit_code=0,
    )


def _copy(connection: sa.Connection, table: sa.Table, renamed: list[dict[str, str]]) -> None:
    rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    (template,) = [row for row in rows if any(str(value).startswith("template-") for value in row.values())]
    for first in range(0, len(renamed), _BATCH):
        batch = []
        for names in renamed[first : first + _BATCH]:
            row = dict(template)
            for column, value in row.items():
                for old, new in names.items():
                    if isinstance(value, str):
                        value = value.replace(old, new)
                row[column] = value
            batch.append(row)
        connection.execute(table.insert(), batch)
