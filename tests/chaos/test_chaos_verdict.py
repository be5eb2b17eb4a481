"""The judge of chaos runs finds what is wrong in doctored records, and nothing in sound ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from chaos_plan import faults, workflows
from chaos_verdict import Record, judge

from lentiq_jupyter.model import (
    Execution,
    ExecutionState,
    Json,
    Run,
    RunState,
    Task,
    TaskRun,
    TaskState,
    When,
    Workflow,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
S = TaskState


def task(name: str, *after: str, fails: int = 0, text: str = "", **changes: object) -> Task:
    inputs: dict[str, Json] = {"text": text or name, "seconds": 0.0, "fails": fails}
    return Task(name=name, block="does", version="1", after=after, inputs=inputs, **changes)  # type: ignore[arg-type]


TASKS = (
    task("a"),
    task("b", text="${{ tasks.a.outputs.text }}"),
    task("c", "b", fails=1, retries=1),
    task("d", "c", fails=5),
    task("e", "d"),
    task("f", "e", when=When.ON_FAILURE),
    Task(
        name="g",
        block="does",
        version="1",
        foreach=[{"seconds": 0.0, "fails": 0}, {"seconds": 1.0, "fails": 0}],
        inputs={"text": "g", "seconds": "${{ item.seconds }}", "fails": "${{ item.fails }}"},
        after=("f",),
    ),
)
FLOW = Workflow(name="flow", project="default", tasks=TASKS)


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def ended(name: str, state: TaskState, *, attempt: int = 1, item: int | None = None, text: Json = None) -> TaskRun:
    outputs: dict[str, Json] | None = None
    if state is S.SUCCEEDED:
        outputs = {"text": text or name, "data": [None, None] if isinstance(text, list) else None}
    return TaskRun(run_id="r1", task=FLOW.task(name), state=state, attempt=attempt, item=item, outputs=outputs)


TASK_RUNS = (
    ended("a", S.SUCCEEDED),
    ended("b", S.SUCCEEDED, text="a"),
    ended("c", S.FAILED),
    ended("c", S.SUCCEEDED, attempt=2),
    ended("d", S.FAILED),
    ended("e", S.SKIPPED),
    ended("f", S.SUCCEEDED),
    ended("g", S.SUCCEEDED, text=["g", "g"]),
    ended("g", S.SUCCEEDED, item=0),
    ended("g", S.SUCCEEDED, item=1),
)
RUN = Run(id="r1", workflow=FLOW, state=RunState.FAILED, created_at=NOON, tasks=TASK_RUNS, ended_at=at(60), due_at=NOON)


def sound() -> Record:
    """One run, each of its jobs two seconds after the one before, a second long."""
    started = [one for one in TASK_RUNS if one.state is not S.SKIPPED and not one.is_group]
    return Record(
        runs=(RUN,),
        executions={
            one.job_name: Execution(
                name=one.job_name, state=ExecutionState(one.state.value), started_at=at(2 * n), ended_at=at(2 * n + 1)
            )
            for n, one in enumerate(started)
        },
        begun=tuple((one.job_name, at(2 * n).timestamp()) for n, one in enumerate(started)),
    )


def with_tasks(record: Record, change: Callable[[TaskRun], TaskRun | None]) -> Record:
    """The record with its task runs changed, or left out."""
    made = tuple(one for one in map(change, RUN.tasks) if one is not None)
    return dataclasses.replace(record, runs=(dataclasses.replace(RUN, tasks=made),))


def changed(name: str, **changes: object) -> Callable[[Record], Record]:
    """Doctors the last attempt of a task."""

    def doctor(record: Record) -> Record:
        label = [one for one in RUN.tasks if one.label == name][-1]
        return with_tasks(record, lambda one: dataclasses.replace(one, **changes) if one is label else one)  # type: ignore[arg-type]

    return doctor


def without(name: str, attempt: int = 1) -> Callable[[Record], Record]:
    return lambda record: with_tasks(record, lambda one: None if (one.label, one.attempt) == (name, attempt) else one)


def unstarted(record: Record) -> Record:
    name = "lentiq-r1-a-1"
    executions = {key: value for key, value in record.executions.items() if key != name}
    return dataclasses.replace(
        record, executions=executions, begun=tuple(one for one in record.begun if one[0] != name)
    )


def executed(name: str, **changes: object) -> Callable[[Record], Record]:
    def doctor(record: Record) -> Record:
        found = dataclasses.replace(record.executions[name], **changes)  # type: ignore[arg-type]
        return dataclasses.replace(record, executions={**record.executions, name: found})

    return doctor


def second_run(**changes: object) -> Callable[[Record], Record]:
    other: dict[str, object] = {"id": "r2", "tasks": (), "state": RunState.SKIPPED, "due_at": at(1), **changes}
    return lambda record: dataclasses.replace(record, runs=(RUN, dataclasses.replace(RUN, **other)))  # type: ignore[arg-type]


DOCTORED: dict[str, tuple[str, Callable[[Record], Record]]] = {
    "a task that never ran": ("lost", unstarted),
    "a task that is lost": ("lost", changed("a", state=S.LOST)),
    "a task without a row": ("lost", without("f")),
    "an item without a row": ("lost", without("g.1")),
    "a job that began twice": (
        "doubled",
        lambda record: dataclasses.replace(record, begun=(*record.begun, record.begun[0])),
    ),
    "a container that was started twice": ("doubled", executed("lentiq-r1-a-1", starts=2)),
    "a job of no row": ("doubled", lambda record: dataclasses.replace(record, begun=(*record.begun, ("stray", 0.0)))),
    "a row twice": ("doubled", lambda record: dataclasses.replace(record, runs=(RUN, RUN))),
    "a start answered twice": ("doubled", second_run(due_at=NOON)),
    "a run that goes on": (
        "stuck",
        lambda record: dataclasses.replace(record, runs=(dataclasses.replace(RUN, state=RunState.RUNNING),)),
    ),
    "a task that goes on": ("stuck", changed("a", state=S.RUNNING)),
    "a run inside another": ("overlap", second_run(state=RunState.CANCELLED, created_at=at(30), ended_at=at(90))),
    "two seen together": ("overlap", lambda record: dataclasses.replace(record, overlaps=("r1 and r2",))),
    "a task before the one before it": ("order", executed("lentiq-r1-a-1", ended_at=at(3))),
    "a failure that should be none": ("state", changed("a", state=S.FAILED)),
    "another end than the executor's": ("state", executed("lentiq-r1-a-1", state=ExecutionState.FAILED)),
    "a handler that did not run": ("state", changed("f", state=S.SKIPPED)),
    "a cancelled task nobody cancelled": ("state", changed("e", state=S.CANCELLED)),
    "a retry that was not made": ("state", without("c", 2)),
    "a gap in the attempts": ("state", without("c", 1)),
    "a run called well": (
        "state",
        lambda record: dataclasses.replace(record, runs=(dataclasses.replace(RUN, state=RunState.SUCCEEDED),)),
    ),
    "a group called failed": ("state", changed("g", state=S.FAILED)),
    "another value": ("output", changed("b", outputs={"text": "b", "data": None})),
    "a list in another order": ("output", changed("g", outputs={"text": ["g"], "data": [None]})),
    "a process left over": ("orphan", lambda record: dataclasses.replace(record, orphans=("process 7",))),
}


def test_a_sound_record_has_nothing_wrong() -> None:
    assert judge(sound()) == []


@pytest.mark.parametrize("name", DOCTORED)
def test_what_is_wrong_is_found(name: str) -> None:
    kind, doctor = DOCTORED[name]
    assert kind in {one.kind for one in judge(doctor(sound()))}


def test_tasks_of_a_cancelled_run_may_be_cancelled() -> None:
    tasks = tuple(ended(name, S.CANCELLED) for name in "abcdefg")
    run = dataclasses.replace(RUN, tasks=tasks, state=RunState.CANCELLED, cancel_requested=True)
    assert judge(Record(runs=(run,), executions={}, begun=())) == []


def test_one_seed_is_one_plan() -> None:
    assert workflows(7, 5) == workflows(7, 5) != workflows(8, 5)
    assert faults(7, 20, mean_s=1, longest_s=2) == faults(7, 20, mean_s=1, longest_s=2)
