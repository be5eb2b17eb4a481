"""Exhaustive, not lucky: a scheduler killed, or frozen, before and after every single thing it does.

Each story is told once undisturbed. Then it is told once for every write and every deed of its scheduler: killed
just before it, killed just after it, frozen just before it while another takes over and only then going on. It
must end the same way each time, with every job started once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from exploring import LONG, START, TICK, Killed, World
from scheduling import task, workflow

from lentiq_jupyter.model import RequestedStart, Schedule, When, Workflow

TICKS = 14
Events = dict[int, Callable[[World], None]]


def chain() -> tuple[list[Workflow], Events]:
    """A task that fails once, one that takes its output, a handler that is not needed."""
    one = replace(task("one", fail="once", give=1), retries=1, retry_delay_s=1)
    two = task("two", give="${{ tasks.one.outputs.value }}")
    return [workflow(one, two, replace(task("alarm", "two"), when=When.ON_FAILURE))], {}


def fan() -> tuple[list[Workflow], Events]:
    """A task for each of two items, one of which fails once, and what gathers them."""
    each = replace(task("each", fail="${{ item }}", give="${{ item }}"), foreach=["", "once"], retries=1)
    return [workflow(replace(each, retry_delay_s=0), task("join", give="${{ tasks.each.outputs.value }}"))], {}


def cancelled() -> tuple[list[Workflow], Events]:
    """Somebody cancels a task of one run, and the whole of another, while they run."""
    first = workflow(task("one"), task("two", "one"), task("three", "two"), name="first")
    second = workflow(task("one"), task("two", "one"), name="second")

    def cancel(world: World) -> None:
        runs = {run.workflow.name: run.id for run in world.store.runs()}
        world.store.request_cancel(runs["first"], "two")
        world.store.request_cancel(runs["second"])

    return [first, second], {1: cancel}


def scheduled() -> tuple[list[Workflow], Events]:
    """A workflow that is due twice, with a start that somebody asked for in between."""
    due = workflow(task("one"), schedule=Schedule(start=START - timedelta(minutes=1), every="3m"))

    def ask(world: World) -> None:
        day = START - timedelta(days=1)
        asked = RequestedStart(project="default", workflow="nightly", due_at=day, requested_at=world.now)
        world.store.request_starts([asked])

    def pause(world: World) -> None:
        stored = world.store.workflow("default", "nightly")
        world.store.save_workflow(replace(stored, paused=True), None, world.now)

    return [due], {3: ask, 8: pause}


STORIES = {story.__name__: story for story in (chain, fan, cancelled, scheduled)}


def undisturbed(folder: Path, name: str) -> tuple[list[object], int]:
    """How the story ends, and how many points it has."""
    workflows, events = STORIES[name]()
    world = World(folder, workflows)
    world.play(world.scheduler("first", watched=True), TICKS, events)
    assert world.faults() == []
    told, points = world.told(), world.done
    world.close()
    return told, points


def killed(folder: Path, name: str, point: int, *, after: bool) -> World:
    """The story with its scheduler killed at that point, and another one from then on."""
    workflows, events = STORIES[name]()
    world = World(folder, workflows)

    def happens(number: int, what: str) -> Callable[[], None]:
        if number != point:
            return lambda: None
        if not after:
            raise Killed

        def die() -> None:
            raise Killed

        return die

    world.happens = happens
    first = world.scheduler("first", watched=True)
    second = world.scheduler("second", watched=False)
    ticks = iter(range(TICKS))
    number = 0
    try:
        for number in ticks:
            events.get(number, lambda world: None)(world)
            first.tick()
            world.jobs.step()
            world.now += TICK
    except Killed:
        # Its lease runs out; jobs go on meanwhile, and somebody may cancel them.
        if name == "cancelled":
            events.get(number + 1, lambda world: None)(world)
        world.jobs.step()
        world.now += LONG
        second.tick()
        world.jobs.step()
        world.now += TICK
        for number in ticks:
            events.get(number, lambda world: None)(world)
            second.tick()
            world.jobs.step()
            world.now += TICK
        world.play(second, 4)
    return world


def frozen(folder: Path, name: str, point: int) -> World:
    """The story with its scheduler frozen just before that point, while another one acts, then going on."""
    workflows, events = STORIES[name]()
    world = World(folder, workflows)
    second = world.scheduler("second", watched=False)
    rest = iter(range(TICKS))

    def happens(number: int, what: str) -> Callable[[], None]:
        if number == point:
            world.jobs.step()
            world.now += LONG
            for _ in range(3):
                second.tick()
                world.jobs.step()
                world.now += TICK
        return lambda: None

    world.happens = happens
    first = world.scheduler("first", watched=True)
    for number in rest:
        events.get(number, lambda world: None)(world)
        first.tick()
        second.tick()
        world.jobs.step()
        world.now += TICK
    world.now += LONG
    world.play(second, 6)
    return world


def same(told: list[object], expected: list[object], name: str) -> bool:
    """Whether the story ended as it does undisturbed.

    When a scheduler is away for a while a schedule has fewer starts, or one more that was skipped; what ran, ran
    to its end all the same.
    """
    if name == "scheduled":
        return all(one[1] in ("SUCCEEDED", "SKIPPED") for one in told) and len(told) >= 2
    if name == "cancelled":
        # Whether a task was reached before somebody cancelled it depends on who was away when.
        return {one[0] for one in told} == {"first", "second"}
    return told == expected


@pytest.mark.parametrize("name", STORIES)
def test_scheduler_killed_at_any_point_loses_and_doubles_nothing(tmp_path: Path, name: str) -> None:
    expected, points = undisturbed(tmp_path / "undisturbed", name)
    assert points > 20
    for point in range(1, points + 1):
        for after in (False, True):
            world = killed(tmp_path / f"{point}-{after}", name, point, after=after)
            assert world.faults() == [], (point, after)
            assert same(world.told(), expected, name), (point, after, world.told())
            world.close()


@pytest.mark.parametrize("name", STORIES)
def test_scheduler_frozen_at_any_point_harms_nothing_when_it_wakes(tmp_path: Path, name: str) -> None:
    expected, points = undisturbed(tmp_path / "undisturbed", name)
    for point in range(1, points + 1):
        world = frozen(tmp_path / f"{point}", name, point)
        assert world.faults() == [], point
        assert same(world.told(), expected, name), (point, world.told())
        world.close()


def test_two_kills_at_any_two_points_lose_and_double_nothing(tmp_path: Path) -> None:
    """The second scheduler is killed too, at each of its points after each point of the first."""
    one = replace(task("one", fail="once"), retries=1, retry_delay_s=0)
    story = [workflow(one, task("two", "one"))]
    point, told = 0, set()
    more = True
    while more:
        point += 1
        second_point, more_second = 0, True
        while more_second:
            second_point += 1
            world = World(tmp_path / f"{point}-{second_point}", story)
            deaths = iter((point, second_point))
            died = 0
            death = next(deaths)

            def happens(number: int, what: str) -> Callable[[], None]:
                if number == death:  # noqa: B023  used in this turn of the loop only
                    raise Killed
                return lambda: None

            world.happens = happens
            for holder in ("first", "second", "third"):
                world.done = 0
                try:
                    world.play(world.scheduler(holder, watched=True), 8)
                    break
                except Killed:
                    died += 1
                    death = next(deaths, 0)
                    world.jobs.step()
                    world.now += LONG
            assert world.faults() == [], (point, second_point)
            told.add(str(world.told()))
            world.close()
            more, more_second = died > 0, died > 1
    assert len(told) == 1
