"""Which runs may be forgotten, and that they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_records import HOUR, NOW, run_of, workflow

from lentiq_jupyter.errors import NotFound
from lentiq_jupyter.model import RunState
from lentiq_jupyter.store import SqlStore


def ended(store: SqlStore, run_id: str, hours: float, of: str = "nightly") -> None:
    """A run that ended so many hours after NOW."""
    when = NOW + hours * HOUR
    run = run_of(workflow(of), run_id, when - HOUR)
    assert store.create_run(run)
    assert store.move_run(run_id, RunState.PENDING, RunState.FAILED, at=when)


def ids(store: SqlStore, **limits: object) -> list[str]:
    return [run.id for run in store.ended_runs(**limits)]


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    """Four runs of a workflow (one skipped) and an active one, one of another, two of a block."""
    for name in ("nightly", "other"):
        store.save_workflow(workflow(name), None, NOW)
    for number in (2, 0, 1):
        ended(store, f"n{number}", number)
    skipped = run_of(workflow(), "n3", NOW + 3 * HOUR, state=RunState.SKIPPED, tasks=(), ended_at=NOW + 3 * HOUR)
    assert store.create_run(skipped)
    assert store.create_run(run_of(workflow(), "active", NOW - 99 * HOUR))
    ended(store, "o0", 0.5, "other")
    ended(store, "b0", 0.25, "block-0")
    ended(store, "b1", 1.25, "block-1")
    return store


def test_ended_runs_come_oldest_first_with_their_tasks(filled: SqlStore) -> None:
    found = filled.ended_runs()
    assert [run.id for run in found] == ["n0", "b0", "o0", "n1", "b1", "n2", "n3"]
    assert found == [filled.run(run.id) for run in found]
    assert ids(filled, limit=2) == ["n0", "b0"]


def test_those_after_the_time_stay(filled: SqlStore) -> None:
    assert ids(filled, before=NOW + HOUR) == ["n0", "b0", "o0"]
    assert ids(filled, before=NOW) == []


def test_newest_of_each_workflow_stay_however_old(filled: SqlStore) -> None:
    late = NOW + timedelta(days=100)
    assert ids(filled, before=late, keep=2) == ["n0", "b0", "n1", "b1"]
    assert ids(filled, before=NOW + 0.3 * HOUR, keep=2) == ["n0", "b0"]
    assert ids(filled, before=late, keep=0) == ids(filled)
    # What belongs to no saved workflow goes by its age alone.
    assert ids(filled, keep=3) == ["n0"]
    filled.delete_workflow("default", "nightly")
    assert ids(filled, keep=3) == []
    assert ids(filled, before=late, keep=9) == ["n0", "b0", "n1", "b1", "n2", "n3"]


def test_deleted_runs_are_gone_with_their_tasks(filled: SqlStore) -> None:
    assert filled.delete_runs(["n0", "n3", "active", "none", "n0"]) == 2
    assert filled.delete_runs([]) == 0
    assert ids(filled) == ["b0", "o0", "n1", "b1", "n2"]
    assert filled.run("active").state is RunState.PENDING
    for run_id in ("n0", "n3"):
        with pytest.raises(NotFound):
            filled.run(run_id)
    # An id may be used again: no task run of it was left behind.
    assert filled.create_run(run_of(workflow("again"), "n0"))
    assert len(filled.run("n0").tasks) == 2


def test_more_runs_are_deleted_than_one_statement_takes(store: SqlStore) -> None:
    for number in range(3):
        ended(store, f"r{number}", number)
    assert store.delete_runs([*(f"none{number}" for number in range(40_000)), "r0", "r1"]) == 2
    assert ids(store) == ["r2"]
