"""What is up, what is not, what to do; and the figures of the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lentiq_jupyter.model import (
    Cause,
    Project,
    Resources,
    Run,
    RunState,
    Schedule,
    Task,
    TaskRun,
    TaskState,
    Workflow,
)
from lentiq_jupyter.scheduler.metrics import Meters
from lentiq_jupyter.workspace import Workspace, load_settings
from lentiq_jupyter.workspace import status as status_module

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
TASK = Task(name="train", block="work", version="1", resources=Resources(cpu_millicores=1500, memory_bytes=2**30))
Make = Callable[..., Workspace]


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Workspace] = []

    def workspace(**settings: object) -> Workspace:
        words = {"home": str(tmp_path / "home"), "registry": str(tmp_path / "registry"), "executor": "process"}
        made.append(Workspace(load_settings(**{**words, **settings}), clock=lambda: NOW))  # type: ignore[arg-type]
        return made[-1]

    yield workspace
    for one in made:
        one.close()


def run(workspace: Workspace, run_id: str, *tasks: TaskRun, workflow: str = "nightly") -> None:
    made = Run(
        id=run_id,
        workflow=Workflow(name=workflow, project="default", tasks=tuple(one.task for one in tasks)),
        state=RunState.RUNNING,
        created_at=ago(9000),
        tasks=tasks,
    )
    assert workspace.store.create_run(made)


def waiting(run_id: str, seconds: float, **changes: object) -> TaskRun:
    one = TaskRun(run_id=run_id, task=TASK, state=TaskState.PENDING, ready_at=ago(seconds), reason="needs 1 CPU")
    return dataclasses.replace(one, **changes)


def test_healthy_service_has_no_problems(make: Make, tmp_path: Path) -> None:
    workspace = make()
    assert workspace.store.take_lease("scheduler", "host:1:a", ago(10), 45.0)
    run(workspace, "r1", TaskRun(run_id="r1", task=TASK, state=TaskState.RUNNING))
    run(workspace, "r2", waiting("r2", 60), workflow="other")
    found = workspace.status()
    assert found.pop("version")
    assert found.pop("isolation") in ({"process": "namespaces"}, {"process": "none"}, {"process": "unknown"})
    assert found == {
        "home": str(tmp_path / "home"),
        "author": workspace.settings.author,
        "database": f"sqlite:///{tmp_path}/home/lentiq.sqlite",
        "registry": str(tmp_path / "registry"),
        "executor": "process",
        "scheduler": "host:1:a",
        "late_s": 10.0,
        "tasks": {"default": {"PENDING": 1, "RUNNING": 1}},
        "pending": {
            "run": "r2",
            "task": "train",
            "workflow": "other",
            "project": "default",
            "since": ago(60).isoformat(),
            "reason": "needs 1 CPU",
        },
        "executors": {"process": "up"},
        "notify": [],
        "problems": [],
    }


def test_missing_scheduler_is_told(make: Make) -> None:
    found = make().status()
    assert (found["scheduler"], found["late_s"]) == (None, None)
    assert found["problems"] == ["No scheduler runs. Start one with: lentiq scheduler"]


def test_dead_scheduler_is_told_with_the_time(make: Make) -> None:
    workspace = make()
    workspace.store.take_lease("scheduler", "host:1:a", ago(300), 45.0)
    found = workspace.status()
    assert (found["scheduler"], found["late_s"]) == (None, 300.0)
    assert found["problems"] == [
        "The scheduler host:1:a has not been heard of for 5 min. If none stands by, start one with: lentiq scheduler"
    ]


def test_start_that_nobody_made_is_told(make: Make) -> None:
    workspace = make()
    workspace.store.take_lease("scheduler", "host:1:a", NOW, 45.0)
    for name, due in (("late", ago(700)), ("just", ago(60)), ("busy", ago(700))):
        schedule = Schedule(start=ago(9999), every="1d")
        workspace.store.save_workflow(
            Workflow(name=name, project="default", tasks=(TASK,), schedule=schedule), due, ago(9000)
        )
    run(workspace, "r1", TaskRun(run_id="r1", task=TASK, state=TaskState.RUNNING), workflow="busy")
    assert workspace.status()["problems"] == [
        "Workflow late of project default was due 11 min ago and has not been started. See the scheduler's log."
    ]


def test_task_that_waits_for_long_is_told_with_its_reason(make: Make) -> None:
    workspace = make()
    workspace.store.take_lease("scheduler", "host:1:a", NOW, 45.0)
    retry = waiting("r1", 9000, attempt=2, not_before=NOW + timedelta(seconds=60), cause=Cause.LOST)
    run(workspace, "r1", retry)
    assert workspace.status()["pending"] is None, "a retry waits for its time only"
    run(workspace, "r2", waiting("r2", 7500), workflow="other")
    assert workspace.status()["problems"] == [
        "Task train of run r2 (other) has been PENDING for 2 h 5 min: needs 1 CPU."
    ]


def test_everything_is_asked_though_the_database_is_gone(make: Make, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "lentiq.sqlite").write_text("this is no database" * 100)
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "index.json").write_text("{")
    found = make().status()
    assert (found["tasks"], found["executors"]) == ({}, {"process": "up"})
    problems = " ".join(map(str, found["problems"]))  # type: ignore[arg-type]
    assert "lentiq.sqlite" in problems
    assert "index.json" in problems


def test_password_of_the_database_is_not_shown(make: Make) -> None:
    found = make(database="postgresql+psycopg://me:hunter2@127.0.0.1:1/lentiq").status()
    assert found["database"] == "postgresql+psycopg://…@127.0.0.1:1/lentiq"
    assert len(found["problems"]) == 1  # type: ignore[arg-type]
    assert "hunter2" not in str(found)


def test_executor_that_does_not_answer_is_down(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    workspace = make(executor="docker")
    workspace.store.take_lease("scheduler", "host:1:a", NOW, 45.0)
    found = workspace.status()
    assert found["executors"] == {"docker": "down"}
    assert found["isolation"] == {"docker": "containers"}
    assert len(found["problems"]) == 1  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")
def test_channels_are_shown_without_their_secrets(make: Make) -> None:
    workspace = make()
    workspace.store.take_lease("scheduler", "host:1:a", NOW, 45.0)
    workspace.settings.notify = [
        {"url": "mailto://me:hunter2@example.org", "on": "failed,pending"},
        {"url": "slack://nonsense-token"},
    ]
    found = workspace.status()
    assert found["notify"] == ["mailto://example.org: failed, pending", "slack://…: failed"]
    assert found["problems"] == [
        "Entry 2 of the setting `notify` (slack://…) is no address that apprise knows. Correct it."
    ]
    workspace.settings.notify = "json://me:hunter2@h"
    assert workspace.status()["problems"] == [
        "The setting `notify` is not a list. Write the setting `notify` as its help says."
    ]


def test_full_disk_is_told(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    workspace = make()
    workspace.store.take_lease("scheduler", "host:1:a", NOW, 45.0)
    monkeypatch.setattr(status_module, "_FREE_BYTES", 2**62)
    (problem,) = workspace.status()["problems"]  # type: ignore[misc]
    assert str(problem).endswith(f"are free for {tmp_path / 'home'}. Free some with: lentiq prune")


def test_figures_are_those_of_the_store_and_of_this_process(make: Make) -> None:
    workspace = make()
    workspace.store.save_project(Project(name="default", quota=Resources(cpu_millicores=4000, memory_bytes=2**32)))
    workspace.store.take_lease("scheduler", "host:1:a", ago(10), 45.0)
    run(workspace, "r1", TaskRun(run_id="r1", task=TASK, state=TaskState.RUNNING))
    run(workspace, "r2", waiting("r2", 60), workflow="other")
    workspace.store.save_workflow(Workflow(name="late", project="default", tasks=(TASK,)), ago(90), ago(9000))
    workspace.meters.run_ended(RunState.FAILED)
    assert isinstance(workspace.meters, Meters)
    lines = workspace.metrics().splitlines()
    for line in (
        'lentiq_tasks{project="default",state="RUNNING"} 1.0',
        'lentiq_tasks{project="default",state="PENDING"} 1.0',
        'lentiq_tasks{project="default",state="LOST"} 0.0',
        'lentiq_cpu_cores{project="default",what="quota"} 4.0',
        'lentiq_cpu_cores{project="default",what="used"} 1.5',
        'lentiq_memory_bytes{project="default",what="quota"} 4.294967296e+09',
        'lentiq_memory_bytes{project="default",what="used"} 1.073741824e+09',
        "lentiq_scheduler_up 1.0",
        "lentiq_scheduler_late_seconds 10.0",
        "lentiq_overdue_seconds 90.0",
        'lentiq_runs_ended_total{state="FAILED"} 1.0',
    ):
        assert line in lines
    assert len([one for one in lines if one.startswith("# TYPE")]) == len({one for one in lines if "# TYPE" in one})
