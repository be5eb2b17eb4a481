"""Promises of the scheduler, kept by real processes and containers."""

from __future__ import annotations

import dataclasses
import signal
from datetime import UTC, datetime, timedelta

import pytest
from conftest_road import Road, wait_for  # type: ignore[import-not-found]

from lentiq_jupyter.errors import NeverFits
from lentiq_jupyter.model import Project, Resources, RunState, Schedule, TaskState

pytestmark = [pytest.mark.network, pytest.mark.slow]
MEMORY = 2**28


def test_killed_scheduler_loses_nothing_and_starts_nothing_twice(road: Road) -> None:
    road.workflow(
        "killed",
        {
            "one": {"inputs": {"seconds": 1.0}},
            "two": {"inputs": {"seconds": 4.0, "rows": "${{ tasks.one.outputs.total }}"}, "after": ("one",)},
            "three": {"inputs": {"rows": "${{ tasks.two.outputs.total }}"}, "after": ("two",)},
        },
        "sleeper",
    )
    first = road.scheduler()
    run = road.workspace.start_workflow("killed")
    wait_for("running second task", lambda: road.workspace.run(run.id).tasks[1].state is TaskState.RUNNING)
    first.send_signal(signal.SIGKILL)
    first.wait()
    road.scheduler()
    done = road.ended(run.id)
    assert [(one.task.name, one.state) for one in done.tasks] == [
        ("one", TaskState.SUCCEEDED),
        ("two", TaskState.SUCCEEDED),
        ("three", TaskState.SUCCEEDED),
    ]
    executor = road.workspace.executors[road.executor]
    records = [executor.inspect(one.job_name) for one in done.tasks]
    assert [record.starts for record in records if record] == [1, 1, 1]
    assert done.tasks[2].outputs == {"total": 24, "greeting": "hello x"}


def test_task_waits_with_its_reason_when_the_quota_is_full(road: Road) -> None:
    road.workspace.save_project(Project(name="narrow", quota=Resources(cpu_millicores=2000, memory_bytes=MEMORY * 3)))
    workflow = road.workflow(
        "narrow",
        {
            "left": {"inputs": {"seconds": 3.0}, "memory": MEMORY * 2},
            "right": {"inputs": {"seconds": 0.1}, "memory": MEMORY * 2},
        },
        "sleeper",
    )
    road.workspace.save_workflow(dataclasses.replace(workflow, project="narrow", revision=0))
    road.scheduler()
    run = road.workspace.start_workflow("narrow", "narrow")

    def reason() -> str:
        states = {one.state: one for one in road.workspace.run(run.id).tasks}
        held = TaskState.RUNNING in states and TaskState.PENDING in states
        return states[TaskState.PENDING].reason if held else ""

    said = str(wait_for("pending task", reason))
    assert said.startswith("needs 1 CPU, 512Mi; free 1 CPU, 256Mi of 2 CPU, 768Mi; held by narrow/")
    assert road.ended(run.id).state is RunState.SUCCEEDED


def test_task_larger_than_the_quota_is_refused_when_saved(road: Road) -> None:
    with pytest.raises(NeverFits, match="huge"):
        road.workflow("never", {"huge": {"memory": 2**50}}, "sleeper")


def test_start_in_the_past_runs_at_once_and_never_overlaps(road: Road) -> None:
    start = datetime.now(UTC) - timedelta(days=400)
    road.scheduler()
    road.workflow(
        "past", {"one": {"inputs": {"seconds": 4.0}}}, "sleeper", Schedule(start=start, timezone="UTC", every="1m")
    )
    run = wait_for("run", lambda: road.workspace.runs(workflow="past"))
    assert isinstance(run, list)
    wait_for("running task", lambda: road.workspace.run(run[-1].id).state is RunState.RUNNING, 30)
    # Move the next start into the past while the run goes on: the scheduler must hold it back.
    road.workspace.pause_workflow("past")
    road.workflow(
        "past",
        {"one": {"inputs": {"seconds": 4.0}}},
        "sleeper",
        Schedule(start=start + timedelta(seconds=1), timezone="UTC", every="1m"),
    )
    skipped = wait_for(
        "skipped row",
        lambda: [one for one in road.workspace.runs(workflow="past") if one.state is RunState.SKIPPED],
        30,
    )
    assert isinstance(skipped, list)
    assert "had not ended when this start was due" in skipped[0].reason
    started = [one for one in road.workspace.runs(workflow="past") if one.state is not RunState.SKIPPED]
    assert len(started) == 1
    assert road.ended(started[0].id).state is RunState.SUCCEEDED
    road.workspace.delete_workflow("past")
