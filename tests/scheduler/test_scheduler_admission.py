"""First come, first served; backfill never delays the head."""

from __future__ import annotations

import itertools
import time
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from lentiq_jupyter.model import Resources, parse_memory
from lentiq_jupyter.scheduler import Admission, Claim, Verdict, admit
from lentiq_jupyter.scheduler.admission import room_beside_head

GIB = 2**30
START = Admission(verdict=Verdict.START)


def amount(cpu: int, gib: float) -> Resources:
    return Resources(cpu_millicores=cpu, memory_bytes=int(gib * GIB))


def claim(label: str, cpu: int, gib: float) -> Claim:
    return Claim(label=label, resources=amount(cpu, gib))


def wait(reason: str) -> Admission:
    return Admission(verdict=Verdict.WAIT, reason=reason)


QUOTA = amount(4000, 8)


def test_tasks_start_in_order_while_they_fit() -> None:
    assert admit([claim("a", 2000, 4), claim("b", 2000, 4)], QUOTA, []) == (START, START)


def test_task_waits_when_quota_is_full_and_says_for_what() -> None:
    holders = [claim("nightly-sales/train (run ab12)", 3500, 7)]
    assert admit([claim("a", 2000, 4)], QUOTA, holders) == (
        wait(
            "needs 2 CPU, 4Gi; free 500m CPU, 1Gi of 4 CPU, 8Gi; "
            "held by nightly-sales/train (run ab12): 3500m CPU, 7Gi; 1 of 1 in the queue"
        ),
    )


def test_largest_holders_are_named_and_the_others_counted() -> None:
    holders = [claim("w/t0", 200, 1), claim("w/t1", 1500, 1), claim("w/t2", 300, 2), claim("w/t3", 1000, 1)]
    found = admit([claim("a", 2000, 1), claim("b", 2000, 4)], QUOTA, [*holders, claim("w/t4", 500, 0.5)])
    held = "held by w/t1: 1500m CPU, 1Gi; w/t2: 300m CPU, 2Gi; w/t3: 1 CPU, 1Gi; 2 more: 700m CPU, 1536Mi"
    assert found == (
        wait(f"needs 2 CPU, 1Gi; free 500m CPU, 2560Mi of 4 CPU, 8Gi; {held}; 1 of 2 in the queue"),
        wait(f"needs 2 CPU, 4Gi; free 500m CPU, 2560Mi of 4 CPU, 8Gi; {held}; 2 of 2 in the queue"),
    )


def test_memory_alone_can_be_what_is_missing() -> None:
    [found] = admit([claim("a", 500, 2)], QUOTA, [claim("w/t", 500, 7)])
    assert found == wait(
        "needs 500m CPU, 2Gi; free 3500m CPU, 1Gi of 4 CPU, 8Gi; held by w/t: 500m CPU, 7Gi; 1 of 1 in the queue"
    )


def test_task_larger_than_the_quota_never_starts_and_is_passed_over() -> None:
    found = admit([claim("a", 5000, 1), claim("b", 4000, 8)], QUOTA, [])
    reason = "needs 5 CPU, 1Gi, more than the whole quota of the project (4 CPU, 8Gi); it can never start. "
    reason += "Ask for less, or raise the quota"
    assert found == (Admission(verdict=Verdict.NEVER, reason=reason), START)


def test_backfill_takes_what_the_head_will_not_need() -> None:
    # The head waits for the holder; then 4000 - 3500 = 500 millicores are left over.
    holders = [claim("w/t", 2000, 1)]
    queue = [claim("head", 3500, 4), claim("small", 500, 1), claim("smaller", 100, 1)]
    assert admit(queue, QUOTA, holders) == (
        wait("needs 3500m CPU, 4Gi; free 2 CPU, 7Gi of 4 CPU, 8Gi; held by w/t: 2 CPU, 1Gi; 1 of 2 in the queue"),
        START,
        wait(
            "needs 100m CPU, 1Gi; free 1500m CPU, 6Gi of 4 CPU, 8Gi; held by w/t: 2 CPU, 1Gi; small: 500m CPU, 1Gi; "
            "kept free for head, which is before it; 2 of 2 in the queue"
        ),
    )


def test_backfill_never_closes_one_of_the_heads_ways_in() -> None:
    # When the 3000 end, 2000 beside 1000 leave 1000 over. But when the 1000 end, 3000 + 1000 fill all.
    assert room_beside_head(amount(1000, 1), QUOTA, [amount(3000, 1), amount(1000, 1)]) == amount(0, 6)
    assert room_beside_head(amount(2000, 1), QUOTA, [amount(3000, 1), amount(1000, 1)]) == amount(1000, 6)


def test_quota_lowered_below_what_is_held_stops_nothing_and_starts_nothing() -> None:
    # Only CPU is over; what needs next to none must wait like all others.
    holders = [claim("w/t", 3000, 1), claim("w/u", 3000, 1)]
    assert admit([claim("a", 500, 1), claim("b", 0, 1)], QUOTA, holders) == (
        wait(
            "needs 500m CPU, 1Gi; the project holds 6 CPU, 2Gi of a quota of 4 CPU, 8Gi, which was lowered below that; "
            "nothing is stopped, nothing starts until 2500m CPU are given back; "
            "held by w/t: 3 CPU, 1Gi; w/u: 3 CPU, 1Gi; 1 of 2 in the queue"
        ),
        wait(
            "needs 0 CPU, 1Gi; the project holds 6 CPU, 2Gi of a quota of 4 CPU, 8Gi, which was lowered below that; "
            "nothing is stopped, nothing starts until 2 CPU are given back; "
            "held by w/t: 3 CPU, 1Gi; w/u: 3 CPU, 1Gi; 2 of 2 in the queue"
        ),
    )
    [found] = admit([claim("a", 500, 1)], amount(1000, 2), [claim("w/t", 3000, 6)])
    assert "nothing starts until 2500m CPU and 5Gi are given back; held by" in found.reason


def test_too_many_combinations_mean_no_backfill() -> None:
    holders = [Resources(cpu_millicores=2**number, memory_bytes=3**number) for number in range(20)]
    quota = Resources(cpu_millicores=2**21, memory_bytes=3**21)
    assert room_beside_head(amount(1, 0), quota, holders) == Resources(cpu_millicores=0, memory_bytes=0)


sizes = st.builds(
    lambda cpu, memory: Resources(cpu_millicores=cpu * 250, memory_bytes=memory * parse_memory("512Mi")),
    st.integers(1, 16),
    st.integers(1, 16),
)


def total(claims: list[Claim]) -> Resources:
    return sum((one.resources for one in claims), start=amount(0, 0))


def played(queue: list[Claim], holders: list[Claim], ends: list[int], *, backfill: bool) -> int | None:
    """How many of the first holders have ended when the head starts; None if it does at once.

    Holders end in the order that `ends` says; what was started past the head runs for ever.
    """
    first = list(holders)
    holding = list(holders)
    waiting = list(queue) if backfill else queue[:1]
    for ended, place in enumerate([None, *ends]):
        if place is not None:
            gone = first.pop(place % len(first))
            holding.remove(gone)
        decisions = admit(waiting, QUOTA, holding)
        started = [one for one, decision in zip(waiting, decisions, strict=True) if decision.verdict is Verdict.START]
        holding += started
        assert total(holding).fits(QUOTA)
        if queue[0] in started:
            return ended
        waiting = [one for one in waiting if one not in started]
    raise AssertionError("the head never started")


@settings(deadline=None)
@given(
    head=sizes,
    later=st.lists(sizes, max_size=6),
    held=st.lists(sizes, max_size=5),
    ends=st.lists(st.integers(0, 100), min_size=5, max_size=5),
)
def test_head_is_never_delayed_by_backfilled_tasks(
    head: Resources, later: list[Resources], held: list[Resources], ends: list[int]
) -> None:
    holders: list[Claim] = []
    for number, size in enumerate(held):
        if (total(holders) + size).fits(QUOTA):
            holders.append(Claim(label=f"h{number}", resources=size))
    queue = [Claim(label="head", resources=head)]
    queue += [Claim(label=f"l{number}", resources=size) for number, size in enumerate(later)]
    order = ends[: len(holders)]
    assert played(queue, holders, order, backfill=True) == played(queue, holders, order, backfill=False)


@settings(deadline=None)
@given(head=sizes, held=st.lists(sizes, max_size=6))
def test_room_beside_the_head_is_as_large_as_it_can_be(head: Resources, held: list[Resources]) -> None:
    """Against the definition, over all subsets: the room takes no way in, and a millicore or byte more would."""
    ways = [
        left
        for size in range(len(held) + 1)
        for chosen in itertools.combinations(held, size)
        if ((left := sum(chosen, start=amount(0, 0))) + head).fits(QUOTA)
    ]
    room = room_beside_head(head, QUOTA, held)
    assert all((left + head + room).fits(QUOTA) for left in ways)
    for more in (Resources(cpu_millicores=1, memory_bytes=0), Resources(cpu_millicores=0, memory_bytes=1)):
        assert not all((left + head + room + more).fits(QUOTA) for left in ways)


def judged(requests: list[Claim], quota: Resources, holders: list[Claim]) -> list[Verdict]:
    """The verdicts by the rule as it is written: every set of holders is looked at for every request."""
    held = list(holders)
    head: Resources | None = None
    ways: list[Resources] = []
    past_head = amount(0, 0)
    found: list[Verdict] = []
    for one in requests:
        need = one.resources
        if not need.fits(quota):
            found.append(Verdict.NEVER)
            continue
        if (total(held) + need).fits(quota) and (
            head is None or all((way + head + past_head + need).fits(quota) for way in ways)
        ):
            found.append(Verdict.START)
            held.append(one)
            past_head += need if head is not None else amount(0, 0)
            continue
        found.append(Verdict.WAIT)
        if head is None:
            head = need
            sets = [total(list(some)) for size in range(len(held) + 1) for some in itertools.combinations(held, size)]
            ways = [way for way in sets if (way + head).fits(quota)]
    return found


@settings(deadline=None, max_examples=300)
@given(
    requests=st.lists(sizes, max_size=6),
    held=st.lists(sizes, max_size=4),
    cpu=st.integers(1, 24),
    memory=st.integers(1, 24),
)
def test_verdicts_are_those_of_looking_at_every_set_of_holders(
    requests: list[Resources], held: list[Resources], cpu: int, memory: int
) -> None:
    # The quota may be less than what is held: it was lowered.
    quota = Resources(cpu_millicores=cpu * 250, memory_bytes=memory * parse_memory("512Mi"))
    queue = [Claim(label=f"q{number}", resources=size) for number, size in enumerate(requests)]
    holders = [Claim(label=f"h{number}", resources=size) for number, size in enumerate(held)]
    found = admit(queue, quota, holders)
    assert [one.verdict for one in found] == judged(queue, quota, holders)
    assert all((one.reason == "") == (one.verdict is Verdict.START) for one in found)


def test_a_thousand_requests_and_two_hundred_holders_take_no_time() -> None:
    random = Random(5)

    def some(number: int, large: int) -> list[Claim]:
        return [
            Claim(
                label=f"w{number}/t",
                resources=amount(random.randrange(100, large, 50), random.randrange(1, large // 25) / 16),
            )
            for number in range(number)
        ]

    holders = some(200, 2000)
    quota = total(holders) + amount(300, 0.25)
    requests = [claim("head", 90_000, 100), *some(999, 4000)]
    began = time.process_time()
    found = admit(requests, quota, holders)
    assert time.process_time() - began < 1.0
    assert {one.verdict for one in found} >= {Verdict.WAIT}
