"""When a schedule starts next, through months of different lengths and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.model import Schedule
from lentiq_jupyter.scheduler import first_start, next_start, preview, schedule_faults, starts_between

BUCHAREST = "Europe/Bucharest"  # 2026: forward on 29 March 03:00 → 04:00, back on 25 October 04:00 → 03:00
NEW_YORK = "America/New_York"  # 2026: forward on 8 March 02:00 → 03:00, back on 1 November 02:00 → 01:00


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def starts(schedule: Schedule, after: datetime, count: int) -> list[str]:
    return [one.isoformat(timespec="minutes") for one in preview(schedule, after, count)]


def test_once_is_once() -> None:
    schedule = Schedule(start=at("2026-05-01T02:00"))
    assert next_start(schedule, at("2026-04-01T00:00")) == at("2026-05-01T02:00")
    assert next_start(schedule, at("2026-05-01T02:00")) is None
    assert first_start(schedule, at("2027-01-01T00:00")) == at("2026-05-01T02:00")


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("15m", ["2026-01-31T12:15+00:00", "2026-01-31T12:30+00:00"]),
        ("6h", ["2026-01-31T18:00+00:00", "2026-02-01T00:00+00:00"]),
        ("1d", ["2026-02-01T12:00+00:00", "2026-02-02T12:00+00:00"]),
        ("2w", ["2026-02-14T12:00+00:00", "2026-02-28T12:00+00:00"]),
        (
            "1M",
            ["2026-02-28T12:00+00:00", "2026-03-31T12:00+00:00", "2026-04-30T12:00+00:00", "2026-05-31T12:00+00:00"],
        ),
        ("12M", ["2027-01-31T12:00+00:00", "2028-01-31T12:00+00:00"]),
    ],
)
def test_repetitions_count_from_the_start(every: str, expected: list[str]) -> None:
    schedule = Schedule(start=at("2026-01-31T12:00"), every=every)
    assert starts(schedule, schedule.start, len(expected)) == expected


def test_leap_day_comes_back_in_leap_years() -> None:
    schedule = Schedule(start=at("2024-02-29T12:00"), every="12M")
    assert [one[:10] for one in starts(schedule, schedule.start, 4)] == [
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]


@pytest.mark.parametrize(
    ("zone", "start", "every", "expected"),
    [
        # Days keep the wall time through the change.
        (BUCHAREST, "2026-03-28T02:00", "1d", ["2026-03-29T02:00+02:00", "2026-03-30T02:00+03:00"]),
        (NEW_YORK, "2026-03-07T12:00", "1d", ["2026-03-08T12:00-04:00", "2026-03-09T12:00-04:00"]),
        # A wall time that is left out moves by the gap, for that day only.
        (BUCHAREST, "2026-03-28T03:30", "1d", ["2026-03-29T04:30+03:00", "2026-03-30T03:30+03:00"]),
        (NEW_YORK, "2026-03-07T02:30", "1d", ["2026-03-08T03:30-04:00", "2026-03-09T02:30-04:00"]),
        # One that comes twice is taken the first time, once.
        (BUCHAREST, "2026-10-24T03:30", "1d", ["2026-10-25T03:30+03:00", "2026-10-26T03:30+02:00"]),
        (NEW_YORK, "2026-10-31T01:30", "1d", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
        (NEW_YORK, "2026-02-08T02:30", "1M", ["2026-03-08T03:30-04:00", "2026-04-08T02:30-04:00"]),
        # Hours are real hours.
        (BUCHAREST, "2026-03-29T00:00", "6h", ["2026-03-29T07:00+03:00", "2026-03-29T13:00+03:00"]),
        (
            NEW_YORK,
            "2026-11-01T00:00",
            "1h",
            ["2026-11-01T01:00-04:00", "2026-11-01T01:00-05:00", "2026-11-01T02:00-05:00"],
        ),
    ],
)
def test_repetitions_through_changes_of_the_clocks(zone: str, start: str, every: str, expected: list[str]) -> None:
    schedule = Schedule(start=at(start, zone), timezone=zone, every=every)
    assert starts(schedule, schedule.start, len(expected)) == expected


@pytest.mark.parametrize(
    ("zone", "after", "cron", "expected"),
    [
        (BUCHAREST, "2026-03-28T12:00", "0 2 * * *", ["2026-03-29T02:00+02:00", "2026-03-30T02:00+03:00"]),
        # Right after the gap, once.
        (BUCHAREST, "2026-03-28T12:00", "30 3 * * *", ["2026-03-29T04:00+03:00", "2026-03-30T03:30+03:00"]),
        (NEW_YORK, "2026-03-07T12:00", "30 2 * * *", ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]),
        # Twice on the wall, once in cron.
        (BUCHAREST, "2026-10-24T12:00", "30 3 * * *", ["2026-10-25T03:30+03:00", "2026-10-26T03:30+02:00"]),
        (NEW_YORK, "2026-10-31T12:00", "30 1 * * *", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
        # A star counts real time.
        (NEW_YORK, "2026-11-01T00:30", "0 * * * *", ["2026-11-01T01:00-04:00", "2026-11-01T01:00-05:00"]),
        (BUCHAREST, "2026-05-01T00:00", "0 2 * * 1-5", ["2026-05-01T02:00+03:00", "2026-05-04T02:00+03:00"]),
    ],
)
def test_cron_through_changes_of_the_clocks(zone: str, after: str, cron: str, expected: list[str]) -> None:
    schedule = Schedule(start=at("2026-01-01T00:00"), timezone=zone, cron=cron)
    assert starts(schedule, at(after, zone), len(expected)) == expected


def test_cron_asked_in_the_hour_that_comes_again_does_not_go_back() -> None:
    schedule = Schedule(start=at("2026-01-01T00:00"), timezone=NEW_YORK, cron="30 1 * * *")
    second_time = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)  # 01:10 for the second time
    assert next_start(schedule, second_time) == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)


def test_cron_begins_at_the_start_of_the_schedule() -> None:
    schedule = Schedule(start=at("2026-05-01T02:00"), cron="0 2 * * *")
    assert next_start(schedule, at("2026-01-01T00:00")) == at("2026-05-01T02:00")
    assert first_start(schedule, at("2026-01-01T00:00")) == at("2026-05-01T02:00")
    assert first_start(schedule, at("2026-06-01T10:00")) == at("2026-06-02T02:00")


def test_a_start_is_as_given_even_where_its_wall_time_comes_twice() -> None:
    second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    schedule = Schedule(start=second, timezone=NEW_YORK, every="1d")
    assert starts(schedule, second - timedelta(seconds=1), 2) == ["2026-11-01T01:30-05:00", "2026-11-02T01:30-05:00"]


def test_starts_of_a_time_include_its_first_and_last_moment() -> None:
    schedule = Schedule(start=at("2026-05-01T02:00"), every="1d")
    assert starts_between(schedule, at("2026-05-03T02:00"), at("2026-05-05T02:00")) == (
        at("2026-05-03T02:00"),
        at("2026-05-04T02:00"),
        at("2026-05-05T02:00"),
    )
    assert starts_between(schedule, at("2026-05-03T02:01"), at("2026-05-04T01:59")) == ()
    # None before the schedule's own start.
    assert starts_between(schedule, at("2020-01-01T00:00"), at("2026-05-01T03:00")) == (at("2026-05-01T02:00"),)
    once = Schedule(start=at("2026-05-01T02:00"))
    assert starts_between(once, at("2026-05-01T02:00"), at("2027-05-01T02:00")) == (at("2026-05-01T02:00"),)
    cron = Schedule(start=at("2026-01-01T00:00"), timezone=BUCHAREST, cron="0 2 * * 1")
    assert starts_between(cron, at("2026-05-04T02:00", BUCHAREST), at("2026-05-11T02:00", BUCHAREST)) == (
        at("2026-05-03T23:00"),
        at("2026-05-10T23:00"),
    )


@pytest.mark.parametrize(
    ("first", "last", "fault"),
    [
        (
            at("2026-05-02T00:00"),
            at("2026-05-01T00:00"),
            "The last time (2026-05-01T00:00:00+00:00) lies before the first (2026-05-02T00:00:00+00:00). Swap them.",
        ),
        (
            at("2026-05-01T00:00"),
            at("2026-05-01T00:10"),
            "There are more than 10 starts from 2026-05-01T00:00:00+00:00 to 2026-05-01T00:10:00+00:00. "
            "Choose a shorter time.",
        ),
        (
            datetime(2026, 5, 1),
            at("2026-05-01T00:10"),
            "The first and the last time need a time zone. Write them like 2026-05-01T02:00+02:00.",
        ),
    ],
)
def test_starts_of_a_time_that_cannot_be_say_what_to_do(first: datetime, last: datetime, fault: str) -> None:
    schedule = Schedule(start=at("2026-01-01T00:00"), every="1m")
    with pytest.raises(BadInput) as caught:
        starts_between(schedule, first, last, limit=10)
    assert str(caught.value) == fault
    assert len(starts_between(schedule, at("2026-05-01T00:00"), at("2026-05-01T00:09"), limit=10)) == 10


def test_nothing_comes_after_the_year_9999() -> None:
    for every in ("999999M", "999999w", "999999d"):
        assert preview(Schedule(start=at("9000-01-01T00:00"), every=every), at("9000-01-01T00:00")) == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"every": "1 day"},
            (
                "every",
                "'1 day' is not a repetition. Write a number and a unit: 15m, 6h, 1d, 2w or 1M (minutes … months).",
            ),
        ),
        (
            {"every": "0m"},
            ("every", "'0m' is not a repetition. Write a number and a unit: 15m, 6h, 1d, 2w or 1M (minutes … months)."),
        ),
        (
            {"cron": "0 0 2 * * *"},
            (
                "cron",
                "'0 0 2 * * *' is not a cron expression: it has 6 fields. "
                "Write five fields (minute hour day month weekday), as in 0 2 * * 1-5.",
            ),
        ),
        (
            {"cron": "0 25 * * *"},
            (
                "cron",
                "'0 25 * * *' is not a cron expression (bad hour). "
                "Write five fields (minute hour day month weekday), as in 0 2 * * 1-5.",
            ),
        ),
        (
            {"timezone": "Europe/Bukarest"},
            ("timezone", "'Europe/Bukarest' is not a time zone. Did you mean Europe/Bucharest?"),
        ),
        ({"timezone": "../etc"}, ("timezone", "'../etc' is not a time zone. Write it like Europe/Bucharest or UTC.")),
    ],
)
def test_faults_of_schedules_come_with_an_example(fields: dict[str, str], expected: tuple[str, str]) -> None:
    schedule = Schedule(start=at("2026-01-01T00:00"), **fields)
    assert schedule_faults(schedule) == (expected,)
    with pytest.raises(BadInput, match="is not"):
        preview(schedule, schedule.start)


def test_folders_of_zones_are_no_zones() -> None:
    assert schedule_faults(Schedule(start=at("2026-01-01T00:00"), timezone="Europe"))[0][0] == "timezone"


def test_all_faults_of_a_schedule_at_once() -> None:
    faults = schedule_faults(Schedule(start=at("2026-01-01T00:00"), timezone="Mars", every="often"))
    assert [field for field, _ in faults] == ["timezone", "every"]


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from([BUCHAREST, NEW_YORK, "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"])
every = st.builds(lambda number, unit: {"every": f"{number}{unit}"}, st.integers(1, 90), st.sampled_from("mhdwM"))
crons = st.sampled_from(["0 2 * * *", "30 1,2,3 * * *", "*/15 * * * *", "0 */6 * * *", "0 0 31 * *", "5 0 * * MON#1"])
repetitions = st.one_of(every, crons.map(lambda cron: {"cron": cron}))


@settings(deadline=None)
@given(start=moments, after=moments, zone=zones, repetition=repetitions)
def test_next_start_is_later_and_nothing_lies_between(
    start: datetime, after: datetime, zone: str, repetition: dict[str, str]
) -> None:
    schedule = Schedule(start=start, timezone=zone, **repetition)
    found = next_start(schedule, after)
    assert found is not None
    assert found > after
    assert found >= start
    between = after + (found - after) / 2
    assert next_start(schedule, between) == found
    assert next_start(schedule, found - timedelta(microseconds=1)) == found


@settings(deadline=None)
@given(start=moments, zone=zones, repetition=repetitions)
def test_preview_only_goes_forward(start: datetime, zone: str, repetition: dict[str, str]) -> None:
    shown = [one.astimezone(UTC) for one in preview(Schedule(start=start, timezone=zone, **repetition), start, 12)]
    assert len(shown) == 12
    assert shown == sorted(set(shown))


@settings(deadline=None, max_examples=50)
@given(start=moments, zone=zones, repetition=repetitions, hours=st.integers(0, 24 * 40))
def test_starts_of_a_time_are_those_found_one_by_one(
    start: datetime, zone: str, repetition: dict[str, str], hours: int
) -> None:
    schedule = Schedule(start=start, timezone=zone, **repetition)
    last = start + timedelta(hours=hours)
    one_by_one = []
    found = next_start(schedule, start - timedelta(microseconds=1))
    while found is not None and found <= last:
        one_by_one.append(found)
        found = next_start(schedule, found)
    assert list(starts_between(schedule, start, last, limit=10**6)) == one_by_one
