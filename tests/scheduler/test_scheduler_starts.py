"""Due workflows: at once, once, and never two at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from recording_executor import RecordingExecutor
from scheduling import running, start, states, task, until, workflow

from lentiq_jupyter.model import Misfire, RunState, Schedule
from lentiq_jupyter.scheduler import Scheduler, decide_due, first_start
from lentiq_jupyter.scheduler.misfire import Answer, DueDecision
from lentiq_jupyter.store import SqlStore

NOW = datetime(2026, 5, 4, 10, 7, tzinfo=UTC)


class Clock:
    """A clock that tests set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def save(store: SqlStore, schedule: Schedule, seconds: float = 0) -> None:
    one = workflow(task("one", seconds=seconds), schedule=schedule)
    store.save_workflow(one, first_start(schedule, NOW), NOW)


def test_start_in_the_past_runs_at_once(store: SqlStore, make) -> None:
    save(store, Schedule(start=NOW - timedelta(days=3, hours=1), every="1d"))
    make(clock=Clock(NOW)).tick()
    [run] = store.runs()
    assert states(run) == {"one": "RUNNING"}
    assert run.due_at == NOW - timedelta(days=3, hours=1)
    [(_, next_start)] = store.workflows()
    assert next_start == datetime(2026, 5, 5, 9, 7, tzinfo=UTC)


def test_start_in_the_past_does_not_wait_for_the_tick(store: SqlStore, make) -> None:
    scheduler = make(tick_s=300, clock=Clock(NOW))
    with running(scheduler):
        until(lambda: scheduler.active)
        save(store, Schedule(start=NOW - timedelta(days=1)))
        until(lambda: [run.state for run in store.runs()] == [RunState.SUCCEEDED], timeout_s=60)


def test_start_in_the_past_without_repetition_runs_once(store: SqlStore, make) -> None:
    clock = Clock(NOW)
    save(store, Schedule(start=NOW - timedelta(days=3)))
    scheduler = make(clock=clock)
    for _ in range(3):
        scheduler.tick()
        clock.now += timedelta(minutes=1)
    assert len(store.runs()) == 1
    assert store.workflows()[0][1] is None


def test_nothing_starts_before_its_time(store: SqlStore, make) -> None:
    clock = Clock(NOW)
    save(store, Schedule(start=NOW + timedelta(minutes=2)))
    scheduler = make(clock=clock)
    scheduler.tick()
    assert store.runs() == []
    clock.now += timedelta(minutes=2)
    scheduler.tick()
    assert len(store.runs()) == 1


def test_due_again_while_running_is_a_skipped_row_and_no_second_run(
    store: SqlStore, make, executor: RecordingExecutor
) -> None:
    clock = Clock(NOW)
    save(store, Schedule(start=NOW, every="15m"), seconds=60)
    scheduler = make(clock=clock)
    scheduler.tick()
    clock.now += timedelta(minutes=15)
    scheduler.tick()
    scheduler.tick()
    skipped, run = store.runs()
    assert states(run) == {"one": "RUNNING"}
    assert (skipped.state, skipped.tasks, skipped.due_at) == (RunState.SKIPPED, (), NOW + timedelta(minutes=15))
    assert skipped.reason == f"run {run.id} of this workflow had not ended when this start was due"
    assert executor.starts() == [run.tasks[0].job_name]
    assert store.workflows()[0][1] == NOW + timedelta(minutes=30)


def test_run_that_has_just_ended_holds_no_start_back(store: SqlStore, make, executor: RecordingExecutor) -> None:
    clock = Clock(NOW)
    save(store, Schedule(start=NOW, every="15m"))
    scheduler = make(clock=clock)
    scheduler.tick()
    until(lambda: (executor.folder / executor.starts()[0] / "exit.json").exists())
    clock.now += timedelta(minutes=15)
    scheduler.tick()
    assert [run.state for run in store.runs()] == [RunState.RUNNING, RunState.SUCCEEDED]


def test_due_while_a_run_by_hand_goes_on_is_skipped_too(store: SqlStore, make) -> None:
    save(store, Schedule(start=NOW))
    by_hand = start(store, store.workflow("default", "nightly"), NOW - timedelta(minutes=1))
    make(clock=Clock(NOW)).tick()
    assert [(run.id == by_hand, run.state) for run in store.runs()] == [
        (False, RunState.SKIPPED),
        (True, RunState.RUNNING),
    ]


def test_every_missed_start_runs_in_turn_when_asked(store: SqlStore, make) -> None:
    clock = Clock(NOW + timedelta(hours=2, minutes=5))
    save(store, Schedule(start=NOW, every="1h", misfire=Misfire.ALL))
    scheduler = make(clock=clock, tick_s=0.5)
    with running(scheduler):
        until(lambda: len([run for run in store.runs() if run.state is RunState.SUCCEEDED]) == 3)
    assert sorted(run.due_at for run in store.runs()) == [NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2)]


def test_clock_that_was_years_ahead_leaves_no_schedule_waiting_for_that_time(store: SqlStore, make) -> None:
    clock = Clock(NOW)
    save(store, Schedule(start=NOW, every="1h"))
    scheduler = make(clock=clock)
    scheduler.tick()
    clock.now = datetime(2036, 1, 1, 10, 30, tzinfo=UTC)
    scheduler.tick()
    assert store.workflows()[0][1] > clock.now
    clock.now = NOW + timedelta(minutes=30)
    scheduler.tick()
    # The start at NOW + 1 h was answered ahead of its time, and is not answered again.
    assert store.workflows()[0][1] == NOW + timedelta(hours=2)
    assert len({run.due_at for run in store.runs()}) == len(store.runs())


HOURLY = {"start": NOW, "every": "1h"}
LATER = NOW + timedelta(hours=5, minutes=1)


def decide(misfire: Misfire, now: datetime, active: str | None = None) -> DueDecision:
    return decide_due(Schedule(**HOURLY, misfire=misfire), NOW, now, active=active, grace_s=90)


def test_missed_starts_are_run_once_by_default() -> None:
    expected = DueDecision(answer=Answer.RUN, next_start=NOW + timedelta(hours=6))
    assert decide(Misfire.ONCE, LATER) == expected


def test_missed_starts_are_skipped_visibly_when_asked() -> None:
    reason = "missed by 5 h 1 min; this schedule skips missed starts"
    expected = DueDecision(answer=Answer.SKIP, next_start=NOW + timedelta(hours=6), reason=reason)
    assert decide(Misfire.SKIP, LATER) == expected
    on_time = decide(Misfire.SKIP, NOW + timedelta(seconds=30))
    assert on_time == DueDecision(answer=Answer.RUN, next_start=NOW + timedelta(hours=1))


def test_all_missed_starts_wait_for_each_other() -> None:
    waits = decide(Misfire.ALL, LATER, active="r1")
    assert waits == DueDecision(answer=Answer.WAIT, next_start=NOW, reason="waits for run r1")
    assert decide(Misfire.ALL, LATER) == DueDecision(answer=Answer.RUN, next_start=NOW + timedelta(hours=1))
    assert decide(Misfire.ALL, NOW, active="r1").answer is Answer.SKIP


def test_schedule_that_cannot_be_read_is_skipped_with_the_reason(store: SqlStore, make) -> None:
    one = workflow(task("one"), schedule=Schedule(start=NOW, timezone="Nowhere/Land"))
    store.save_workflow(one, NOW, NOW)
    make(clock=Clock(NOW)).tick()
    [run] = store.runs()
    assert run.state is RunState.SKIPPED
    assert run.reason.startswith("the schedule cannot be read: 'Nowhere/Land' is not a time zone.")
    assert store.workflows()[0][1] is None


def test_standby_starts_nothing(store: SqlStore, scheduler: Scheduler, make) -> None:
    assert scheduler.tick()
    save(store, Schedule(start=NOW))
    assert not make(holder="second").tick()
    assert store.runs() == []
