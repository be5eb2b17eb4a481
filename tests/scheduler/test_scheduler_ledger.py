"""What is stored together: changes of many runs, whole or not at all, and none of them twice."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from scheduling import task, workflow

from lentiq_jupyter.errors import LeaseLost
from lentiq_jupyter.model import Run, RunState, TaskState
from lentiq_jupyter.scheduler import new_run
from lentiq_jupyter.scheduler.board import Board, Change, Live, Overtaken
from lentiq_jupyter.scheduler.ledger import Ledger
from lentiq_jupyter.store import SqlStore

NOW = datetime(2026, 5, 4, tzinfo=UTC)
SUCCEEDED, STARTING, RUNNING = TaskState.SUCCEEDED, TaskState.STARTING, TaskState.RUNNING


class House:
    """A store with a run of one task each for some names, and a ledger over it."""

    def __init__(self, store: SqlStore, *names: str) -> None:
        self.store = store
        self.board = Board(store)
        self.told: list[tuple[str, str, str]] = []
        self.fence = lambda: 0
        self.ledger = Ledger(
            store, self.board, fence=lambda: self.fence(), notify=lambda *event: self.told.append(event)
        )
        store.take_lease("scheduler", "me", datetime.now(UTC), 60)
        self.fence = lambda: 1
        for name in names:
            run = new_run(workflow(task("one"), name=name), name, NOW, executor="recording")
            assert store.create_run(run)
            self.board.put(run)

    def live(self, name: str) -> Live:
        found = self.board.get(name)
        assert found is not None
        return found

    def change(self, name: str, state: TaskState) -> Change:
        change = Change(self.live(name))
        one = change.tasks["one"]
        change.move(one, dataclasses.replace(one, state=state))
        return change

    def stored(self, name: str) -> Run:
        return self.store.run(name)

    def behind_its_back(self, name: str) -> None:
        """Somebody else moves the task on."""
        one = self.stored(name).tasks[0]
        assert self.store.move_tasks([(one, dataclasses.replace(one, state=STARTING, reason="other"))])


def test_changes_held_back_are_stored_at_the_end(store: SqlStore) -> None:
    house = House(store, "a", "b")
    done: list[str] = []
    with house.ledger.held_back():
        for name in ("a", "b"):
            house.ledger.put(house.change(name, STARTING), lambda name=name: done.append(name))
        assert house.ledger.holds("a")
        assert [house.stored(name).tasks[0].state for name in "ab"] == [TaskState.PENDING] * 2
        assert (done, house.told) == ([], [])
    assert [house.stored(name).tasks[0].state for name in "ab"] == [STARTING] * 2
    assert [house.live(name).tasks["one"].state for name in "ab"] == [STARTING] * 2
    assert (done, house.told) == (["a", "b"], [("run", "a", "STARTING"), ("run", "b", "STARTING")])
    assert house.ledger.touched == {"a", "b"}
    assert not house.ledger.holds("a")


def test_change_that_was_overtaken_costs_no_other_its_place(store: SqlStore) -> None:
    house = House(store, "a", "b", "c")
    done: list[str] = []
    with house.ledger.held_back():
        for name in ("a", "b", "c"):
            house.ledger.put(house.change(name, STARTING), lambda name=name: done.append(name))
        house.behind_its_back("b")
    assert done == ["a", "c"]
    assert [house.stored(name).tasks[0].reason for name in "abc"] == ["", "other", ""]
    # What somebody else made of it is what is gone on with.
    assert house.live("b").tasks["one"].reason == "other"


def test_flush_lets_another_change_of_the_same_run_follow(store: SqlStore) -> None:
    house = House(store, "a")
    with house.ledger.held_back():
        house.ledger.put(house.change("a", STARTING))
        house.ledger.flush()
        house.ledger.put(house.change("a", RUNNING))
    assert house.stored("a").tasks[0].state is RUNNING


def test_nothing_is_stored_without_the_lease(store: SqlStore) -> None:
    house = House(store, "a")
    house.fence = lambda: 7
    with pytest.raises(LeaseLost), house.ledger.held_back():
        house.ledger.put(house.change("a", STARTING))
    assert house.stored("a").tasks[0].state is TaskState.PENDING


def test_what_is_held_back_when_something_breaks_is_not_stored(store: SqlStore) -> None:
    house = House(store, "a")

    def breaks() -> None:
        with house.ledger.held_back():
            house.ledger.put(house.change("a", STARTING))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks()
    assert house.stored("a").tasks[0].state is TaskState.PENDING
    with house.ledger.held_back():
        pass
    assert house.stored("a").tasks[0].state is TaskState.PENDING


def test_change_that_is_not_held_back_says_that_it_was_overtaken(store: SqlStore) -> None:
    house = House(store, "a")
    change = house.change("a", STARTING)
    house.behind_its_back("a")
    with pytest.raises(Overtaken):
        house.ledger.put(change)
    assert not house.ledger.commit_all([change])
    assert house.live("a").tasks["one"].reason == "other"


def test_runs_are_concluded_together_and_those_overtaken_read_again(store: SqlStore) -> None:
    house = House(store, "a", "b", "c")
    for name, states in (("a", (STARTING, RUNNING, SUCCEEDED)), ("b", (STARTING, RUNNING)), ("c", (STARTING,))):
        for state in states:
            change = house.change(name, state)
            moved = change.tasks["one"]
            change.tasks["one"] = dataclasses.replace(moved, started_at=NOW)
            change.moves = [(change.moves[0][0], change.tasks["one"])]
            house.ledger.commit(change)
    lives = [house.live(name) for name in "abc"]
    assert store.move_run("c", RunState.PENDING, RunState.RUNNING, at=NOW)
    ended, whole = house.ledger.conclude(lives, NOW)
    assert ([live.run.id for live in ended], whole) == (["a"], False)
    assert [house.stored(name).state for name in "abc"] == [RunState.SUCCEEDED, RunState.RUNNING, RunState.RUNNING]
    assert house.stored("a").started_at == NOW
    assert house.live("c").run.state is RunState.RUNNING
    assert house.ledger.conclude([house.live("b"), house.live("c")], NOW) == ([], True)
