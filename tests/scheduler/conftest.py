"""A scheduler on SQLite with an executor of real processes, and short words for making workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from recording_executor import RecordingExecutor
from scheduling import QUOTA, make_scheduler

from lentiq_jupyter.model import Project
from lentiq_jupyter.scheduler import Scheduler
from lentiq_jupyter.store import SqlStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/lentiq.db")
    opened.save_project(Project(name="default", quota=QUOTA))
    yield opened
    opened.close()


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[RecordingExecutor]:
    made = RecordingExecutor(tmp_path / "jobs")
    yield made
    made.close()


@pytest.fixture
def scheduler(store: SqlStore, executor: RecordingExecutor, tmp_path: Path) -> Scheduler:
    return make_scheduler(store, executor, tmp_path)


@pytest.fixture
def make(store: SqlStore, executor: RecordingExecutor, tmp_path: Path) -> Callable[..., Scheduler]:
    """Makes further schedulers over the same store and executor."""
    return lambda **changes: make_scheduler(store, executor, tmp_path, **changes)
