"""Who asks first, and what comes of it when whole days are played."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lentiq_jupyter.model import Resources
from lentiq_jupyter.scheduler import Claim, Verdict, admit
from lentiq_jupyter.scheduler.queueing import Queued, in_order, last_turns

GIB = 2**30
BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
QUOTA = Resources(cpu_millicores=4000, memory_bytes=8 * GIB)


def at(minute: float) -> datetime:
    return BEGIN + timedelta(minutes=minute)


def asks(workflow: str, ready: float, place: int = 0, priority: int = 0, never: bool = False) -> Queued:
    return Queued(workflow=workflow, ready_at=at(ready), priority=priority, place=(place,), never=never)


@pytest.mark.parametrize(
    ("queue", "turns", "expected"),
    [
        # One workflow: as they became ready, those of one moment by their place.
        ([asks("a", 3), asks("a", 1, 1), asks("a", 1, 0)], {}, [2, 1, 0]),
        # Higher priority first, whenever it came.
        ([asks("a", 1), asks("b", 9, priority=5), asks("c", 0, priority=-1)], {}, [1, 0, 2]),
        # First tasks before second ones, those of the workflow that waits longest first.
        ([asks("a", 1, 0), asks("a", 1, 1), asks("b", 2, 0), asks("b", 2, 1)], {}, [0, 2, 1, 3]),
        # Whoever had a turn after the other became ready comes after it.
        ([asks("a", 1, 0), asks("a", 1, 1), asks("b", 2)], {"a": at(3)}, [2, 0, 1]),
        ([asks("a", 1), asks("b", 2)], {"a": at(1.5)}, [0, 1]),
        ([asks("a", 1), asks("b", 2)], {"a": at(5), "b": at(4)}, [1, 0]),
        # A turn long ago is no advantage.
        ([asks("a", 9), asks("b", 2)], {"a": at(0)}, [1, 0]),
        # At the same moment: who became ready then before who had a turn then.
        ([asks("a", 1), asks("b", 5)], {"a": at(5)}, [1, 0]),
        # What can never start takes no turn.
        ([asks("a", 0, never=True), asks("a", 1), asks("b", 2)], {}, [1, 2, 0]),
        # Equal in everything: by name, so that it is the same every time.
        ([asks("b", 1), asks("a", 1)], {}, [1, 0]),
        ([], {}, []),
    ],
)
def test_order_of_the_queue(queue: list[Queued], turns: dict[str, datetime], expected: list[int]) -> None:
    assert in_order(queue, turns) == expected


def test_turn_is_the_last_time_a_task_was_let_in_that_stood_before_those_that_wait() -> None:
    admitted = [
        (asks("a", 0, 0), at(2)),
        (asks("a", 0, 1), at(4)),
        # Stands behind the first that waits: it was let in past it, as backfill.
        (asks("a", 0, 3), at(7)),
        (asks("b", 1), at(5)),
    ]
    assert last_turns([asks("a", 0, 2), asks("a", 0, 4), asks("c", 3)], admitted) == {"a": at(4)}


queues = st.lists(
    st.builds(
        asks,
        st.sampled_from("abc"),
        st.integers(0, 5),
        st.integers(0, 3),
        st.sampled_from([0, 0, 0, 1]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=9,
)
turns_of = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9).map(at))


@given(queues, turns_of)
def test_order_holds_every_place_once_and_does_not_depend_on_how_it_is_given(
    queue: list[Queued], turns: dict[str, datetime]
) -> None:
    order = in_order(queue, turns)
    assert sorted(order) == list(range(len(queue)))
    turned = queue[::-1]
    assert [turned[place] for place in in_order(turned, turns)] == [queue[place] for place in order]


@given(queues.filter(bool), turns_of, st.integers(6, 9), st.sampled_from("abcd"))
def test_newcomer_of_the_same_priority_never_comes_before_the_first(
    queue: list[Queued], turns: dict[str, datetime], later: int, workflow: str
) -> None:
    turns = {name: min(turn, at(5)) for name, turn in turns.items()}
    first = queue[in_order(queue, turns)[0]]
    newcomer = asks(workflow, later, priority=first.priority, place=9)
    longer = [*queue, newcomer]
    if not first.never:
        assert longer[in_order(longer, turns)[0]] == first


# whole days


@dataclass(frozen=True)
class Work:
    """A task that becomes ready at a minute, and runs for some."""

    workflow: str
    ready: int
    takes: int
    size: Resources
    priority: int = 0
    place: int = 0

    @property
    def queued(self) -> Queued:
        never = not self.size.fits(QUOTA)
        return Queued(
            workflow=self.workflow,
            ready_at=at(self.ready),
            priority=self.priority,
            place=(self.place,),
            never=never,
        )


def played(works: Sequence[Work], quota: Resources = QUOTA) -> list[tuple[int, Work]]:
    """All starts, with their minutes, in their order; ends come before starts of the same minute."""
    minutes = [work.ready for work in works]
    heapq.heapify(minutes)
    started: list[tuple[int, Work]] = []
    waiting = list(works)
    running: list[tuple[int, Work]] = []
    while minutes:
        now = heapq.heappop(minutes)
        running = [(end, work) for end, work in running if end > now]
        asking = [work for work in waiting if work.ready <= now]
        admitted = [(work.queued, at(minute)) for minute, work in started]
        queue = [work.queued for work in asking]
        order = [asking[place] for place in in_order(queue, last_turns(queue, admitted))]
        requests = [Claim(label=work.workflow, resources=work.size) for work in order]
        answers = admit(requests, quota, [Claim(label=work.workflow, resources=work.size) for _, work in running])
        for work, answer in zip(order, answers, strict=True):
            if answer.verdict is Verdict.START:
                waiting.remove(work)
                started.append((now, work))
                running.append((now + work.takes, work))
                heapq.heappush(minutes, now + work.takes)
        held = sum((work.size for _, work in running), start=Resources(cpu_millicores=0, memory_bytes=0))
        assert held.fits(quota)
        assert running or all(work.queued.never for work in waiting if work.ready <= now)
    assert all(not work.size.fits(quota) for work in waiting)
    return started


def amount(cpu: int, gib: float = 0.25) -> Resources:
    return Resources(cpu_millicores=cpu, memory_bytes=int(gib * GIB))


works = st.builds(
    Work,
    workflow=st.sampled_from("abcd"),
    ready=st.integers(0, 30),
    takes=st.integers(1, 12),
    size=st.builds(
        lambda cpu, memory: Resources(cpu_millicores=cpu * 500, memory_bytes=memory * GIB),
        st.integers(1, 9),
        st.integers(1, 9),
    ),
    priority=st.sampled_from([0, 0, 5]),
    place=st.integers(0, 3),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(works, max_size=25))
def test_on_every_day_all_that_fits_starts_and_the_quota_is_kept(day: list[Work]) -> None:
    played(day)


@settings(deadline=None, max_examples=100)
@given(st.lists(works, max_size=5), st.lists(works, max_size=9), st.integers(1, 8), st.integers(1, 8))
def test_first_in_the_queue_starts_when_it_would_if_nothing_came_after_it(
    first: list[Work], later: list[Work], cpu: int, memory: int
) -> None:
    """Holders that end at any time, one head, and a crowd behind it, of other workflows and its own."""
    size = Resources(cpu_millicores=cpu * 500, memory_bytes=memory * GIB)
    head = Work(workflow="head", ready=0, takes=5, size=size)
    holders: list[Work] = []
    for work in first:
        if sum((one.size for one in holders), start=work.size).fits(QUOTA):
            holders.append(replace(work, workflow="holder", ready=0, priority=9))
    behind = [replace(work, ready=1 + work.ready, priority=0) for work in later]
    behind += [replace(work, workflow="head", ready=0, priority=0, place=1 + n) for n, work in enumerate(later)]
    alone = next(minute for minute, work in played([*holders, head]) if work is head)
    in_company = next(minute for minute, work in played([*holders, head, *behind]) if work is head)
    assert in_company == alone


def test_two_workflows_of_a_hundred_tasks_alternate() -> None:
    for together in (1, 4):
        size = amount(4000 // together)
        day = [Work("a", 0, 1, size, place=place) for place in range(100)]
        day += [Work("b", 3, 1, size, place=place) for place in range(100)]
        names = [work.workflow for minute, work in played(day) if minute >= 3]
        both = names[: 2 * (100 - 3 * together)]
        for length in range(len(both)):
            part = both[:length]
            assert abs(part.count("a") - part.count("b")) <= 1, (together, length)


def test_urgent_workflow_goes_first_and_the_others_after_it() -> None:
    size = amount(4000)
    day = [Work("slow", 0, 1, size, place=place) for place in range(5)]
    day += [Work("urgent", 2, 1, size, priority=10, place=place) for place in range(3)]
    assert [work.workflow for _, work in played(day)] == ["slow"] * 2 + ["urgent"] * 3 + ["slow"] * 3


def test_stream_of_small_tasks_never_keeps_a_large_one_out() -> None:
    for others in ("abc", "a"):
        day = [Work(name, minute, 3, amount(1000)) for minute in range(60) for name in others]
        large = Work("large", 20, 5, amount(4000))
        start = next(minute for minute, work in played([*day, large]) if work is large)
        # What was let in before it ends; of what waited already, each workflow's first may come before it.
        assert start <= 20 + 3 * 3, others


def test_backfill_of_its_own_workflow_costs_a_large_task_no_turn() -> None:
    holder = Work("x", 0, 5, amount(2000))
    large = Work("a", 1, 5, amount(3000))
    # Small ones of the same workflow fit beside it, now and later; the other workflow's do not.
    small = [Work("a", 1, 2, amount(1000), place=1 + place) for place in range(10)]
    other = [Work("b", 2, 4, amount(2000), place=place) for place in range(10)]
    day = played([holder, large, *small, *other])
    assert next(minute for minute, work in day if work is large) == 5
    assert any(work in small for minute, work in day if minute < 5)
