"""What people are told of, when, and in which words."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from scheduling import task, workflow

from lentiq_jupyter.model import Cause, Progress, Run, RunState, TaskRun, TaskState
from lentiq_jupyter.scheduler.notices import Event, end_told, notice, to_tell

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
HOUR_S = 3600.0


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def run(*tasks: TaskRun, state: RunState = RunState.RUNNING, **changes: object) -> Run:
    made = Run(
        id="r1",
        workflow=workflow(*{one.task.name: one.task for one in tasks}.values()) if tasks else workflow(task("train")),
        state=state,
        created_at=ago(2 * HOUR_S),
        tasks=tasks,
    )
    return dataclasses.replace(made, **changes)


def one(name: str = "train", state: TaskState = TaskState.PENDING, **changes: object) -> TaskRun:
    return dataclasses.replace(TaskRun(run_id="r1", task=task(name), state=state), **changes)


class Told(list):  # type: ignore[type-arg]
    def __init__(self, before: Run | None, after: Run) -> None:
        super().__init__(
            (str(event), task.label if task else None) for event, task in to_tell(before, after, NOW, pending_s=HOUR_S)
        )


def slow(**changes: object) -> TaskRun:
    made = one("train", TaskState.RUNNING, started_at=ago(60), ready_at=ago(70), **changes)
    return dataclasses.replace(made, task=dataclasses.replace(made.task, warn_after_s=50.0))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (RunState.FAILED, [("failed", None)]),
        (RunState.SUCCEEDED, [("succeeded", None)]),
        (RunState.CANCELLED, []),
        (RunState.SKIPPED, []),
        (RunState.RUNNING, []),
    ],
)
def test_end_of_a_run_is_told_when_it_ends(state: RunState, told: list[object]) -> None:
    assert Told(run(), run(state=state)) == told
    assert Told(None, run(state=state)) == told
    assert Told(run(state=state), run(state=state)) == []


def test_pending_task_is_told_after_the_limit() -> None:
    assert Told(None, run(one(ready_at=ago(HOUR_S - 1)))) == []
    assert Told(None, run(one(ready_at=ago(HOUR_S)))) == [("pending", "train")]


def test_told_task_is_not_told_again() -> None:
    assert Told(None, run(one(ready_at=ago(2 * HOUR_S), warned_at=ago(60)))) == []


def test_task_that_waits_for_its_retry_is_held_back_by_nobody() -> None:
    waiting = one(attempt=2, ready_at=ago(2 * HOUR_S), not_before=NOW + timedelta(seconds=5))
    assert Told(None, run(waiting)) == []
    assert Told(None, run(dataclasses.replace(waiting, not_before=ago(HOUR_S)))) == [("pending", "train")]


def test_slow_task_is_told_though_it_was_told_of_while_it_waited() -> None:
    assert Told(None, run(slow())) == [("slow", "train")]
    assert Told(None, run(slow(warned_at=ago(65)))) == [("slow", "train")]
    assert Told(None, run(slow(warned_at=ago(1)))) == []
    assert Told(None, run(one("train", TaskState.RUNNING, started_at=ago(10 * HOUR_S)))) == []


def test_of_many_items_the_longest_waiting_stands_for_all() -> None:
    items = [one(item=number, ready_at=ago(2 * HOUR_S + number)) for number in range(3)]
    assert Told(None, run(*items)) == [("pending", "train.2")]
    # Told once, the others are silent, also when that one has started.
    items[2] = dataclasses.replace(items[2], state=TaskState.RUNNING, warned_at=ago(60), started_at=ago(10))
    assert Told(None, run(*items)) == []


def test_group_itself_neither_waits_nor_runs() -> None:
    group = slow()
    group = dataclasses.replace(group, task=dataclasses.replace(group.task, foreach=[1, 2]))
    assert group.is_group
    assert Told(None, run(group)) == []


def test_end_is_told_once_a_task_run_says_so_since() -> None:
    ended = run(one(state=TaskState.FAILED, ended_at=ago(5)), state=RunState.FAILED, ended_at=ago(5))
    assert not end_told(ended)
    assert not end_told(dataclasses.replace(ended, tasks=(one(warned_at=ago(60)),)))
    assert end_told(dataclasses.replace(ended, tasks=(one(warned_at=ago(5)),)))


FAILED = run(
    one("clean", TaskState.SUCCEEDED, started_at=ago(90), ended_at=ago(80)),
    one(
        "train",
        TaskState.FAILED,
        reason="ValueError: no\x1b[31m rows\n(cell 4)",
        cause=Cause.CELL_FAILED,
        progress=Progress(done=3, total=9, cell=3),
        exit_code=1,
        peak_memory_bytes=534_773_760,
        cpu_s=61.0,
        started_at=ago(70),
        ended_at=ago(5),
    ),
    one("report", TaskState.SKIPPED),
    state=RunState.FAILED,
    started_at=ago(95),
    ended_at=ago(5),
    due_at=ago(3600),
)


def test_failure_says_what_where_why_in_numbers_and_how_to_see_it() -> None:
    said = notice(Event.FAILED, FAILED, None, NOW, public_url="https://hub.example.org/user/ana/")
    assert (said.id, said.task, said.title) == ("r1:failed", "", "nightly failed at train")
    assert said.text.splitlines() == [
        "Run r1 of workflow nightly in project default failed, due 2026-12-01 01:00 UTC. It took 1 min.",
        "Tasks: 1 SUCCEEDED, 1 FAILED, 1 SKIPPED.",
        "",
        "train (work@1) FAILED",
        "  ValueError: no [31m rows (cell 4) [cell_failed]",
        "  ran 1 min, 3 of 9 cells, exit code 1, peak memory 510 MiB of 1 GiB, 1 min of CPU",
        "",
        "lentiq runs show r1",
        "lentiq runs logs r1 train",
        "https://hub.example.org/user/ana/lentiq/runs/r1/tasks/train/notebook",
        "",
        "Notice r1:failed",
    ]


def test_success_is_short() -> None:
    said = notice(Event.SUCCEEDED, run(one(state=TaskState.SUCCEEDED), state=RunState.SUCCEEDED), None, NOW)
    assert said.title == "nightly succeeded"
    assert said.text.splitlines() == [
        "Run r1 of workflow nightly in project default succeeded.",
        "Tasks: 1 SUCCEEDED.",
        "",
        "lentiq runs show r1",
        "",
        "Notice r1:succeeded",
    ]


def test_waiting_task_says_what_it_waits_for() -> None:
    waiting = one(ready_at=ago(2 * HOUR_S + 300), reason="needs 1 CPU; free 500m CPU; held by other/x (run r0)", item=3)
    said = notice(Event.PENDING, run(waiting), waiting, NOW)
    assert (said.id, said.task, said.title) == ("r1:train.3@1:pending", "train.3", "nightly: train.3 waits for long")
    assert said.text.splitlines()[:3] == [
        "Task train.3 of run r1, workflow nightly in project default, has been PENDING for 2 h 5 min.",
        "It asks for 500m CPU, 1Gi.",
        "needs 1 CPU; free 500m CPU; held by other/x (run r0)",
    ]


def test_slow_task_says_how_far_it_is() -> None:
    found = slow(progress=Progress(done=1, total=4))
    said = notice(Event.SLOW, run(found), found, NOW)
    assert said.title == "nightly: train runs for long"
    assert said.text.splitlines()[:2] == [
        "Task train of run r1, workflow nightly in project default, has been running for 1 min; "
        "a word was asked for after 50.0 s. It goes on.",
        "1 of 4 cells",
    ]


def test_many_failures_are_counted() -> None:
    many = run(*(one(f"t{number}", TaskState.FAILED) for number in range(8)), state=RunState.FAILED)
    said = notice(Event.FAILED, many, None, NOW)
    assert said.title == "nightly failed at t0 and 7 more"
    assert "… and 3 more." in said.text.splitlines()
