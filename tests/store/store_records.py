"""Records that the store's tests write, and callers that begin together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lentiq_jupyter.errors import Conflict
from lentiq_jupyter.model import Resources, Run, RunState, Task, TaskRun, TaskState, Workflow
from lentiq_jupyter.store import SqlStore

NOW = datetime(2026, 5, 4, 10, 7, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUOTA = Resources(cpu_millicores=4000, memory_bytes=2**33)
Again = Callable[[], SqlStore]


def workflow(name: str = "nightly", project: str = "default", **fields: object) -> Workflow:
    tasks = (
        Task(name="zeta", block="work", version="1", inputs={"z": 1, "a": [1, {"b": None}]}),
        Task(name="alpha", block="work", version="1", after=("zeta",)),
    )
    return Workflow(**{"name": name, "project": project, "tasks": tasks, **fields})


def run_of(of: Workflow, run_id: str, created_at: datetime = NOW, **fields: object) -> Run:
    tasks = tuple(TaskRun(run_id=run_id, task=task, state=TaskState.WAITING) for task in of.tasks)
    return Run(
        **{"id": run_id, "workflow": of, "state": RunState.PENDING, "created_at": created_at, "tasks": tasks, **fields}
    )


def end(store: SqlStore, run_id: str) -> None:
    assert store.move_run(run_id, RunState.PENDING, RunState.SUCCEEDED, at=NOW)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run all in threads that begin together; their results (or errors), in order."""
    barrier = threading.Barrier(len(acts))
    found: list[object] = [None] * len(acts)

    def one(place: int) -> None:
        barrier.wait()
        try:
            found[place] = acts[place]()
        except Conflict as error:
            found[place] = error

    threads = [threading.Thread(target=one, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
