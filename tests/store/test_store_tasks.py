"""Task runs: moved together, with new attempts and items, cancelled one by one, found again, counted."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import timedelta

import pytest
from store_records import HOUR, NOW, Again, at_once, end, run_of, workflow

from lentiq_jupyter.errors import NotFound
from lentiq_jupyter.model import Cause, RunState, Task, TaskRun, TaskState, Workflow
from lentiq_jupyter.store import SqlStore

FINGERPRINT = "f" * 64


def to(task: TaskRun, state: TaskState, **fields: object) -> TaskRun:
    return dataclasses.replace(task, state=state, **fields)


def started(store: SqlStore, of: Workflow, run_id: str) -> tuple[TaskRun, ...]:
    assert store.create_run(run_of(of, run_id))
    return store.run(run_id).tasks


def succeed(store: SqlStore, task: TaskRun, **fields: object) -> TaskRun:
    """Through all its states to its end."""
    steps = [task]
    for state in (TaskState.PENDING, TaskState.STARTING, TaskState.RUNNING):
        steps.append(to(steps[-1], state))
    steps.append(to(steps[-1], TaskState.SUCCEEDED, **{"ended_at": NOW, "exit_code": 0, **fields}))
    assert store.move_tasks(list(itertools.pairwise(steps)))
    return steps[-1]


# moves of several


def test_all_move_or_none(store: SqlStore) -> None:
    first, second = started(store, workflow(), "r1")
    pending = to(first, TaskState.PENDING)
    assert not store.move_tasks(
        [(first, pending), (to(second, TaskState.RUNNING), to(second, TaskState.FAILED))],
        new=[dataclasses.replace(first, attempt=2)],
    )
    assert store.run("r1").tasks == (first, second)
    assert store.move_tasks([(first, pending), (second, to(second, TaskState.SKIPPED))])
    assert store.run("r1").tasks == (pending, to(second, TaskState.SKIPPED))


def test_task_may_move_twice_in_one_call_in_order(store: SqlStore) -> None:
    first, second = started(store, workflow(), "r1")
    pending, starting = to(first, TaskState.PENDING, ready_at=NOW), to(first, TaskState.STARTING, ready_at=NOW)
    assert store.move_tasks([(first, pending), (pending, starting)])
    assert store.run("r1").tasks == (starting, second)
    # Out of order the first of them finds nothing.
    waiting = second
    assert not store.move_tasks(
        [(to(second, TaskState.PENDING), to(second, TaskState.STARTING)), (waiting, to(second, TaskState.PENDING))]
    )
    assert store.run("r1").tasks == (starting, second)


def test_tasks_of_several_runs_move_together(store: SqlStore) -> None:
    tasks = [started(store, workflow(name), name)[0] for name in ("a", "b", "c")]
    assert store.move_tasks([(one, to(one, TaskState.PENDING)) for one in tasks])
    assert {run.tasks[0].state for run in store.runs(active=True)} == {TaskState.PENDING}


def test_nothing_to_move_is_no_conflict(store: SqlStore) -> None:
    assert store.move_tasks([])


def test_many_tasks_move_in_one_call(store: SqlStore) -> None:
    many = workflow(tasks=tuple(Task(name=f"t{number}", block="work", version="1") for number in range(1000)))
    tasks = started(store, many, "r1")
    assert store.move_tasks([(one, to(one, TaskState.PENDING)) for one in tasks])
    assert {one.state for one in store.run("r1").tasks} == {TaskState.PENDING}


# attempts and items


def test_next_attempt_enters_as_the_last_one_ends(store: SqlStore) -> None:
    first, second = started(store, workflow(), "r1")
    steps = [first, *(to(first, state) for state in (TaskState.PENDING, TaskState.STARTING))]
    assert store.move_tasks(list(itertools.pairwise(steps)))
    failed = to(first, TaskState.FAILED, ended_at=NOW, cause=Cause.EXIT_CODE, reason="exit code 3", exit_code=3)
    again = to(first, TaskState.PENDING, attempt=2, not_before=NOW + timedelta(seconds=10))
    assert store.move_tasks([(steps[-1], failed)], new=[again])
    assert store.run("r1").tasks == (failed, again, second)
    # By whoever else believed so, too: it is there already.
    assert not store.move_tasks([(failed, failed)], new=[again])
    assert not store.move_tasks([], new=[again])
    assert store.move_tasks([(again, to(again, TaskState.STARTING))])


def test_items_follow_their_group_in_order(store: SqlStore) -> None:
    each = Task(name="each", block="work", version="1", foreach=[1, 2, 3])
    group, last = started(store, workflow(tasks=(each, Task(name="last", block="work", version="1"))), "r1")
    assert group.is_group
    items = [to(group, TaskState.PENDING, item=number) for number in range(12)]
    running = to(group, TaskState.RUNNING, started_at=NOW)
    assert store.move_tasks([(group, running)], new=items)
    assert store.run("r1").tasks == (running, *items, last)
    starting, failed = to(items[3], TaskState.STARTING), to(items[3], TaskState.FAILED)
    again = dataclasses.replace(items[3], attempt=2)
    assert store.move_tasks([(items[3], starting), (starting, failed)], new=[again])
    assert store.run("r1").tasks == (running, *items[:3], failed, again, *items[4:], last)
    assert not store.move_tasks([(group, running)])


def test_new_task_run_needs_a_task(store: SqlStore) -> None:
    first, _ = started(store, workflow(), "r1")
    stranger = dataclasses.replace(first, task=Task(name="stranger", block="work"))
    with pytest.raises(ValueError, match="r1 has no task stranger"):
        store.move_tasks([], new=[stranger])


def test_one_of_many_adds_the_next_attempt(store: SqlStore, again: Again) -> None:
    first, _ = started(store, workflow(), "r1")
    second = dataclasses.replace(first, attempt=2)
    acts = [lambda one=one: one.move_tasks([(first, first)], new=[second]) for one in [again() for _ in range(4)]]
    assert sorted(at_once(*acts)) == [False, False, False, True]


# cancelling one task


def test_cancel_of_a_task_marks_what_has_not_ended(store: SqlStore) -> None:
    each = Task(name="each", block="work", version="1", foreach=[1, 2])
    group, last = started(store, workflow(tasks=(each, Task(name="last", block="work", version="1"))), "r1")
    items = [to(group, TaskState.PENDING, item=number) for number in range(2)]
    ended = to(items[0], TaskState.CANCELLED)
    assert store.move_tasks([(group, to(group, TaskState.RUNNING)), (items[0], ended)], new=items) is False
    assert store.move_tasks([(group, to(group, TaskState.RUNNING))], new=items)
    assert store.move_tasks([(items[0], ended)])
    before = store.active_versions()["r1"]
    assert store.request_cancel("r1", "each")
    assert store.active_versions()["r1"] > before
    marked = lambda one: dataclasses.replace(one, cancel_requested=True)  # noqa: E731
    run = store.run("r1")
    assert run.tasks == (marked(to(group, TaskState.RUNNING)), ended, marked(items[1]), last)
    assert not run.cancel_requested


def test_request_to_cancel_is_never_taken_back(store: SqlStore) -> None:
    first, _ = started(store, workflow(), "r1")
    assert store.request_cancel("r1", "zeta")
    # Whoever moves it has not heard yet.
    pending = to(first, TaskState.PENDING)
    assert store.move_tasks([(first, pending)])
    assert store.run("r1").tasks[0] == dataclasses.replace(pending, cancel_requested=True)
    # Whoever writes that it was asked is believed.
    other = store.run("r1").tasks[1]
    asked = dataclasses.replace(other, cancel_requested=True)
    assert store.move_tasks([(other, asked)])
    assert store.run("r1").tasks[1] == asked


def test_next_attempt_of_a_task_asked_to_cancel_is_asked_too(store: SqlStore) -> None:
    first, _ = started(store, workflow(), "r1")
    assert store.request_cancel("r1", "zeta")
    again = to(first, TaskState.PENDING, attempt=2)
    steps = [first, *(to(first, state) for state in (TaskState.PENDING, TaskState.STARTING, TaskState.LOST))]
    assert store.move_tasks(list(itertools.pairwise(steps)), new=[again])
    assert store.run("r1").tasks[1] == dataclasses.replace(again, cancel_requested=True)


def test_request_to_cancel_slips_by_no_attempt(store: SqlStore, again: Again) -> None:
    """Whichever is first, the newest attempt is asked to cancel."""
    other = again()
    for number in range(8):
        first, _ = started(store, workflow(f"w{number}"), f"r{number}")
        pending, starting = to(first, TaskState.PENDING), to(first, TaskState.STARTING)
        assert store.move_tasks([(first, pending), (pending, starting)])
        moves = [(starting, to(first, TaskState.FAILED))]
        new = [to(first, TaskState.PENDING, attempt=2)]
        found = at_once(
            lambda moves=moves, new=new: store.move_tasks(moves, new=new),
            lambda number=number: other.request_cancel(f"r{number}", "zeta"),
        )
        assert found == [True, True]
        assert store.run(f"r{number}").tasks[1].cancel_requested


def test_cancel_of_an_ended_task_says_so(store: SqlStore) -> None:
    first, _ = started(store, workflow(), "r1")
    assert store.move_tasks([(first, to(first, TaskState.CANCELLED))])
    versions, changes = store.active_versions(), store.changes()
    assert not store.request_cancel("r1", "zeta")
    assert (store.active_versions(), store.changes()) == (versions, changes)
    assert store.request_cancel("r1", "alpha")
    end(store, "r1")
    assert not store.request_cancel("r1", "alpha")


def test_cancel_of_what_is_not_there_is_not_found(store: SqlStore) -> None:
    started(store, workflow(), "r1")
    with pytest.raises(NotFound, match="Run r1 has no task none"):
        store.request_cancel("r1", "none")
    with pytest.raises(NotFound, match="no run none"):
        store.request_cancel("none", "zeta")
    end(store, "r1")
    with pytest.raises(NotFound, match="Run r1 has no task none"):
        store.request_cancel("r1", "none")


def test_versions_are_those_of_active_runs(store: SqlStore, again: Again) -> None:
    other = again()
    for name in ("a", "b", "c"):
        started(store, workflow(name), name)
    end(store, "c")
    first = other.active_versions()
    assert set(first) == {"a", "b"}
    task = store.run("a").tasks[0]
    assert store.move_tasks([(task, to(task, TaskState.PENDING))])
    assert store.move_run("a", RunState.PENDING, RunState.RUNNING, at=NOW)
    assert other.active_versions() == first
    assert store.request_cancel("b")
    second = other.active_versions()
    assert (second["a"], second["b"] > first["b"]) == (first["a"], True)
    assert store.request_cancel("a", "alpha")
    assert other.active_versions()["a"] > first["a"]


# found again


def test_newest_result_of_a_fingerprint_is_found(store: SqlStore) -> None:
    found = []
    for number in range(3):
        task, _ = started(store, workflow(f"w{number}"), f"r{number}")
        ended_at = NOW + (number % 2) * HOUR
        found.append(succeed(store, task, ended_at=ended_at, fingerprint=FINGERPRINT, outputs={"n": number}))
    assert store.find_result("default", FINGERPRINT) == found[1]
    assert store.find_result("default", "0" * 64) is None
    assert store.find_result("other", FINGERPRINT) is None


def test_result_of_a_task_that_failed_is_not_found(store: SqlStore) -> None:
    task, _ = started(store, workflow(), "r1")
    steps = [task, *(to(task, state) for state in (TaskState.PENDING, TaskState.STARTING))]
    failed = to(task, TaskState.FAILED, fingerprint=FINGERPRINT, ended_at=NOW)
    assert store.move_tasks([*itertools.pairwise(steps), (steps[-1], failed)])
    assert store.find_result("default", FINGERPRINT) is None


def test_usage_is_of_what_was_executed_and_what_was_taken_is_known(store: SqlStore) -> None:
    executed = []
    for number in range(3):
        task, _ = started(store, workflow(f"w{number}"), f"r{number}")
        executed.append(succeed(store, task, ended_at=NOW + number * HOUR, peak_memory_bytes=number, cpu_s=0.5))
    reusing, unended = started(store, workflow("reusing"), "reusing")
    pending = to(reusing, TaskState.PENDING)
    reused = to(pending, TaskState.SUCCEEDED, reused_from=executed[0].job_name, ended_at=NOW + 9 * HOUR)
    assert store.move_tasks([(reusing, pending), (pending, reused), (unended, to(unended, TaskState.SKIPPED))])
    each = Task(name="each", block="work", version="1", foreach=[1])
    (group,) = started(store, workflow("each", tasks=(each,)), "each")
    assert store.move_tasks([(group, to(group, TaskState.SUCCEEDED, ended_at=NOW + 9 * HOUR))])
    assert store.usage("work", "1") == executed[::-1]
    assert store.usage("work", "1", limit=1) == executed[2:]
    assert store.usage("work", "2") == []
    assert store.taken_results() == [("reusing", executed[0].job_name)]
    end(store, "reusing")
    assert store.delete_runs(["reusing"]) == 1
    assert store.taken_results() == []


# counted


def test_tasks_of_active_runs_are_counted_without_groups(store: SqlStore) -> None:
    assert store.count_tasks() == {}
    each = Task(name="each", block="work", version="1", foreach=[1, 2])
    group, _ = started(store, workflow(tasks=(each, Task(name="last", block="work", version="1"))), "r1")
    items = [to(group, TaskState.PENDING, item=number) for number in range(2)]
    assert store.move_tasks([(group, to(group, TaskState.RUNNING))], new=items)
    started(store, workflow("b", "other"), "r2")
    started(store, workflow("ended"), "r3")
    end(store, "r3")
    assert store.count_tasks() == {
        ("default", TaskState.PENDING): 2,
        ("default", TaskState.WAITING): 1,
        ("other", TaskState.WAITING): 2,
    }
