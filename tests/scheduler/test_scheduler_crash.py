"""Several scheduler processes: one acts, another takes over, nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recording_executor import RecordingExecutor
from scheduling import running, start, states, task, until, workflow

import lentiq_jupyter
from lentiq_jupyter.model import RunState
from lentiq_jupyter.scheduler import LEASE, Scheduler
from lentiq_jupyter.store import SqlStore

PROCESS = Path(__file__).with_name("scheduler_process.py")
TICK_S = 2.0
Spawn = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def spawn(tmp_path: Path, store: SqlStore, executor: RecordingExecutor) -> Iterator[Spawn]:
    """Starts scheduler processes over the test's store and executor folder."""
    processes: list[subprocess.Popen[str]] = []

    def spawned(holder: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(PROCESS), str(tmp_path), holder, str(TICK_S)]
        # The same code as here, installed or not.
        environment = {**os.environ, "PYTHONPATH": str(Path(lentiq_jupyter.__file__).parents[1])}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    yield spawned
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def held_by(store: SqlStore, holder: str) -> bool:
    lease = store.lease(LEASE)
    return lease is not None and lease[0] == holder and lease[1] > datetime.now(UTC)


@pytest.mark.slow
def test_run_ends_well_and_each_task_starts_once_when_the_scheduler_is_killed(
    store: SqlStore, executor: RecordingExecutor, spawn: Spawn
) -> None:
    tasks = (task("one"), task("two", "one", seconds=4), task("three", "two", give="${{ tasks.one.outputs.value }}"))
    run_id = start(store, workflow(*tasks))
    first = spawn("first")
    until(lambda: states(store.run(run_id))["two"] == "RUNNING")
    first.kill()
    first.wait()
    assert states(store.run(run_id)) == {"one": "SUCCEEDED", "two": "RUNNING", "three": "WAITING"}
    spawn("second")
    until(lambda: store.run(run_id).state.ended, timeout_s=40)
    run = store.run(run_id)
    assert run.state is RunState.SUCCEEDED
    assert executor.starts() == [one.job_name for one in run.tasks]


@pytest.mark.slow
def test_standby_takes_over_within_two_ticks_of_a_death(store: SqlStore, spawn: Spawn) -> None:
    first = spawn("first")
    until(lambda: held_by(store, "first"))
    spawn("second")
    time.sleep(TICK_S)
    assert held_by(store, "first")
    first.kill()
    first.wait()
    died = time.monotonic()
    until(lambda: held_by(store, "second"))
    # Two ticks, and what a busy machine adds.
    assert time.monotonic() - died < 2 * TICK_S + 10


def test_asked_to_stop_it_gives_the_lease_back_at_once(store: SqlStore, spawn: Spawn) -> None:
    process = spawn("first")
    until(lambda: held_by(store, "first"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert store.lease(LEASE) is None


def test_only_one_of_two_schedulers_acts(store: SqlStore, make: Callable[..., Scheduler]) -> None:
    first, second = make(holder="first"), make(holder="second")
    assert [first.tick(), second.tick(), first.tick(), second.tick()] == [True, False, True, False]


def test_scheduler_that_lost_its_lease_starts_nothing(
    store: SqlStore, make: Callable[..., Scheduler], executor: RecordingExecutor
) -> None:
    first = make(holder="first")
    assert first.tick()
    run_id = start(store, workflow(task("one")))
    # As if this process had been asleep for longer than its lease, and another acted meanwhile.
    store.release_lease(LEASE, "first")
    assert store.take_lease(LEASE, "second", datetime.now(UTC), 60) == 2
    assert not first.tick()
    assert states(store.run(run_id)) == {"one": "PENDING"}
    assert executor.starts() == []


def stolen(store: SqlStore) -> bool:
    """Take the lease from its holder; False if that took it back in between."""
    store.release_lease(LEASE, "first")
    return store.take_lease(LEASE, "second", datetime.now(UTC), 60) is not None


def test_scheduler_that_loses_its_lease_between_ticks_stands_by(
    store: SqlStore, make: Callable[..., Scheduler], executor: RecordingExecutor
) -> None:
    first = make(holder="first", tick_s=300)
    with running(first):
        until(lambda: first.active)
        until(lambda: stolen(store))
        run_id = start(store, workflow(task("one")))
        until(lambda: not first.active)
    assert states(store.run(run_id)) == {"one": "PENDING"}
    assert executor.starts() == []
    assert held_by(store, "second")
