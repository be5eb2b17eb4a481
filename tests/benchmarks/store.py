"""What a scheduler's look costs with many workflows and many past runs stored: milliseconds of processor and clock.

The database is filled here, past the store (a run at a time would take an hour), and left as it is at the end.
Measured are the calls that a scheduler makes at every look, lists, the search for an earlier result, starting
many runs, moving their tasks, and retention.

    python tests/benchmarks/store.py [--database sqlite:////folder/bench.db] [--workflows 10000] [--runs 100000]
        [--due 1000] [--rounds 20]

Without `--database` it is an SQLite file in a temporary folder. A database that has its runs already is not
filled again.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from lentiq_jupyter.model import Project, Resources, Run, RunState, Schedule, Task, TaskRun, TaskState, Workflow
from lentiq_jupyter.store import SqlStore, open_store, rows
from lentiq_jupyter.store.engine import Database
from lentiq_jupyter.store.tables import runs, task_runs, workflows

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(days=200)
ID = "0" * 12
BATCH = 5000


def workflow(number: int) -> Workflow:
    """One of the workflows, of two tasks."""
    tasks = (
        Task(name="clean", block="clean-sales", version="3", inputs={"country": "RO", "rows": 1000}),
        Task(name="train", block="train-model", version="1", inputs={"x": 1}, after=("clean",)),
    )
    schedule = Schedule(start=BEGAN, timezone="Europe/Bucharest", every="1d")
    return Workflow(name=f"flow-{number:05}", project=f"project-{number % 10}", tasks=tasks, schedule=schedule)


def past_run(of: Workflow) -> Run:
    """A run that succeeded, under a place holder for an id."""
    tasks = tuple(
        TaskRun(
            run_id=ID,
            task=task,
            state=TaskState.SUCCEEDED,
            inputs=task.inputs,
            outputs={"table": "sales.parquet", "rows": 1000},
            ready_at=BEGAN,
            admitted_at=BEGAN,
            started_at=BEGAN,
            ended_at=BEGAN,
            exit_code=0,
            peak_memory_bytes=1 << 28,
            cpu_s=3.5,
            fingerprint="f" * 64,
        )
        for task in of.tasks
    )
    return Run(
        id=ID,
        workflow=of,
        state=RunState.SUCCEEDED,
        created_at=BEGAN,
        due_at=BEGAN,
        started_at=BEGAN,
        ended_at=BEGAN,
        tasks=tasks,
    )


def fill(url: str, flows: int, past: int) -> None:
    """Store that many workflows, none due, and past runs of them, unless they are there."""
    database = Database(url)
    with database.read() as connection:
        there = connection.execute(sa.select(sa.func.count()).select_from(runs)).scalar_one()
    if there < past:
        tomorrow = NOW + timedelta(days=1)
        for table, made in (
            (workflows, (workflow_row(number, tomorrow) for number in range(flows))),
            (runs, (row for number in range(past) for row in run_rows(number, flows)[:1])),
            (task_runs, (row for number in range(past) for row in run_rows(number, flows)[1:])),
        ):
            insert(database, table, made)
    database.close()


def workflow_row(number: int, next_start: datetime) -> dict[str, Any]:
    one = dataclasses.replace(workflow(number), revision=1)
    return {
        "project": one.project,
        "name": one.name,
        "revision": 1,
        "paused": False,
        "next_start": next_start,
        "saved_at": BEGAN,
        "document": rows.dump(one),
    }


_patterns: dict[int, list[dict[str, Any]]] = {}


def run_rows(number: int, flows: int) -> list[dict[str, Any]]:
    """The row of a past run, and those of its tasks; ten minutes lie between two runs of all."""
    which = number % flows
    if which not in _patterns:
        run = past_run(workflow(which))
        tasks = [rows.task_row(task, run.workflow.project, place) for place, task in enumerate(run.tasks)]
        _patterns[which] = [rows.run_row(run), *tasks]
    name, when = f"{number:012x}", BEGAN + number * (NOW - BEGAN) / 100_000
    fingerprint = f"{number:064x}"
    head, *tasks = _patterns[which]
    times = dict.fromkeys(("created_at", "due_at", "started_at", "ended_at"), when)
    return [
        {**head, "id": name, **times},
        *(
            {
                **one,
                "run_id": name,
                "ended_at": when,
                "fingerprint": fingerprint,
                "document": one["document"].replace(ID, name),
            }
            for one in tasks
        ),
    ]


def insert(database: Database, table: sa.Table, made: Iterator[dict[str, Any]]) -> None:
    batch = []
    for row in made:
        batch.append(row)
        if len(batch) == BATCH:
            with database.write() as connection:
                connection.execute(table.insert(), batch)
            batch = []
    if batch:
        with database.write() as connection:
            connection.execute(table.insert(), batch)


def timed(what: str, act: Callable[[], object], count: int) -> None:
    """Print the middle of `count` times, after one that does not count; processor time is this process's."""
    act()
    spent, taken = [], []
    for _ in range(count):
        processor, clock = time.process_time(), time.perf_counter()
        act()
        spent.append(1000 * (time.process_time() - processor))
        taken.append(1000 * (time.perf_counter() - clock))
    print(f"{what:42} {statistics.median(spent):8.2f} ms CPU {statistics.median(taken):8.2f} ms", flush=True)


def once(what: str, act: Callable[[], object]) -> None:
    processor, clock = time.process_time(), time.perf_counter()
    act()
    spent, taken = time.process_time() - processor, time.perf_counter() - clock
    print(f"{what:42} {spent:8.2f} s CPU  {taken:8.2f} s", flush=True)


def look(store: SqlStore, *, lease: bool = True) -> None:
    """What a scheduler asks at every look while nothing happens."""
    if lease:
        store.take_lease("scheduler", "benchmark", NOW, 60)
    store.changes()
    store.active_versions()
    store.due(NOW)
    store.requested_starts(startable=True)
    store.count_tasks()


def new_runs(count: int, fence: int) -> Iterator[Run]:
    """Runs to be started, of the first workflows."""
    stamp = os.urandom(4).hex()
    for number in range(count):
        of = dataclasses.replace(workflow(number), revision=1)
        run_id = f"{stamp}{number:06}"
        tasks = tuple(TaskRun(run_id=run_id, task=task, state=TaskState.WAITING) for task in of.tasks)
        yield Run(id=run_id, workflow=of, state=RunState.PENDING, created_at=NOW, tasks=tasks, due_at=NOW)


def measure(store: SqlStore, past: int, due: int, count: int) -> None:
    """Print all figures."""
    # Whoever had it in a kept database is gone.
    beat = store.lease_beat("scheduler")
    fence = store.take_lease("scheduler", "benchmark", NOW, 60, stalled=beat)
    assert fence is not None
    timed("one look: all of the next six", lambda: look(store), count)
    timed("  take_lease", lambda: store.take_lease("scheduler", "benchmark", NOW, 60), count)
    timed("  changes", store.changes, count)
    timed("  active_versions", store.active_versions, count)
    timed("  due", lambda: store.due(NOW), count)
    timed("  requested_starts(startable)", lambda: store.requested_starts(startable=True), count)
    timed("  count_tasks", store.count_tasks, count)
    timed("find_result", lambda: store.find_result("project-7", f"{past // 2 + 7:064x}"), count)
    timed("usage", lambda: store.usage("clean-sales", "3"), count)
    timed("run", lambda: store.run(f"{past // 2:012x}"), count)
    timed("runs, newest 100", store.runs, count)
    timed("runs of a project, newest 100", lambda: store.runs(project="project-3"), count)
    timed("runs of a workflow", lambda: store.runs(project="project-3", workflow="flow-00003"), count)
    timed("runs(active)", lambda: store.runs(active=True), count)
    once("workflows, all", store.workflows)
    timed("taken_results", store.taken_results, count)
    once("ended_runs(90 days, keep 5), 1000", lambda: store.ended_runs(before=NOW - timedelta(days=90), keep=5))
    starting = list(new_runs(due, fence))
    once(f"create_run, {due} times", lambda: [store.create_run(run, fence=fence) for run in starting])
    timed(f"one look with {due} active runs", lambda: look(store), count)
    once("runs(active)", lambda: store.runs(active=True))
    tasks = [run.tasks[0] for run in starting]
    moves = [(one, dataclasses.replace(one, state=TaskState.PENDING, ready_at=NOW)) for one in tasks]
    once(f"move_tasks, {due} in one", lambda: store.move_tasks(moves, fence=fence))
    singly = [[(to, dataclasses.replace(to, reason="needs 1 CPU"))] for _, to in moves]
    once(f"move_tasks, {due} times one", lambda: [store.move_tasks(one, fence=fence) for one in singly])
    for run in starting:
        store.move_run(run.id, RunState.PENDING, RunState.SUCCEEDED, at=NOW, fence=fence)
    once(f"delete_runs, {due}", lambda: store.delete_runs([run.id for run in starting]))


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="URL; without it a temporary SQLite file")
    parser.add_argument("--workflows", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=1000, help="runs that are started and moved")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{folder}/bench.db"
        store = open_store(url)
        store.save_project(Project(name="default", quota=Resources(cpu_millicores=4000, memory_bytes=2**33)))
        once(f"filling: {given.workflows} workflows, {given.runs} runs", lambda: fill(url, given.workflows, given.runs))
        measure(store, given.runs, given.due, given.rounds)
        store.close()


if __name__ == "__main__":
    main()
