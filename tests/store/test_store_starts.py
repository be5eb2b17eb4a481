"""Requested starts: kept once, answered once, in their turn."""

from __future__ import annotations

import dataclasses

import pytest
from store_records import HOUR, NOW, Again, at_once, end, run_of, workflow

from lentiq_jupyter.errors import NotFound
from lentiq_jupyter.model import RequestedStart
from lentiq_jupyter.store import SqlStore


def start(number: int, of: str = "nightly", project: str = "default") -> RequestedStart:
    return RequestedStart(
        project=project, workflow=of, due_at=NOW + number * HOUR, requested_at=NOW, author="ana\x00\ud800"
    )


def test_starts_are_kept_once_and_come_back_by_time(store: SqlStore) -> None:
    for name, project in (("nightly", "default"), ("other", "default"), ("nightly", "b")):
        store.save_workflow(workflow(name, project), None, NOW)
    assert store.request_starts([]) == 0
    assert store.request_starts([start(3), start(1), start(2, "other"), start(1)]) == 3
    assert store.request_starts([start(1), start(0), start(4, project="b")]) == 2
    assert store.requested_starts() == [start(0), start(1), start(2, "other"), start(3), start(4, project="b")]
    assert store.requested_starts(project="default", workflow="nightly") == [start(0), start(1), start(3)]
    assert store.requested_starts(project="b") == [start(4, project="b")]


def test_start_of_a_missing_workflow_is_not_found_and_none_is_kept(store: SqlStore) -> None:
    store.save_workflow(workflow(), None, NOW)
    with pytest.raises(NotFound, match="no workflow zzz"):
        store.request_starts([start(1), start(1, "zzz")])
    assert store.requested_starts() == []


def test_starts_are_withdrawn_by_workflow_and_go_with_it(store: SqlStore) -> None:
    for name in ("nightly", "other"):
        store.save_workflow(workflow(name), None, NOW)
    store.request_starts([start(1), start(2), start(1, "other")])
    assert store.withdraw_starts("default", "nightly") == 2
    assert store.withdraw_starts("default", "nightly") == 0
    assert store.requested_starts() == [start(1, "other")]
    store.delete_workflow("default", "other")
    assert store.requested_starts() == []
    store.save_workflow(workflow("other"), None, NOW)
    assert store.requested_starts() == []


def test_saving_a_workflow_keeps_its_starts(store: SqlStore) -> None:
    saved = store.save_workflow(workflow(), None, NOW)
    store.request_starts([start(1)])
    store.save_workflow(saved, NOW, NOW)
    assert store.requested_starts() == [start(1)]


def test_startable_is_the_earliest_of_each_free_workflow(store: SqlStore) -> None:
    for name in ("free", "busy", "paused", "ended"):
        store.save_workflow(workflow(name, paused=name == "paused"), None, NOW)
        store.request_starts([start(number, name) for number in (2, 1, 3)])
    for name in ("busy", "ended"):
        assert store.create_run(run_of(workflow(name), name))
    end(store, "ended")
    store.request_starts([start(0, "free")])
    assert store.requested_starts(startable=True) == [start(0, "free"), start(1, "ended")]
    assert store.requested_starts(startable=True, workflow="ended") == [start(1, "ended")]
    end(store, "busy")
    assert start(1, "busy") in store.requested_starts(startable=True)


def test_run_takes_the_start_it_answers_off_the_list(store: SqlStore) -> None:
    saved = store.save_workflow(workflow(), NOW, NOW)
    store.request_starts([start(1), start(2)])
    assert store.create_run(run_of(saved, "r1", due_at=start(1).due_at), answers=start(1))
    assert store.requested_starts() == [start(2)]
    assert store.workflows() == [(saved, NOW)]
    # Held back by the run before it: the start stays.
    assert not store.create_run(run_of(saved, "r2"), answers=start(2))
    assert store.requested_starts() == [start(2)]
    end(store, "r1")
    assert not store.create_run(run_of(saved, "r3"), answers=start(1))
    assert store.create_run(run_of(saved, "r4"), answers=dataclasses.replace(start(2), author="someone else"))
    assert (store.requested_starts(), {run.id for run in store.runs()}) == ([], {"r1", "r4"})


def test_withdrawn_start_is_answered_by_nobody(store: SqlStore) -> None:
    saved = store.save_workflow(workflow(), None, NOW)
    store.request_starts([start(1)])
    store.withdraw_starts("default", "nightly")
    assert not store.create_run(run_of(saved, "r1"), answers=start(1))
    assert store.runs() == []


def test_scheduler_hears_of_requested_starts(store: SqlStore) -> None:
    store.save_workflow(workflow(), None, NOW)
    before = store.changes()
    store.request_starts([start(1)])
    assert store.changes() > before


def test_one_of_many_answers_a_start_and_one_adds_it(store: SqlStore, again: Again) -> None:
    saved = store.save_workflow(workflow(), None, NOW)
    stores = [again() for _ in range(4)]
    assert sorted(at_once(*(lambda one=one: one.request_starts([start(1)]) for one in stores))) == [0, 0, 0, 1]
    acts = [
        lambda one=one, n=n: one.create_run(run_of(saved, f"r{n}"), answers=start(1)) for n, one in enumerate(stores)
    ]
    assert sorted(at_once(*acts)) == [False, False, False, True]
    assert store.requested_starts() == []
