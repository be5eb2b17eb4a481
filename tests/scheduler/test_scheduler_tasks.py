"""Retries, rules of when, one task for many items, earlier results, one task cancelled, late jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from recording_executor import RecordingExecutor
from scheduling import QUOTA, block, reasons, running, start, states, task, until, workflow

from lentiq_jupyter.errors import Conflict, NotFound
from lentiq_jupyter.model import Cause, Input, Job, Run, RunState, Task, TaskRun, TaskState, When, newest
from lentiq_jupyter.scheduler import LEASE, Scheduler
from lentiq_jupyter.store import SqlStore

Make = Callable[..., Scheduler]


def labels(run: Run) -> dict[str, str]:
    """The state of the newest attempt of each task and item."""
    return {one.label: str(one.state) for one in newest(run.tasks)}


def ended(store: SqlStore, scheduler: Scheduler, *tasks: Task, **changes: Any) -> Run:
    run_id = start(store, replace(workflow(*tasks), **changes))
    with running(scheduler):
        until(lambda: store.run(run_id).state.ended)
    return store.run(run_id)


# retries


def test_failed_task_is_tried_again_later_each_attempt_a_row(store: SqlStore, make: Make) -> None:
    one = replace(task("one", fail="no rows"), retries=2, retry_delay_s=0.3)
    run = ended(store, make(tick_s=300), one, task("two", "one"))
    first, second, third, two = run.tasks
    assert [(one.attempt, one.state, one.cause) for one in (first, second, third)] == [
        (number, TaskState.FAILED, Cause.CELL_FAILED) for number in (1, 2, 3)
    ]
    assert (second.admitted_at - first.ended_at).total_seconds() >= 0.25
    assert (third.admitted_at - second.ended_at).total_seconds() >= 0.55
    assert two.state is TaskState.SKIPPED
    assert (run.state, run.reason) == (RunState.FAILED, "one: ValueError: no rows (cell 3)")


def test_attempt_that_waits_says_when_it_starts(store: SqlStore, scheduler: Scheduler) -> None:
    run_id = start(store, workflow(replace(task("one", fail="no rows"), retries=1, retry_delay_s=3600)))
    with running(scheduler):
        until(lambda: len(store.run(run_id).tasks) == 2)
    first, second = store.run(run_id).tasks
    assert second.not_before is not None
    assert second.not_before - second.ready_at == timedelta(hours=1)
    assert second.reason == f"attempt 2 of 2 starts at {second.not_before:%Y-%m-%d %H:%M:%S} UTC"
    assert (first.state, second.state) == (TaskState.FAILED, TaskState.PENDING)
    assert store.run(run_id).state is RunState.RUNNING


def test_success_of_a_later_attempt_is_the_tasks_success(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor
) -> None:
    executor.refuse = [NotFound("The image is gone.", "Publish it again.")]
    run = ended(store, scheduler, replace(task("one", give=3), retries=1, retry_delay_s=0), task("two", "one"))
    first, second, two = run.tasks
    assert (first.state, first.cause, first.reason) == (
        TaskState.FAILED, Cause.IMAGE_MISSING, "The image is gone. Publish it again.",
    )  # fmt: skip
    assert (second.attempt, second.state, second.outputs) == (2, TaskState.SUCCEEDED, {"value": 3})
    assert (two.state, run.state) == (TaskState.SUCCEEDED, RunState.SUCCEEDED)
    assert executor.starts() == [second.job_name, two.job_name]


def test_wrong_inputs_are_not_tried_again(store: SqlStore, scheduler: Scheduler) -> None:
    two = replace(task("two", give="${{ tasks.one.outputs.other }}"), retries=5, retry_delay_s=0)
    run = ended(store, scheduler, task("one"), two)
    assert [(one.task.name, one.state, one.cause) for one in run.tasks] == [
        ("one", TaskState.SUCCEEDED, None),
        ("two", TaskState.FAILED, Cause.BAD_INPUT),
    ]


# when


def test_tasks_run_by_how_those_before_them_ended(store: SqlStore, scheduler: Scheduler) -> None:
    run = ended(
        store,
        scheduler,
        task("clean", fail="no rows"),
        task("train", "clean"),
        replace(task("alarm", "train"), when=When.ON_FAILURE),
        replace(task("report", "train", "alarm"), when=When.ALWAYS),
        replace(task("calm", "report"), when=When.ON_FAILURE),
    )
    assert labels(run) == {
        "clean": "FAILED",
        "train": "SKIPPED",
        "alarm": "SUCCEEDED",
        "report": "SUCCEEDED",
        "calm": "SKIPPED",
    }
    assert run.state is RunState.FAILED


def test_run_whose_handler_of_failures_was_not_needed_has_succeeded(store: SqlStore, scheduler: Scheduler) -> None:
    run = ended(store, scheduler, task("one"), replace(task("alarm", "one"), when=When.ON_FAILURE))
    assert (run.state, labels(run)) == (RunState.SUCCEEDED, {"one": "SUCCEEDED", "alarm": "SKIPPED"})


# foreach


def test_task_runs_once_for_each_item_and_gives_lists(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor
) -> None:
    each = replace(task("each", give="${{ item.country }}"), foreach="${{ tasks.list.outputs.value }}")
    items = [{"country": "RO"}, {"country": "NO"}, {"country": 3}]
    run = ended(store, scheduler, task("list", give=items), each, task("join", give="${{ tasks.each.outputs.value }}"))
    by_label = {one.label: one for one in run.tasks}
    assert labels(run) == dict.fromkeys(("list", "each", "join", "each.0", "each.1", "each.2"), "SUCCEEDED")
    assert by_label["each"].outputs == {"value": ["RO", "NO", 3]}
    assert by_label["join"].outputs == {"value": ["RO", "NO", 3]}
    assert by_label["each.1"].inputs == {"seconds": 0.0, "fail": "", "give": "NO"}
    assert sorted(executor.starts()) == sorted(one.job_name for one in run.tasks if not one.is_group)
    assert by_label["each.1"].job_name == f"lentiq-{run.id}-each.1-1"


def test_items_are_held_to_the_quota_and_their_group_is_not(store: SqlStore, scheduler: Scheduler) -> None:
    run_id = start(store, workflow(replace(task("each", seconds=60), foreach=list(range(6)))))
    scheduler.tick()
    found = labels(store.run(run_id))
    assert found.pop("each") == "RUNNING"
    assert sorted(found.values()) == ["PENDING"] * 2 + ["RUNNING"] * 4
    assert store.run(run_id).state is RunState.RUNNING


def test_group_fails_when_an_item_does_and_the_others_go_on(store: SqlStore, scheduler: Scheduler) -> None:
    each = replace(task("each", fail="${{ item }}"), foreach=["", "no rows", ""], retries=1, retry_delay_s=0)
    run = ended(store, scheduler, each, task("join", "each"))
    assert labels(run) == {
        "each": "FAILED", "join": "SKIPPED", "each.0": "SUCCEEDED", "each.1": "FAILED", "each.2": "SUCCEEDED",
    }  # fmt: skip
    group = next(one for one in run.tasks if one.is_group)
    assert (group.cause, group.reason) == (
        Cause.CELL_FAILED,
        "1 of 3 items did not succeed; each.1: ValueError: no rows (cell 3)",
    )
    assert [one.attempt for one in run.tasks if one.item == 1] == [1, 2]


def test_no_items_is_a_success_with_empty_lists(store: SqlStore, scheduler: Scheduler) -> None:
    each = replace(task("each"), foreach="${{ tasks.list.outputs.value }}")
    run = ended(store, scheduler, task("list", give=[]), each, task("join", give="${{ tasks.each.outputs.value }}"))
    assert {one.label: one.outputs for one in run.tasks} == {
        "list": {"value": []}, "each": {"value": []}, "join": {"value": []},
    }  # fmt: skip


def test_items_that_are_no_list_fail_the_group(store: SqlStore, scheduler: Scheduler) -> None:
    each = replace(task("each"), foreach="${{ tasks.list.outputs.value }}")
    run = ended(store, scheduler, task("list", give=7), each)
    group = next(one for one in run.tasks if one.is_group)
    assert (group.state, group.cause) == (TaskState.FAILED, Cause.BAD_INPUT)
    assert "list" in group.reason


# earlier results


def test_result_of_the_same_block_and_inputs_is_taken_when_asked(
    store: SqlStore, make: Make, executor: RecordingExecutor
) -> None:
    once = replace(task("one", give=5), reuse=True)
    first = ended(store, make(holder="a"), once)
    again = ended(store, make(holder="b"), replace(once, name="other"), task("two", give=5))
    taken, plain = again.tasks
    assert taken.outputs == {"value": 5}
    assert taken.reused_from == first.tasks[0].job_name
    assert taken.reason == f"took the result of run {first.id}: same block, same inputs"
    assert executor.starts() == [first.tasks[0].job_name, plain.job_name]
    third = ended(store, make(holder="c"), once)
    assert third.tasks[0].reused_from == first.tasks[0].job_name
    changed = ended(store, make(holder="d"), replace(once, inputs={"give": 6}))
    assert changed.tasks[0].reused_from is None


def test_result_of_a_task_that_takes_secrets_is_never_taken(
    store: SqlStore, make: Make, executor: RecordingExecutor
) -> None:
    secret = Input(name="password", secret=True)

    def load(reference: str) -> Any:
        plain = block(*reference.split("@"))
        return replace(plain, spec=replace(plain.spec, inputs=(*plain.spec.inputs, secret)))

    once = replace(task("one", give=5), reuse=True)
    for holder in ("a", "b"):
        assert ended(store, make(holder=holder, load_block=load), once).tasks[0].reused_from is None
    assert len(executor.starts()) == 2


# one task cancelled


def test_cancelled_task_ends_and_what_needs_it_is_skipped(store: SqlStore, scheduler: Scheduler) -> None:
    long = replace(task("long", seconds=60), retries=3, retry_delay_s=0)
    tasks = (long, task("after", "long"), replace(task("clean-up", "long"), when=When.ALWAYS), task("aside"))
    run_id = start(store, workflow(*tasks))
    with running(scheduler):
        until(lambda: states(store.run(run_id))["long"] == "RUNNING")
        assert store.request_cancel(run_id, "long")
        until(lambda: store.run(run_id).state.ended)
    run = store.run(run_id)
    assert labels(run) == {
        "long": "CANCELLED", "after": "SKIPPED", "clean-up": "SUCCEEDED", "aside": "SUCCEEDED",
    }  # fmt: skip
    assert (run.tasks[0].cause, reasons(run)["long"]) == (Cause.CANCELLED, "cancelled as asked")
    assert (run.state, len(run.tasks)) == (RunState.CANCELLED, 4)


def test_cancelled_group_stops_all_its_items(store: SqlStore, scheduler: Scheduler) -> None:
    run_id = start(store, workflow(replace(task("each", seconds=60), foreach=list(range(6))), task("aside")))
    with running(scheduler):
        until(lambda: list(labels(store.run(run_id)).values()).count("RUNNING") >= 4)
        assert store.request_cancel(run_id, "each")
        until(lambda: store.run(run_id).state.ended)
    found = labels(store.run(run_id))
    assert found.pop("aside") == "SUCCEEDED"
    assert set(found.values()) == {"CANCELLED"}


# frozen and late


def write_starting(store: SqlStore, run_id: str) -> TaskRun:
    """As a scheduler leaves a task that dies, or freezes, before its executor hears of it."""
    waiting = store.run(run_id).tasks[0]
    pending = replace(waiting, state=TaskState.PENDING, ready_at=datetime.now(UTC))
    starting = replace(pending, state=TaskState.STARTING, admitted_at=datetime.now(UTC))
    assert store.move_tasks([(waiting, pending), (pending, starting)])
    return starting


def test_task_cancelled_before_its_start_is_heard_of_never_starts(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor
) -> None:
    run_id = start(store, workflow(task("one")))
    name = write_starting(store, run_id).job_name
    store.request_cancel(run_id)
    scheduler.tick()
    run = store.run(run_id)
    assert (run.state, states(run)) == (RunState.CANCELLED, {"one": "CANCELLED"})
    # Whoever was frozen between the intent and the deed wakes up now.
    with pytest.raises(Conflict):
        executor.start(Job(name=name, pool="test", block=block(), inputs={}, resources=QUOTA, environment={}))
    assert executor.starts() == []


def test_job_that_runs_although_its_task_has_ended_is_stopped(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor
) -> None:
    run_id = start(store, workflow(task("one", seconds=60)))
    scheduler.tick()
    task_run = store.run(run_id).tasks[0]
    gone = replace(task_run, state=TaskState.LOST, ended_at=datetime.now(UTC))
    assert store.move_tasks([(task_run, gone)])
    store.release_lease(LEASE, "first")
    scheduler.tick()
    until(lambda: (executor.folder / task_run.job_name / "exit.json").exists())
    assert store.run(run_id).state is RunState.FAILED


def test_frozen_scheduler_that_wakes_up_writes_nothing(store: SqlStore, make: Make) -> None:
    first = make(holder="first")
    assert first.tick()
    run_id = start(store, workflow(task("one")))
    # While it was frozen its lease ran out and another one acted.
    store.release_lease(LEASE, "first")
    second = make(holder="second", tick_s=300)
    assert second.tick()
    assert states(store.run(run_id)) == {"one": "RUNNING"}
    first._driver.sync()
    first._driver.look()
    first._lease._fence = 1
    assert not first.tick()
    assert not first.active


def test_long_waits_and_long_runs_are_told_once(store: SqlStore, make: Make) -> None:
    told: list[tuple[str, str]] = []
    scheduler = make(
        tell=lambda kind, run, one: told.append((kind, one.label if one else run.reason)), pending_notice_s=0.05
    )
    slow = replace(task("slow", seconds=60), warn_after_s=0.05)
    run_id = start(store, workflow(slow, replace(task("large"), resources=replace(QUOTA, cpu_millicores=2000))))
    scheduler.tick()
    until(lambda: (datetime.now(UTC) - store.run(run_id).created_at).total_seconds() > 0.3)
    for _ in range(3):
        scheduler.tick()
    assert sorted(told) == [("pending", "large"), ("slow", "slow")]
    store.request_cancel(run_id)
    with running(scheduler):
        until(lambda: store.run(run_id).state.ended)
    assert told[2:] == [("cancelled", "cancelled as asked")]
