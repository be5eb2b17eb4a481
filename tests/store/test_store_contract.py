"""What every store keeps to (`interfaces.Store`), whichever database is behind it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timezone

import pytest
from store_records import HOUR, NOW, QUOTA, Again, at_once, end, run_of, workflow

from lentiq_jupyter.errors import Conflict, NotFound
from lentiq_jupyter.model import (
    Progress,
    Project,
    Resources,
    Run,
    RunState,
    Schedule,
    TaskState,
)
from lentiq_jupyter.store import SqlStore

# projects


def test_projects_are_inserted_and_updated(store: SqlStore) -> None:
    small = Project(name="b", quota=Resources(cpu_millicores=1, memory_bytes=1))
    for project in (small, Project(name="a", quota=QUOTA), Project(name="b", quota=QUOTA)):
        store.save_project(project)
    assert store.projects() == [Project(name="a", quota=QUOTA), Project(name="b", quota=QUOTA)]
    assert store.project("b") == Project(name="b", quota=QUOTA)


def test_missing_things_are_not_found(store: SqlStore) -> None:
    for ask in (
        lambda: store.project("none"),
        lambda: store.workflow("default", "none"),
        lambda: store.delete_workflow("default", "none"),
        lambda: store.run("none"),
        lambda: store.request_cancel("none"),
    ):
        with pytest.raises(NotFound, match="none"):
            ask()


# workflows


def test_workflow_comes_back_as_it_was_with_a_revision(store: SqlStore) -> None:
    schedule = Schedule(start=NOW.astimezone(timezone(3 * HOUR)), timezone="Europe/Bucharest", every="1d")
    given = workflow(schedule=schedule, description="țară 🦜 \x00 end")
    saved = store.save_workflow(given, NOW + HOUR, NOW)
    assert saved == dataclasses.replace(given, revision=1)
    assert store.workflow("default", "nightly") == saved
    assert list(store.workflow("default", "nightly").tasks[0].inputs) == ["z", "a"]
    assert store.workflows() == [(saved, NOW + HOUR)]


def test_revisions_count_saves_and_a_stale_one_conflicts(store: SqlStore) -> None:
    first = store.save_workflow(workflow(), None, NOW)
    second = store.save_workflow(first, None, NOW, author="ben")
    assert second.revision == 2
    with pytest.raises(Conflict, match=r"nightly was changed by ben at 2.* UTC \(revision 2\)"):
        store.save_workflow(first, NOW, NOW)
    assert store.workflows() == [(second, None)]
    assert store.save_workflow(workflow(), None, NOW).revision == 3


def test_revision_of_a_deleted_workflow_conflicts(store: SqlStore) -> None:
    saved = store.save_workflow(workflow(), None, NOW)
    store.delete_workflow("default", "nightly")
    with pytest.raises(Conflict):
        store.save_workflow(saved, None, NOW)


def test_workflows_are_listed_by_name_and_project(store: SqlStore) -> None:
    saved = [store.save_workflow(workflow(name, project), None, NOW) for name, project in (("b", "x"), ("a", "y"))]
    assert [one for one, _ in store.workflows()] == [saved[1], saved[0]]
    assert store.workflows("x") == [(saved[0], None)]


def test_next_start_of_one_workflow(store: SqlStore) -> None:
    store.save_workflow(workflow("a"), NOW, NOW)
    store.save_workflow(workflow("b"), None, NOW)
    assert (store.next_start("default", "a"), store.next_start("default", "b")) == (NOW, None)
    with pytest.raises(NotFound, match="no workflow c"):
        store.next_start("default", "c")


def test_last_runs_are_the_newest_of_each_workflow(store: SqlStore) -> None:
    first, second, bare = (store.save_workflow(workflow(name, "x"), None, NOW) for name in ("a", "b", "c"))
    other = store.save_workflow(workflow("a", "y"), None, NOW)
    for of, run_id, at in ((first, "r9", NOW - HOUR), (first, "r1", NOW), (second, "r2", NOW), (other, "r3", NOW)):
        assert store.create_run(run_of(of, run_id, at))
        if run_id != "r2":
            end(store, run_id)
    found = {("x", "a"): ("r1", RunState.SUCCEEDED), ("x", "b"): ("r2", RunState.PENDING)}
    assert store.last_runs("x") == found
    assert store.last_runs() == {**found, ("y", "a"): ("r3", RunState.SUCCEEDED)}
    assert ("x", bare.name) not in found


def test_due_are_unpaused_workflows_oldest_first(store: SqlStore) -> None:
    for name, start, paused in (
        ("now", NOW, False),
        ("old", NOW - HOUR, False),
        ("later", NOW + HOUR, False),
        ("paused", NOW - HOUR, True),
        ("never", None, False),
    ):
        store.save_workflow(workflow(name, paused=paused), start, NOW)
    assert [(one.name, start) for one, start in store.due(NOW)] == [("old", NOW - HOUR), ("now", NOW)]
    assert [one.name for one, _ in store.due(NOW, limit=1)] == ["old"]


def test_runs_stay_when_their_workflow_is_deleted(store: SqlStore) -> None:
    run = run_of(store.save_workflow(workflow(), None, NOW), "r1")
    assert store.create_run(run)
    store.delete_workflow("default", "nightly")
    assert store.workflows() == []
    assert store.run("r1") == run


# runs


def test_run_comes_back_as_it_was_tasks_in_order(store: SqlStore) -> None:
    run = run_of(workflow(), "r1", due_at=NOW - HOUR, author="ana", executor="docker")
    assert store.create_run(run)
    assert store.run("r1") == run
    assert [one.task.name for one in store.run("r1").tasks] == ["zeta", "alpha"]


def test_two_runs_of_one_id_conflict(store: SqlStore) -> None:
    assert store.create_run(run_of(workflow(), "r1"))
    with pytest.raises(Conflict, match="r1"):
        store.create_run(run_of(workflow("other"), "r1"))


def test_second_active_run_of_a_workflow_is_refused(store: SqlStore) -> None:
    assert store.create_run(run_of(workflow(), "r1"))
    assert store.has_active_run("default", "nightly")
    assert not store.create_run(run_of(workflow(), "r2"))
    assert store.create_run(run_of(workflow(project="other"), "r3"))
    skipped = run_of(workflow(), "r4", state=RunState.SKIPPED, tasks=(), reason="r1 runs", ended_at=NOW)
    assert store.create_run(skipped)
    assert store.run("r4") == skipped
    end(store, "r1")
    assert not store.has_active_run("default", "nightly")
    assert store.create_run(run_of(workflow(), "r5"))
    assert {run.id for run in store.runs()} == {"r1", "r3", "r4", "r5"}


def test_due_start_is_taken_once(store: SqlStore) -> None:
    saved = store.save_workflow(workflow(), NOW, NOW)
    assert store.create_run(run_of(saved, "r1"), expected_start=NOW, next_start=NOW + HOUR)
    end(store, "r1")
    assert not store.create_run(run_of(saved, "r2"), expected_start=NOW, next_start=NOW + 2 * HOUR)
    assert store.workflows() == [(saved, NOW + HOUR)]
    assert [run.id for run in store.runs()] == ["r1"]


def test_refused_run_leaves_the_next_start(store: SqlStore) -> None:
    saved = store.save_workflow(workflow(), NOW, NOW)
    assert store.create_run(run_of(saved, "by-hand"))
    assert store.workflows() == [(saved, NOW)]
    assert not store.create_run(run_of(saved, "due"), expected_start=NOW, next_start=NOW + HOUR)
    assert store.workflows() == [(saved, NOW)]


def test_last_start_leaves_none(store: SqlStore) -> None:
    saved = store.save_workflow(workflow(), NOW, NOW)
    assert store.create_run(run_of(saved, "r1"), expected_start=NOW)
    assert store.workflows() == [(saved, None)]
    assert store.due(NOW + HOUR) == []


def test_start_of_a_deleted_workflow_is_nobodys(store: SqlStore) -> None:
    saved = store.save_workflow(workflow(), NOW, NOW)
    store.delete_workflow("default", "nightly")
    assert not store.create_run(run_of(saved, "r1"), expected_start=NOW)
    assert store.runs() == []


def due(store: SqlStore, *names: str) -> list[tuple[Run, datetime, datetime | None]]:
    """Runs of saved workflows of these names that are due now, as `create_runs` takes them."""
    return [(run_of(store.save_workflow(workflow(name), NOW, NOW), f"r-{name}"), NOW, NOW + HOUR) for name in names]


def test_runs_that_are_due_are_created_together(store: SqlStore) -> None:
    starts = due(store, "a", "b")
    assert store.create_runs(starts)
    assert store.runs() == [starts[1][0], starts[0][0]]
    assert [start for _, start in store.workflows()] == [NOW + HOUR] * 2
    assert store.create_runs([])


def test_none_of_many_runs_is_created_if_one_cannot_be(store: SqlStore) -> None:
    starts = due(store, "a", "b", "c")
    # Somebody was faster with one of them: by hand, or with its start.
    assert store.create_run(run_of(workflow("b"), "by-hand"))
    assert not store.create_runs(starts)
    assert [run.id for run in store.runs()] == ["by-hand"]
    end(store, "by-hand")
    late = (starts[0][0], NOW - HOUR, NOW)
    assert not store.create_runs([starts[1], late, starts[2]])
    assert [run.id for run in store.runs()] == ["by-hand"]
    assert [start for _, start in store.workflows()] == [NOW] * 3


def test_states_of_runs_are_moved_together_or_not_at_all(store: SqlStore) -> None:
    for name in ("a", "b"):
        assert store.create_run(run_of(workflow(name), name))
    pending, running, succeeded = RunState.PENDING, RunState.RUNNING, RunState.SUCCEEDED
    assert store.move_runs(
        [("a", pending, running, ""), ("a", running, succeeded, ""), ("b", pending, running, "")], at=NOW
    )
    found = store.run("a")
    assert (found.state, found.started_at, found.ended_at) == (succeeded, NOW, NOW)
    assert not store.move_runs([("b", running, succeeded, ""), ("a", running, RunState.FAILED, "x")], at=NOW + HOUR)
    assert [(store.run(name).state, store.run(name).ended_at) for name in ("a", "b")] == [
        (succeeded, NOW),
        (running, None),
    ]
    with pytest.raises(ValueError, match="nothing follows SUCCEEDED"):
        store.move_runs([("a", succeeded, running, "")], at=NOW)
    assert store.move_runs([], at=NOW)


def test_runs_are_listed_newest_first_and_filtered(store: SqlStore) -> None:
    for number, (name, project) in enumerate((("a", "x"), ("b", "x"), ("a", "y"))):
        assert store.create_run(run_of(workflow(name, project), f"r{number}", NOW + number * HOUR))
    end(store, "r1")
    ids = lambda **filters: [run.id for run in store.runs(**filters)]  # noqa: E731
    assert ids() == ["r2", "r1", "r0"]
    assert ids(limit=2) == ["r2", "r1"]
    assert ids(project="x") == ["r1", "r0"]
    assert ids(workflow="a", project="x") == ["r0"]
    assert ids(active=True, limit=1) == ["r2", "r0"]
    assert all(len(run.tasks) == 2 for run in store.runs())


def test_task_moves_by_compare_and_set(store: SqlStore) -> None:
    assert store.create_run(run_of(workflow(), "r1"))
    waiting = store.run("r1").tasks[0]
    pending = dataclasses.replace(waiting, state=TaskState.PENDING, reason="needs 1 CPU", ready_at=NOW)
    assert store.move_tasks([(waiting, pending)])
    assert not store.move_tasks([(waiting, pending)])
    starting = dataclasses.replace(pending, state=TaskState.STARTING, inputs={"x": 1}, reason="")
    assert store.move_tasks([(pending, starting)])
    running = dataclasses.replace(starting, state=TaskState.RUNNING, started_at=NOW)
    assert store.move_tasks([(starting, running)])
    further = dataclasses.replace(running, progress=Progress(done=1, total=2, cell=4), peak_memory_bytes=5)
    assert store.move_tasks([(running, further)])
    done = dataclasses.replace(
        further, state=TaskState.SUCCEEDED, outputs={"v": "\x00\ud800"}, ended_at=NOW, exit_code=0
    )
    assert store.move_tasks([(further, done)])
    assert store.run("r1").tasks == (done, dataclasses.replace(waiting, task=workflow().tasks[1]))


def test_move_that_is_not_allowed_is_an_error(store: SqlStore) -> None:
    assert store.create_run(run_of(workflow(), "r1"))
    first, second = store.run("r1").tasks
    with pytest.raises(ValueError, match="STARTING cannot follow WAITING"):
        store.move_tasks([(first, dataclasses.replace(first, state=TaskState.STARTING))])
    with pytest.raises(ValueError, match="cannot become"):
        store.move_tasks([(first, second)])


def test_run_moves_by_compare_and_set(store: SqlStore) -> None:
    assert store.create_run(run_of(workflow(), "r1"))
    assert store.move_run("r1", RunState.PENDING, RunState.RUNNING, at=NOW)
    assert not store.move_run("r1", RunState.PENDING, RunState.CANCELLED, at=NOW)
    assert store.move_run("r1", RunState.RUNNING, RunState.FAILED, at=NOW + HOUR, reason="zeta: no")
    run = store.run("r1")
    assert (run.state, run.started_at, run.ended_at, run.reason) == (RunState.FAILED, NOW, NOW + HOUR, "zeta: no")
    with pytest.raises(ValueError, match="nothing follows"):
        store.move_run("r1", RunState.FAILED, RunState.RUNNING, at=NOW)


def test_reason_may_quote_what_no_database_takes(store: SqlStore) -> None:
    assert store.create_run(run_of(workflow(), "r1", reason="a\x00b"))
    assert store.run("r1").reason == "a\ufffdb"
    assert store.move_run("r1", RunState.PENDING, RunState.FAILED, at=NOW, reason="ș\x00\ud800")
    assert store.run("r1").reason == "ș\ufffd?"


def test_cancel_is_requested_of_active_runs(store: SqlStore) -> None:
    assert store.create_run(run_of(workflow(), "r1"))
    assert store.request_cancel("r1")
    assert store.run("r1").cancel_requested
    end(store, "r1")
    assert not store.request_cancel("r1")


def test_changes_grow_with_what_a_scheduler_should_hear_of(store: SqlStore, again: Again) -> None:
    other = again()

    def heard(act: Callable[[], object]) -> bool:
        before = other.changes()
        act()
        return other.changes() > before

    saved = store.save_workflow(workflow(), NOW, NOW)
    assert heard(lambda: store.save_project(Project(name="default", quota=QUOTA)))
    assert heard(lambda: store.save_workflow(saved, NOW, NOW))
    assert heard(lambda: store.create_run(run_of(saved, "r1")))
    assert heard(lambda: store.request_cancel("r1"))
    assert heard(lambda: store.delete_workflow("default", "nightly"))
    first = store.run("r1").tasks[0]
    assert not heard(lambda: store.move_tasks([(first, dataclasses.replace(first, state=TaskState.PENDING))]))
    assert not heard(lambda: end(store, "r1"))
    assert not heard(lambda: store.take_lease("x", "a", NOW, 5))


# many at once


def test_one_of_many_starts_the_run(store: SqlStore, again: Again) -> None:
    saved = store.save_workflow(workflow(), NOW, NOW)
    stores = [again() for _ in range(4)]
    acts = [
        lambda one=one, n=n: one.create_run(run_of(saved, f"r{n}"), expected_start=NOW, next_start=NOW + HOUR)
        for n, one in enumerate(stores)
    ]
    assert sorted(at_once(*acts)) == [False, False, False, True]
    assert len(store.runs()) == 1
    by_hand = [lambda one=one, n=n: one.create_run(run_of(workflow("b"), f"b{n}")) for n, one in enumerate(stores)]
    assert sorted(at_once(*by_hand)) == [False, False, False, True]


def test_one_of_many_saves_a_revision(store: SqlStore, again: Again) -> None:
    saved = store.save_workflow(workflow(), None, NOW)
    acts = [lambda one=one: one.save_workflow(saved, None, NOW) for one in [again() for _ in range(4)]]
    found = at_once(*acts)
    assert sorted(type(one).__name__ for one in found) == ["Conflict", "Conflict", "Conflict", "Workflow"]


def test_one_of_many_moves_the_task(store: SqlStore, again: Again) -> None:
    assert store.create_run(run_of(workflow(), "r1"))
    first = store.run("r1").tasks[0]
    pending = dataclasses.replace(first, state=TaskState.PENDING)
    acts = [lambda one=one: one.move_tasks([(first, pending)]) for one in [again() for _ in range(4)]]
    assert sorted(at_once(*acts)) == [False, False, False, True]


def test_first_saves_of_one_project_at_once_all_work(store: SqlStore, again: Again) -> None:
    project = Project(name="default", quota=QUOTA)
    acts = [lambda one=one: one.save_project(project) for one in [again() for _ in range(4)]]
    assert at_once(*acts) == [None] * 4
    assert store.projects() == [project]
