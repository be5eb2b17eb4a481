"""Short words for scheduler tests: a block whose inputs say what it does, workflows of it, waiting."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from recording_executor import RecordingExecutor

from lentiq_jupyter.interfaces import Store
from lentiq_jupyter.model import (
    Block,
    BlockSpec,
    Input,
    InputType,
    Json,
    Output,
    Resources,
    Run,
    Schedule,
    Task,
    Workflow,
    parse_memory,
)
from lentiq_jupyter.scheduler import Scheduler, new_run

QUOTA = Resources(cpu_millicores=2000, memory_bytes=parse_memory("4Gi"))
SMALL = Resources(cpu_millicores=500, memory_bytes=parse_memory("1Gi"))
_ids = itertools.count(1)


def block(name: str = "work", version: str = "1") -> Block:
    """Works for `seconds`, then fails with the sentence `fail`, or gives `give` as output `value`."""
    inputs = (
        Input(name="seconds", type=InputType.FLOAT, default=0.0),
        Input(name="fail", default=""),
        Input(name="give", type=InputType.JSON, default=None),
    )
    return Block(
        spec=BlockSpec(name=name, inputs=inputs, outputs=(Output(name="value"),)),
        version=version,
        image=f"{name}@sha256:{'0' * 64}",
        digest=f"sha256:{'0' * 64}",
        image_id=f"sha256:{'1' * 64}",
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


def task(name: str, *after: str, resources: Resources = SMALL, **inputs: Json) -> Task:
    return Task(name=name, block="work", version="1", inputs=inputs, resources=resources, after=after)


def workflow(*tasks: Task, name: str = "nightly", schedule: Schedule | None = None) -> Workflow:
    return Workflow(name=name, project="default", tasks=tasks, schedule=schedule)


def start(store: Store, of: Workflow, now: datetime | None = None) -> str:
    """Start a workflow by hand; returns the run's id."""
    run_id = f"r{next(_ids)}"
    assert store.create_run(new_run(of, run_id, now or datetime.now(UTC), executor="recording"))
    return run_id


def make_scheduler(store: Store, executor: RecordingExecutor, folder: Path, **changes: object) -> Scheduler:
    options: dict[str, object] = {
        "load_block": lambda reference: block(*reference.split("@")),
        "environment": lambda run, one: {"LENTIQ_RUN_ID": run.id, "LENTIQ_TASK": one.task.name},
        "results": lambda one: folder / "results" / one.job_name,
        "pool": "test",
        "new_id": lambda: f"s{next(_ids)}",
        "holder": "first",
        **changes,
    }
    return Scheduler(store, {"recording": executor}, **options)


def states(run: Run) -> dict[str, str]:
    return {one.task.name: str(one.state) for one in run.tasks}


def reasons(run: Run) -> dict[str, str]:
    return {one.task.name: one.reason for one in run.tasks}


def until(met: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait until something holds; fail if it takes too long."""
    end = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@contextmanager
def running(scheduler: Scheduler) -> Iterator[None]:
    """The scheduler in a thread, as the service runs it."""
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.run_forever, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        scheduler.wake()
        thread.join()
