"""What the scheduler does with runs: order, quota, failure, cancel, hand-over of outputs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from recording_executor import RecordingExecutor
from scheduling import QUOTA, SMALL, reasons, running, start, states, task, until, workflow

from lentiq_jupyter.errors import BadInput, Denied, NotFound, Unavailable
from lentiq_jupyter.model import Execution, Progress, Project, Resources, RunState, TaskState
from lentiq_jupyter.scheduler import Scheduler
from lentiq_jupyter.store import SqlStore

LARGE = Resources(cpu_millicores=1500, memory_bytes=SMALL.memory_bytes)


def test_tasks_run_in_order_and_outputs_flow_along(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor, tmp_path: Path
) -> None:
    first = task("first", give={"rows": 7})
    second = task("second", give="${{ tasks.first.outputs.value }}")
    third = task("third", "second", give="got ${{tasks.second.outputs.value}}")
    run_id = start(store, workflow(first, second, third))
    with running(scheduler):
        until(lambda: store.run(run_id).state.ended)
    run = store.run(run_id)
    assert run.state is RunState.SUCCEEDED
    assert [one.outputs for one in run.tasks] == [
        {"value": {"rows": 7}},
        {"value": {"rows": 7}},
        {"value": 'got {"rows": 7}'},
    ]
    assert run.tasks[1].inputs == {"seconds": 0.0, "fail": "", "give": {"rows": 7}}
    assert executor.starts() == [one.job_name for one in run.tasks]
    assert all(one.started_at <= one.ended_at for one in run.tasks)
    assert run.started_at <= run.ended_at
    results = tmp_path / "results" / run.tasks[0].job_name
    assert (results / "log.txt").read_bytes() == b"works\n"
    seen = json.loads((executor.folder / run.tasks[0].job_name / "environment.json").read_text())
    assert seen == {"LENTIQ_RUN_ID": run_id, "LENTIQ_TASK": "first"}


def test_next_task_starts_at_the_end_of_the_one_before_not_at_the_tick(
    store: SqlStore, make, executor: RecordingExecutor
) -> None:
    scheduler = make(tick_s=300)
    run_id = start(store, workflow(task("first", seconds=0.2), task("second", "first")))
    with running(scheduler):
        until(lambda: store.run(run_id).state.ended, timeout_s=60)
    one, two = store.run(run_id).tasks
    assert (two.ready_at - one.started_at).total_seconds() < 100


def test_runs_and_cancels_of_other_processes_are_noticed_between_ticks(
    store: SqlStore, make, executor: RecordingExecutor
) -> None:
    scheduler = make(tick_s=300)
    with running(scheduler):
        until(lambda: scheduler.active)
        run_id = start(store, workflow(task("long", seconds=60)))
        until(lambda: states(store.run(run_id)) == {"long": "RUNNING"}, timeout_s=60)
        store.request_cancel(run_id)
        until(lambda: store.run(run_id).state.ended, timeout_s=60)
    assert store.run(run_id).state is RunState.CANCELLED


def test_task_waits_with_the_reason_when_quota_is_full_then_runs(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor
) -> None:
    one = start(store, workflow(task("train", resources=LARGE, seconds=0.3), name="sales"))
    other = start(store, workflow(task("score", resources=LARGE), name="scores"))
    scheduler.tick()
    assert states(store.run(other)) == {"score": "PENDING"}
    assert reasons(store.run(other)) == {
        "score": "needs 1500m CPU, 1Gi; free 500m CPU, 3Gi of 2 CPU, 4Gi; "
        f"held by sales/train (run {one}): 1500m CPU, 1Gi; 1 of 1 in the queue"
    }
    with running(scheduler):
        until(lambda: store.run(other).state.ended)
    assert store.run(other).state is RunState.SUCCEEDED
    assert store.run(one).tasks[0].ended_at <= store.run(other).tasks[0].started_at
    assert reasons(store.run(other)) == {"score": ""}


def test_task_larger_than_a_lowered_quota_says_so_and_blocks_nobody(store: SqlStore, scheduler: Scheduler) -> None:
    store.save_project(Project(name="default", quota=SMALL))
    large = start(store, workflow(task("train", resources=LARGE), name="sales"))
    small = start(store, workflow(task("score", seconds=5), name="scores"))
    scheduler.tick()
    assert reasons(store.run(large)) == {
        "train": "needs 1500m CPU, 1Gi, more than the whole quota of the project (500m CPU, 1Gi); it can never start. "
        "Ask for less, or raise the quota"
    }
    assert states(store.run(small)) == {"score": "RUNNING"}
    store.save_project(Project(name="default", quota=QUOTA))
    scheduler.tick()
    assert states(store.run(large)) == {"train": "RUNNING"}


def test_tasks_after_a_failed_one_are_skipped_with_the_reason(store: SqlStore, scheduler: Scheduler) -> None:
    tasks = (task("clean", fail="no rows"), task("train", "clean"), task("score", "train"))
    run_id = start(store, workflow(*tasks, task("aside")))
    with running(scheduler):
        until(lambda: store.run(run_id).state.ended)
    run = store.run(run_id)
    assert (run.state, run.reason) == (RunState.FAILED, "clean: ValueError: no rows (cell 3)")
    assert states(run) == {"clean": "FAILED", "train": "SKIPPED", "score": "SKIPPED", "aside": "SUCCEEDED"}
    assert reasons(run) == {
        "clean": "ValueError: no rows (cell 3)",
        "train": "clean before it did not succeed (FAILED)",
        "score": "train before it did not succeed (SKIPPED)",
        "aside": "",
    }
    assert run.tasks[0].exit_code == 1


def test_cancel_stops_what_runs_and_what_waits(store: SqlStore, scheduler: Scheduler) -> None:
    tasks = (task("long", seconds=60), task("after", "long"), task("large", resources=LARGE), task("done"))
    run_id = start(store, workflow(*tasks))
    with running(scheduler):
        until(lambda: states(store.run(run_id))["done"] == "SUCCEEDED")
        until(lambda: states(store.run(run_id))["long"] == "RUNNING")
        store.request_cancel(run_id)
        scheduler.wake()
        until(lambda: store.run(run_id).state.ended)
    run = store.run(run_id)
    assert (run.state, run.reason) == (RunState.CANCELLED, "cancelled as asked")
    ended = states(run)
    # It fits beside the long one, so it may have run already.
    assert ended.pop("large") in ("CANCELLED", "SUCCEEDED")
    assert ended == {"long": "CANCELLED", "after": "CANCELLED", "done": "SUCCEEDED"}
    assert reasons(run)["long"] == "cancelled as asked"


def test_progress_is_stored_while_a_task_runs(store: SqlStore, scheduler: Scheduler) -> None:
    run_id = start(store, workflow(task("long", seconds=60)))
    scheduler.tick()

    def seen() -> bool:
        scheduler.tick()
        return store.run(run_id).tasks[0].progress == Progress(done=1, total=2, cell=1)

    until(seen)


def test_start_is_tried_again_when_the_executor_does_not_answer(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor
) -> None:
    executor.refuse = [Unavailable("The engine does not answer.", "Start it.")]
    run_id = start(store, workflow(task("one", seconds=60)))
    scheduler.tick()
    one = store.run(run_id).tasks[0]
    assert (one.state, one.reason) == (TaskState.STARTING, "cannot start yet: The engine does not answer. Start it.")
    scheduler.tick()
    one = store.run(run_id).tasks[0]
    assert (one.state, one.reason) == (TaskState.RUNNING, "")
    assert executor.starts() == [one.job_name]


@pytest.mark.parametrize("error", [NotFound("The image is gone.", "Publish it again."), BadInput("Needs Docker.")])
def test_task_fails_with_the_reason_when_the_executor_refuses_it(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor, error: NotFound | BadInput
) -> None:
    executor.refuse = [error]
    run_id = start(store, workflow(task("one"), task("two", "one")))
    scheduler.tick()
    run = store.run(run_id)
    assert (run.state, run.reason) == (RunState.FAILED, f"one: {error}")
    assert states(run) == {"one": "FAILED", "two": "SKIPPED"}
    assert executor.starts() == []


def test_task_fails_when_an_output_it_takes_was_not_given(store: SqlStore, scheduler: Scheduler) -> None:
    run_id = start(store, workflow(task("one"), task("two", give="${{ tasks.one.outputs.other }}")))
    with running(scheduler):
        until(lambda: store.run(run_id).state.ended)
    assert reasons(store.run(run_id))["two"] == "Task one gave no output other. Its outputs: value."


def test_task_is_lost_when_the_executor_no_longer_knows_it(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor
) -> None:
    run_id = start(store, workflow(task("one", seconds=60)))
    scheduler.tick()
    name = store.run(run_id).tasks[0].job_name
    executor.stop(name)
    executor.close()
    executor.remove(name)
    scheduler.tick()
    run = store.run(run_id)
    assert (run.state, states(run)) == (RunState.FAILED, {"one": "LOST"})
    assert reasons(run) == {"one": "executor recording no longer knows it; run it again"}


def test_task_written_as_starting_before_a_crash_is_started_once(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor
) -> None:
    run_id = start(store, workflow(task("one", give=1)))
    waiting = store.run(run_id).tasks[0]
    pending = replace(waiting, state=TaskState.PENDING)
    assert store.move_tasks([(waiting, pending)])
    starting = replace(pending, state=TaskState.STARTING)
    assert store.move_tasks([(pending, starting)])
    with running(scheduler):
        until(lambda: store.run(run_id).state.ended)
    assert store.run(run_id).tasks[0].outputs == {"value": 1}
    assert executor.starts() == [waiting.job_name]


def test_run_of_an_executor_that_is_not_here_waits_with_the_reason(store: SqlStore, make) -> None:
    scheduler = make()
    run_id = start(store, workflow(task("one")))
    scheduler._driver._executors = {}
    scheduler.tick()
    assert reasons(store.run(run_id)) == {
        "one": "needs executor recording, which this scheduler does not have (it has none)"
    }


def test_run_of_a_missing_project_waits_with_the_reason(store: SqlStore, scheduler: Scheduler) -> None:
    run_id = start(store, replace(workflow(task("one")), project="other"))
    scheduler.tick()
    assert reasons(store.run(run_id)) == {"one": "There is no project other. See lentiq project list."}


def test_what_is_wrong_with_one_run_stops_no_other(
    store: SqlStore, scheduler: Scheduler, executor: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = start(store, workflow(task("one", seconds=60), name="odd"))
    scheduler.tick()
    odd_job = store.run(odd).tasks[0].job_name
    inspect = executor.inspect

    def inspect_but_one(name: str) -> Execution | None:
        if name == odd_job:
            raise Denied("The engine refuses to say.")
        return inspect(name)

    monkeypatch.setattr(executor, "inspect", inspect_but_one)
    other = start(store, workflow(task("one"), name="other"))
    with running(scheduler):
        until(lambda: store.run(other).state is RunState.SUCCEEDED)
    assert store.run(odd).state is RunState.RUNNING
