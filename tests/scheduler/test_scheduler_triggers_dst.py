"""Starts around changes of the clocks, against moments written down by hand from the zones' published rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lentiq_jupyter.model import Schedule
from lentiq_jupyter.scheduler.triggers import clock_change, next_start, preview, starts_after, starts_between

BUCHAREST = "Europe/Bucharest"  # 29 Mar 2026 01:00Z: 03:00 → 04:00; 25 Oct 2026 01:00Z: 04:00 → 03:00
NEW_YORK = "America/New_York"  # 8 Mar 2026 07:00Z: 02:00 → 03:00; 1 Nov 2026 06:00Z: 02:00 → 01:00
LORD_HOWE = "Australia/Lord_Howe"  # 4 Apr 2026 15:00Z: 02:00 → 01:30; 3 Oct 2026 15:30Z: 02:00 → 02:30
APIA = "Pacific/Apia"  # 30 Dec 2011 10:00Z: from the end of the 29th to the 31st; the 30th was left out
CAIRO = "Africa/Cairo"  # no summer time from 2015 on; again from 27 Apr 2023 22:00Z: 00:00 → 01:00
AMMAN = "Asia/Amman"  # winter time ended for good on 24 Feb 2022 22:00Z: 00:00 → 01:00

# zone, first start on its clock, repetition, how many later starts, their moments in UTC (without the Z)
DST_TABLE = [
    # Europe: days keep the time on the wall
    (BUCHAREST, "2026-03-28T02:00", {"every": "1d"}, ["03-29T00:00", "03-29T23:00"]),
    (BUCHAREST, "2026-03-28T03:30", {"every": "1d"}, ["03-29T01:30", "03-30T00:30"]),
    (BUCHAREST, "2026-10-24T03:30", {"every": "1d"}, ["10-25T00:30", "10-26T01:30"]),
    (BUCHAREST, "2026-03-22T03:30", {"every": "1w"}, ["03-29T01:30", "04-05T00:30"]),
    (BUCHAREST, "2026-03-29T00:00", {"every": "6h"}, ["03-29T04:00", "03-29T10:00"]),
    (BUCHAREST, "2026-03-28T12:00", {"cron": "30 3 * * *"}, ["03-29T01:00", "03-30T00:30"]),
    (BUCHAREST, "2026-03-28T12:00", {"cron": "0 3,4 * * *"}, ["03-29T01:00", "03-30T00:00"]),
    (BUCHAREST, "2026-10-24T12:00", {"cron": "30 3 * * *"}, ["10-25T00:30", "10-26T01:30"]),
    (BUCHAREST, "2026-10-25T03:00", {"cron": "*/30 3 * * *"}, ["10-25T00:30", "10-25T01:00", "10-25T01:30"]),
    (BUCHAREST, "2026-03-28T12:00", {"cron": "*/30 3 * * *"}, ["03-30T00:00", "03-30T00:30"]),
    # months from the 31st, and into a gap
    (
        BUCHAREST,
        "2026-01-31T02:00",
        {"every": "1M"},
        [
            "02-28T00:00",
            "03-30T23:00",
            "04-29T23:00",
            "05-30T23:00",
            "06-29T23:00",
            "07-30T23:00",
            "08-30T23:00",
            "09-29T23:00",
            "10-31T00:00",
            "11-30T00:00",
            "12-31T00:00",
        ],
    ),
    (BUCHAREST, "2026-01-29T03:30", {"every": "1M"}, ["02-28T01:30", "03-29T01:30", "04-29T00:30"]),
    # United States
    (NEW_YORK, "2026-03-07T02:30", {"every": "1d"}, ["03-08T07:30", "03-09T06:30"]),
    (NEW_YORK, "2026-10-31T01:30", {"every": "1d"}, ["11-01T05:30", "11-02T06:30"]),
    (NEW_YORK, "2026-11-01T00:00", {"every": "1h"}, ["11-01T05:00", "11-01T06:00", "11-01T07:00"]),
    (NEW_YORK, "2026-03-07T12:00", {"cron": "30 2 * * *"}, ["03-08T07:00", "03-09T06:30"]),
    (NEW_YORK, "2026-10-31T12:00", {"cron": "30 1 * * *"}, ["11-01T05:30", "11-02T06:30"]),
    (NEW_YORK, "2026-11-01T00:30", {"cron": "0 * * * *"}, ["11-01T05:00", "11-01T06:00", "11-01T07:00"]),
    # half an hour
    (LORD_HOWE, "2026-10-03T02:15", {"every": "1d"}, ["10-03T15:45", "10-04T15:15"]),
    (LORD_HOWE, "2026-04-04T01:45", {"every": "1d"}, ["04-04T14:45", "04-05T15:15"]),
    (LORD_HOWE, "2026-10-03T12:00", {"cron": "15 2 * * *"}, ["10-03T15:30", "10-04T15:15"]),
    (LORD_HOWE, "2026-04-04T12:00", {"cron": "45 1 * * *"}, ["04-04T14:45", "04-05T15:15"]),
    (LORD_HOWE, "2026-04-04T23:00", {"cron": "0 */6 * * *"}, ["04-04T13:00", "04-04T19:30", "04-05T01:30"]),
    (LORD_HOWE, "2026-10-03T23:00", {"cron": "0 */6 * * *"}, ["10-03T13:30", "10-03T19:00", "10-04T01:00"]),
    (
        LORD_HOWE,
        "2026-04-05T01:15",
        {"cron": "*/15 * * * *"},
        ["04-04T14:30", "04-04T14:45", "04-04T15:00", "04-04T15:15", "04-04T15:30"],
    ),
    (LORD_HOWE, "2026-04-05T00:00", {"cron": "*/20 2 * * *"}, ["04-04T15:30", "04-04T15:50", "04-04T16:10"]),
    # zones that changed their rules: a day left out, summer time again, winter time no more
    (APIA, "2011-12-28T10:00", {"every": "1d"}, ["12-29T20:00", "12-30T20:00", "12-31T20:00"]),
    (APIA, "2011-12-28T12:00", {"cron": "0 10 * * *"}, ["12-29T20:00", "12-30T10:00", "12-30T20:00", "12-31T20:00"]),
    (APIA, "2011-12-29T20:00", {"cron": "0 */12 * * *"}, ["12-30T10:00", "12-30T22:00", "12-31T10:00"]),
    (CAIRO, "2023-04-26T00:30", {"every": "1d"}, ["04-26T22:30", "04-27T22:30", "04-28T21:30"]),
    (CAIRO, "2023-04-26T12:00", {"cron": "30 0 * * *"}, ["04-26T22:30", "04-27T22:00", "04-28T21:30"]),
    (CAIRO, "2023-04-27T12:00", {"cron": "*/30 0 * * *"}, ["04-28T21:00", "04-28T21:30"]),
    (CAIRO, "2023-04-24T12:00", {"cron": "*/30 0 * * 5"}, ["05-04T21:00", "05-04T21:30"]),
    (CAIRO, "2022-04-28T00:30", {"every": "1d"}, ["04-28T22:30", "04-29T22:30"]),
    (CAIRO, "2023-10-25T23:30", {"every": "1d"}, ["10-26T20:30", "10-27T21:30"]),
    (AMMAN, "2022-02-24T02:00", {"every": "1d"}, ["02-24T23:00", "02-25T23:00"]),
    (AMMAN, "2022-10-27T02:00", {"every": "1d"}, ["10-27T23:00", "10-28T23:00"]),
    (AMMAN, "2021-10-28T02:00", {"every": "1d"}, ["10-29T00:00", "10-30T00:00"]),
]


def moment(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(("zone", "start", "repetition", "expected"), DST_TABLE)
def test_starts_around_changes_of_the_clocks(
    zone: str, start: str, repetition: dict[str, str], expected: list[str]
) -> None:
    schedule = Schedule(start=moment(start, zone), timezone=zone, **repetition)
    found = [one.astimezone(UTC) for one in preview(schedule, schedule.start, len(expected))]
    assert [one.isoformat(timespec="minutes")[:16] for one in found] == [f"{start[:4]}-{one}" for one in expected]
    # Asked one by one, from wherever, it is the same.
    assert [next_start(schedule, one - timedelta(seconds=1)) for one in found] == found
    assert [next_start(schedule, one) for one in [schedule.start, *found][:-1]] == found


@pytest.mark.parametrize(
    ("zone", "start", "repetition", "expected"),
    [
        (
            BUCHAREST,
            "2026-03-28T03:30",
            {"every": "1d"},
            ["", "03:30 does not exist that day", ""],
        ),
        (BUCHAREST, "2026-03-28T03:00", {"cron": "30 3 * * *"}, ["", "03:30 does not exist that day", ""]),
        (BUCHAREST, "2026-03-29T00:00", {"cron": "0 4 * * *"}, ["", ""]),
        (
            BUCHAREST,
            "2026-10-24T03:30",
            {"every": "1d"},
            ["", "03:30 comes twice that day: this is the first", ""],
        ),
        (
            NEW_YORK,
            "2026-11-01T00:30",
            {"cron": "0 * * * *"},
            ["01:00 comes twice that day: this is the first", "01:00 comes twice that day: this is the second", ""],
        ),
        (LORD_HOWE, "2026-10-03T01:00", {"cron": "15 2 * * *"}, ["", "02:15 does not exist that day", ""]),
        (LORD_HOWE, "2026-10-03T02:15", {"every": "1d"}, ["", "02:15 does not exist that day", ""]),
        (CAIRO, "2023-04-27T00:30", {"every": "1d"}, ["", "00:30 does not exist that day", ""]),
        (APIA, "2011-12-28T10:00", {"every": "1d"}, ["", "", "2011-12-30 10:00 does not exist"]),
        (NEW_YORK, "2026-03-08T01:30", {"every": "30m"}, ["", "", ""]),
    ],
)  # fmt: skip
def test_preview_can_say_what_a_change_of_the_clocks_did(
    zone: str, start: str, repetition: dict[str, str], expected: list[str]
) -> None:
    schedule = Schedule(start=moment(start, zone), timezone=zone, **repetition)
    shown = preview(schedule, schedule.start - timedelta(seconds=1), len(expected))
    assert [clock_change(schedule, one) for one in shown] == expected


# zone and a moment within a day of a change of its clocks
CHANGES = [
    (BUCHAREST, datetime(2026, 3, 29, 1, tzinfo=UTC)),
    (BUCHAREST, datetime(2026, 10, 25, 1, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 3, 8, 7, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 11, 1, 6, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 4, 4, 15, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    (APIA, datetime(2011, 12, 30, 10, tzinfo=UTC)),
    (CAIRO, datetime(2023, 4, 27, 22, tzinfo=UTC)),
    (CAIRO, datetime(2023, 10, 26, 21, tzinfo=UTC)),
    (AMMAN, datetime(2022, 2, 24, 22, tzinfo=UTC)),
    ("America/Caracas", datetime(2016, 5, 1, 7, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 1, 1, tzinfo=UTC)),
]
MINUTES = {
    "*": range(60),
    "*/15": range(0, 60, 15),
    "0": (0,),
    "30": (30,),
    "15,45": (15, 45),
    "20-40/10": (20, 30, 40),
}
HOURS = {
    "*": range(24),
    "*/6": range(0, 24, 6),
    "*/2": range(0, 24, 2),
    "2": (2,),
    "1-3": (1, 2, 3),
    "0": (0,),
    "23,0": (0, 23),
}
WEEKDAYS = {"*": range(7), "0": (6,), "4-5": (3, 4), "1": (0,)}  # in cron Sunday is 0, in Python Monday


def scanned(fields: tuple[str, str, str], zone: ZoneInfo, first: datetime, last: datetime) -> list[datetime]:
    """The starts of a cron expression, by looking at every minute: Debian's rules as cron(8) has them."""

    def matches(wall: datetime) -> bool:
        minute, hour, weekday = fields
        return wall.minute in MINUTES[minute] and wall.hour in HOURS[hour] and wall.weekday() in WEEKDAYS[weekday]

    real_time = fields[0].startswith("*") or fields[1].startswith("*")
    found: list[datetime] = []
    now = first
    before = (now - timedelta(minutes=1)).astimezone(zone).replace(tzinfo=None)
    while now <= last:
        local = now.astimezone(zone)
        wall = local.replace(tzinfo=None, fold=0)
        if real_time:
            due = matches(wall)
        else:
            left_out = before + timedelta(minutes=1)
            due = matches(wall) and not local.fold
            while left_out < wall:
                due = due or matches(left_out)
                left_out += timedelta(minutes=1)
        if due:
            found.append(now)
        before = wall
        now += timedelta(minutes=1)
    return found


@settings(deadline=None, max_examples=150)
@given(
    change=st.sampled_from(CHANGES),
    fields=st.tuples(st.sampled_from(list(MINUTES)), st.sampled_from(list(HOURS)), st.sampled_from(list(WEEKDAYS))),
    before=st.integers(0, 30 * 60),
)
def test_cron_is_what_a_look_at_every_minute_finds(
    change: tuple[str, datetime], fields: tuple[str, str, str], before: int
) -> None:
    zone, at = change
    first, last = at - timedelta(minutes=before), at + timedelta(hours=30)
    minute, hour, weekday = fields
    schedule = Schedule(start=at - timedelta(days=9), timezone=zone, cron=f"{minute} {hour} * * {weekday}")
    expected = scanned(fields, ZoneInfo(zone), first, last)
    assert list(starts_between(schedule, first, last)) == expected
    one_by_one = []
    start = next_start(schedule, first - timedelta(seconds=1))
    while start is not None and start <= last:
        one_by_one.append(start)
        start = next_start(schedule, start)
    assert one_by_one == expected


@settings(deadline=None, max_examples=100)
@given(
    change=st.sampled_from(CHANGES),
    every=st.sampled_from(["7m", "90m", "5h", "1d", "2d", "1w", "1M"]),
    start_before=st.integers(0, 40 * 24 * 60),
    asked=st.integers(-3 * 24 * 60, 3 * 24 * 60),
)
def test_repetitions_are_the_same_wherever_they_are_asked_from(
    change: tuple[str, datetime], every: str, start_before: int, asked: int
) -> None:
    zone, at = change
    schedule = Schedule(start=at - timedelta(minutes=start_before), timezone=zone, every=every)
    last = at + timedelta(days=4)
    all_of_them = starts_between(schedule, schedule.start, last)
    assert list(all_of_them) == sorted(set(all_of_them))
    after = at + timedelta(minutes=asked)
    expected = next((one for one in all_of_them if one > after), None)
    if expected is not None:
        assert next_start(schedule, after) == expected
        assert next(starts_after(schedule, after)) == expected
