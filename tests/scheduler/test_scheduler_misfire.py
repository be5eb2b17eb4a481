"""Starts that were missed, and clocks that jump."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lentiq_jupyter.model import Misfire, Schedule
from lentiq_jupyter.scheduler.misfire import MADE_UP_LIMIT, Answer, DueDecision, decide_due, reckoned_again
from lentiq_jupyter.scheduler.triggers import next_start, starts_between

DUE = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
GRACE_S = 90.0
MINUTE = timedelta(minutes=1)


def schedule(misfire: Misfire = Misfire.ONCE, **repetition: str) -> Schedule:
    return Schedule(start=DUE - timedelta(days=30), misfire=misfire, **(repetition or {"every": "1m"}))


def decide(of: Schedule | None, due: datetime, now: datetime, active: str | None = None) -> DueDecision:
    return decide_due(of, due, now, active=active, grace_s=GRACE_S)


def answered(of: Schedule, due: datetime, now: datetime) -> list[tuple[datetime, DueDecision]]:
    """Every start that is due, one after the other, each run over at once."""
    found = []
    while due <= now:
        decision = decide(of, due, now)
        found.append((due, decision))
        assert decision.next_start is not None
        assert decision.next_start > due
        due = decision.next_start
    return found


@pytest.mark.parametrize("misfire", list(Misfire))
def test_start_that_is_hardly_late_is_not_missed(misfire: Misfire) -> None:
    now = DUE + timedelta(seconds=GRACE_S)
    after = {Misfire.ALL: DUE + MINUTE}.get(misfire, DUE + 2 * MINUTE)
    assert decide(schedule(misfire), DUE, now) == DueDecision(answer=Answer.RUN, next_start=after)


def test_once_one_run_stands_for_all_that_was_missed() -> None:
    now = DUE + timedelta(days=7, seconds=5)
    [(due, decision)] = answered(schedule(Misfire.ONCE), DUE, now)
    assert (due, decision) == (DUE, DueDecision(answer=Answer.RUN, next_start=DUE + timedelta(days=7, minutes=1)))


def test_skip_shows_one_row_for_all_that_was_missed() -> None:
    now = DUE + timedelta(days=7, seconds=5)
    [(due, decision)] = answered(schedule(Misfire.SKIP), DUE, now)
    assert (due, decision) == (
        DUE,
        DueDecision(
            answer=Answer.SKIP,
            next_start=DUE + timedelta(days=7, minutes=1),
            reason="missed by 7 d; this schedule skips missed starts",
        ),
    )


def test_all_makes_up_for_every_start_where_they_are_not_too_many() -> None:
    now = DUE + (MADE_UP_LIMIT - 1) * MINUTE
    found = answered(schedule(Misfire.ALL), DUE, now)
    assert [due for due, _ in found] == [DUE + number * MINUTE for number in range(MADE_UP_LIMIT)]
    assert {decision.answer for _, decision in found} == {Answer.RUN}


def test_ten_thousand_missed_starts_are_a_thousand_runs_and_one_row_that_says_so() -> None:
    now = DUE + 9_999 * MINUTE + timedelta(seconds=30)
    found = answered(schedule(Misfire.ALL), DUE, now)
    assert found[0] == (
        DUE,
        DueDecision(
            answer=Answer.SKIP,
            next_start=DUE + 9_000 * MINUTE,
            reason=(
                "missed by 6 d 22 h 39 min; stands for 9000 missed starts, all before 2026-05-10 16:00 UTC: "
                "only the newest 1000 are made up for"
            ),
        ),
    )
    assert [due for due, _ in found[1:]] == [DUE + number * MINUTE for number in range(9_000, 10_000)]
    assert {decision.answer for _, decision in found[1:]} == {Answer.RUN}


def test_years_of_missed_starts_are_answered_in_a_moment() -> None:
    began = time.process_time()
    now = DUE + timedelta(days=4 * 365)
    decision = decide(schedule(Misfire.ALL, cron="* * * * *"), DUE, now)
    assert time.process_time() - began < 5
    assert decision.next_start == now - (MADE_UP_LIMIT - 1) * MINUTE
    assert "stands for more than 20000 missed starts" in decision.reason


def test_a_run_that_goes_on_lets_all_wait_and_others_be_skipped() -> None:
    now = DUE + timedelta(days=30)
    assert decide(schedule(Misfire.ALL), DUE, now, active="r1") == DueDecision(
        answer=Answer.WAIT, next_start=DUE, reason="waits for run r1"
    )
    for misfire in (Misfire.ONCE, Misfire.SKIP):
        assert decide(schedule(misfire), DUE, now, active="r1") == DueDecision(
            answer=Answer.SKIP,
            next_start=now + MINUTE,
            reason="run r1 of this workflow had not ended when this start was due",
        )


def test_schedule_that_is_gone_or_cannot_be_read_comes_to_an_end() -> None:
    assert decide(None, DUE, DUE) == DueDecision(answer=Answer.RUN, next_start=None)
    broken = Schedule(start=DUE, timezone="Mars/Base", every="1d", misfire=Misfire.ALL)
    found = decide(broken, DUE, DUE + timedelta(days=9))
    assert (found.answer, found.next_start) == (Answer.SKIP, None)
    assert found.reason.startswith("the schedule cannot be read: 'Mars/Base' is not a time zone.")


repetitions = st.sampled_from(
    [
        {"every": "1m"},
        {"every": "7h"},
        {"every": "1d"},
        {"every": "1M"},
        {"cron": "*/20 * * * *"},
        {"cron": "0 2 * * 1"},
    ]
)


@settings(deadline=None, max_examples=40)
@given(
    repetition=repetitions,
    misfire=st.sampled_from(list(Misfire)),
    outage_h=st.integers(0, 18),
    zone=st.sampled_from(["UTC", "Europe/Bucharest", "Australia/Lord_Howe"]),
)
def test_every_outage_comes_to_an_end_with_every_start_answered_once(
    repetition: dict[str, str], misfire: Misfire, outage_h: int, zone: str
) -> None:
    of = Schedule(start=DUE - timedelta(days=30), timezone=zone, misfire=misfire, **repetition)
    due = next_start(of, DUE)
    assert due is not None
    now = due + timedelta(hours=outage_h)
    found = answered(of, due, now)
    missed = starts_between(of, due, now, limit=10**6)
    assert {start for start, _ in found} <= set(missed)
    runs = [start for start, decision in found if decision.answer is Answer.RUN]
    if misfire is Misfire.ALL:
        assert runs == list(missed[-MADE_UP_LIMIT:])
        assert len(found) == min(len(missed), MADE_UP_LIMIT + 1)
    else:
        assert len(found) <= 2


# clocks that jump


@settings(deadline=None, max_examples=60)
@given(repetition=repetitions, misfire=st.sampled_from(list(Misfire)), back_min=st.integers(-(10**6), -1))
def test_clock_put_back_answers_no_start_twice(repetition: dict[str, str], misfire: Misfire, back_min: int) -> None:
    of = schedule(misfire, **repetition)
    due = next_start(of, DUE)
    assert due is not None
    # The clock was put back between the look for what is due and the decision.
    decision = decide(of, due, due + back_min * MINUTE)
    assert decision == DueDecision(answer=Answer.RUN, next_start=next_start(of, due))


def test_after_a_clock_that_was_years_ahead_starts_come_at_their_times_again() -> None:
    of = schedule(Misfire.ONCE, every="1d")
    wrong = DUE + timedelta(days=3650, minutes=5)
    decision = decide(of, DUE, wrong)
    assert decision == DueDecision(answer=Answer.RUN, next_start=DUE + timedelta(days=3651))
    # Set right ten minutes later: today's start has had its run, tomorrow's comes.
    now = DUE + timedelta(minutes=15)
    assert reckoned_again(of, decision.next_start, now, DUE) == DUE + timedelta(days=1)
    # Nothing tells which start was answered last: that of the present day has passed anyhow.
    assert reckoned_again(of, decision.next_start, now, None) == DUE + timedelta(days=1)


def test_clock_put_back_by_a_moment_brings_no_start_again() -> None:
    of = schedule(every="1d")
    stored = DUE + timedelta(days=1)
    assert reckoned_again(of, stored, DUE - timedelta(milliseconds=200), DUE) == stored


def test_start_that_is_due_stays_so() -> None:
    of = schedule(every="1d")
    assert reckoned_again(of, DUE, DUE + timedelta(days=3), DUE - timedelta(days=1)) == DUE


def test_start_without_repetition_comes_once_whatever_the_clock_does() -> None:
    once = Schedule(start=DUE)
    assert decide(once, DUE, DUE + timedelta(days=3650)) == DueDecision(answer=Answer.RUN, next_start=None)
    assert reckoned_again(once, None, DUE - timedelta(days=1), DUE) is None
    assert reckoned_again(once, DUE, DUE - timedelta(days=1), None) == DUE


@settings(deadline=None, max_examples=60)
@given(repetition=repetitions, ahead_min=st.integers(0, 10**6), later_min=st.integers(0, 10**5))
def test_reckoning_again_changes_nothing_where_the_clock_was_right(
    repetition: dict[str, str], ahead_min: int, later_min: int
) -> None:
    of = schedule(**repetition)
    due = next_start(of, DUE)
    assert due is not None
    for decided_at in (due, due + ahead_min * MINUTE):
        stored = decide(of, due, decided_at).next_start
        assert reckoned_again(of, stored, decided_at + later_min * MINUTE, due) == stored
