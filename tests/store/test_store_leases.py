"""Leases: one holder at a time, numbers that only grow, and writes of a former holder refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest
from store_records import NOW, Again, at_once, run_of, workflow

from lentiq_jupyter.errors import LeaseLost
from lentiq_jupyter.model import RunState, TaskState
from lentiq_jupyter.store import SqlStore


def test_lease_is_held_by_one_until_it_runs_out(store: SqlStore) -> None:
    assert store.lease("scheduler") is None
    assert store.take_lease("scheduler", "a", NOW, 60) == 1
    assert store.take_lease("scheduler", "b", NOW + timedelta(seconds=59), 60) is None
    assert store.take_lease("scheduler", "a", NOW + timedelta(seconds=30), 60) == 1
    assert store.lease("scheduler") == ("a", NOW + timedelta(seconds=90))
    assert store.take_lease("scheduler", "b", NOW + timedelta(seconds=90), 60) == 2
    assert store.take_lease("scheduler", "a", NOW + timedelta(seconds=91), 60) is None
    assert store.take_lease("other", "a", NOW, 60) == 1


def test_released_lease_is_free_and_its_number_grows(store: SqlStore) -> None:
    assert store.take_lease("scheduler", "a", NOW, 60) == 1
    store.release_lease("scheduler", "b")
    assert store.lease("scheduler") == ("a", NOW + timedelta(seconds=60))
    store.release_lease("scheduler", "a")
    assert store.lease("scheduler") is None
    assert store.take_lease("scheduler", "a", NOW, 60) == 2


def test_one_of_many_gets_the_lease(store: SqlStore, again: Again) -> None:
    stores = [again() for _ in range(4)]
    for name in ("first", "second", "third"):
        acts = [lambda one=one, n=n, name=name: one.take_lease(name, f"h{n}", NOW, 60) for n, one in enumerate(stores)]
        assert sorted(at_once(*acts), key=str) == [1, None, None, None]


# a holder that stands still


def test_stalled_lease_is_taken_whatever_its_expiry_says(store: SqlStore) -> None:
    assert store.lease_beat("scheduler") == 0
    assert store.take_lease("scheduler", "a", NOW, 3600) == 1
    beat = store.lease_beat("scheduler")
    assert store.take_lease("scheduler", "b", NOW, 60, stalled=beat - 1) is None
    assert store.take_lease("scheduler", "b", NOW, 60, stalled=beat) == 2
    assert store.lease("scheduler") == ("b", NOW + timedelta(seconds=60))
    assert store.take_lease("scheduler", "a", NOW, 60) is None


def test_lease_beats_with_every_renewal(store: SqlStore) -> None:
    beats = []
    for _ in range(3):
        assert store.take_lease("scheduler", "a", NOW, 60) == 1
        beats.append(store.lease_beat("scheduler"))
    assert beats == sorted(set(beats))
    # A clock that was set back is no reason to beat less.
    store.take_lease("scheduler", "a", NOW - timedelta(days=1), 60)
    assert store.lease_beat("scheduler") > beats[-1]
    store.release_lease("scheduler", "a")
    assert store.take_lease("scheduler", "b", NOW, 60) == 2
    assert store.lease_beat("scheduler") > beats[-1] + 1


def test_one_of_many_takes_a_stalled_lease(store: SqlStore, again: Again) -> None:
    assert store.take_lease("scheduler", "frozen", NOW, 3600) == 1
    beat = store.lease_beat("scheduler")
    stores = [again() for _ in range(4)]
    acts = [
        lambda one=one, n=n: one.take_lease("scheduler", f"h{n}", NOW, 60, stalled=beat) for n, one in enumerate(stores)
    ]
    assert sorted(at_once(*acts), key=str) == [2, None, None, None]


# writes of a former holder


def test_writes_of_a_former_holder_are_refused(store: SqlStore) -> None:
    old = store.take_lease("scheduler", "a", NOW, 60)
    assert store.create_run(run_of(workflow(), "r1"), fence=old)
    first = store.run("r1").tasks[0]
    pending = dataclasses.replace(first, state=TaskState.PENDING)
    again = dataclasses.replace(first, attempt=2)
    assert store.take_lease("scheduler", "b", NOW + timedelta(hours=1), 60) == 2
    writes: list[Callable[[], object]] = [
        lambda: store.create_run(run_of(workflow("other"), "r2"), fence=old),
        lambda: store.move_tasks([(first, pending)], new=[again], fence=old),
        lambda: store.move_tasks([], fence=old),
        lambda: store.move_run("r1", RunState.PENDING, RunState.RUNNING, at=NOW, fence=old),
    ]
    for write in writes:
        with pytest.raises(LeaseLost, match="Another scheduler"):
            write()
    assert [run.id for run in store.runs()] == ["r1"]
    assert store.run("r1") == run_of(workflow(), "r1")
    assert store.move_tasks([(first, pending)], fence=2)
    assert store.move_run("r1", RunState.PENDING, RunState.RUNNING, at=NOW, fence=2)


def test_fence_of_a_lease_that_nobody_ever_held_is_refused(store: SqlStore) -> None:
    with pytest.raises(LeaseLost):
        store.create_run(run_of(workflow(), "r1"), fence=1)
    assert store.runs() == []


def test_released_lease_does_not_fence_off_its_last_holder(store: SqlStore) -> None:
    fence = store.take_lease("scheduler", "a", NOW, 60)
    store.release_lease("scheduler", "a")
    assert store.create_run(run_of(workflow(), "r1"), fence=fence)


def test_takeover_waits_for_a_fenced_write_and_the_next_one_is_refused(store: SqlStore, again: Again) -> None:
    """However both interleave, nothing is written under the old number after the new one was given."""
    assert store.take_lease("scheduler", "a", NOW, 0) == 1
    assert store.create_run(run_of(workflow(), "r1"), fence=1)
    first = store.run("r1").tasks[0]
    reasons = [dataclasses.replace(first, reason=f"{number}") for number in range(40)]
    other = again()

    def write() -> list[str]:
        written = []
        for one in reasons:
            try:
                assert store.move_tasks([(first, one)], fence=1)
            except LeaseLost:
                break
            written.append(one.reason)
        return written

    def take() -> str:
        assert other.take_lease("scheduler", "b", NOW, 60) == 2
        return other.run("r1").tasks[0].reason

    written, seen = at_once(write, take)
    assert seen == (written[-1] if written else "")
    assert store.run("r1").tasks[0].reason == seen
