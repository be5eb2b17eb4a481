"""Backfills and previews: how times are written and read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cli_office import Office
from click.testing import Result
from fake_service import WORKFLOW

from lentiq_jupyter.cli import starting
from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.model import Schedule, encode

Lentiq = Callable[..., Result]
ZONE = ZoneInfo("Europe/Bucharest")
NIGHTLY = dataclasses.replace(
    WORKFLOW,
    schedule=Schedule(start=datetime(2026, 10, 1, 3, 30, tzinfo=ZONE), timezone="Europe/Bucharest", every="1d"),
)


@pytest.fixture(autouse=True)
def saved(office: Office) -> None:
    office.saved["default", "nightly"] = NIGHTLY


def test_days_of_a_backfill_are_whole_days_of_the_schedules_zone(lentiq: Lentiq, office: Office) -> None:
    shown = lentiq("workflow", "backfill", "nightly", "--from", "2026-10-24", "--to", "2026-10-25").stdout
    first = datetime(2026, 10, 24, tzinfo=ZONE)
    last = datetime(2026, 10, 25, 23, 59, 59, 999999, tzinfo=ZONE)
    assert office.asked == [("backfill_workflow", ("nightly", "default", first, last))]
    assert shown == (
        "Asked for 2 starts of nightly, one after another:\n"
        "  Sat 2026-10-24 00:00 +0300\n"
        "  Sun 2026-10-25 23:59 +0200\n"
    )
    again = lentiq("workflow", "backfill", "nightly", "--from", "2026-10-24", "--to", "2026-10-25").stdout
    assert again == "There is nothing to do: each start of nightly in that time has a run, or waits for one.\n"
    assert lentiq("workflow", "backfill", "nightly").stdout.startswith("2 starts of nightly to come:\n")
    assert lentiq("workflow", "backfill", "nightly", "--withdraw").stdout == "Withdrew 2 starts of nightly.\n"
    assert lentiq("workflow", "backfill", "nightly").stdout == "No start of a backfill of nightly waits.\n"


def test_backfill_as_json_is_the_requested_starts(lentiq: Lentiq, office: Office) -> None:
    words = ("workflow", "backfill", "nightly", "--json")
    added = json.loads(lentiq(*words, "--from", "2026-10-24T03:30Z", "--to", "2026-10-24T03:30Z").stdout)
    assert added == encode(office.requested)
    assert json.loads(lentiq(*words).stdout) == added
    assert json.loads(lentiq(*words, "--withdraw").stdout) == {"withdrawn": 1}


def test_paused_workflow_says_that_its_backfill_waits(lentiq: Lentiq, office: Office) -> None:
    office.saved["default", "nightly"] = dataclasses.replace(NIGHTLY, paused=True)
    shown = lentiq("workflow", "backfill", "nightly", "--from", "2026-10-24", "--to", "2026-10-24").stdout
    assert shown.endswith("They wait, because it is paused. Resume it with: lentiq workflow resume nightly\n")


@pytest.mark.parametrize(
    "words", [("--from", "2026-10-24"), ("--to", "2026-10-24"), ("--withdraw", "--from", "2026-10-24")]
)
def test_half_a_backfill_is_refused(lentiq: Lentiq, office: Office, words: tuple[str, ...]) -> None:
    lentiq("workflow", "backfill", "nightly", *words, code=2)
    assert office.asked == []


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        ("2026-10-25", False, datetime(2026, 10, 25, tzinfo=ZONE)),
        ("2026-10-25", True, datetime(2026, 10, 25, 23, 59, 59, 999999, tzinfo=ZONE)),
        ("2026-10-25T02:00", True, datetime(2026, 10, 25, 2, tzinfo=ZONE)),
        ("2026-10-25 02:00", False, datetime(2026, 10, 25, 2, tzinfo=ZONE)),
        ("2026-10-25T02:00Z", True, datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_the_zone_unless_they_name_another(text: str, end: bool, expected: datetime) -> None:
    assert starting.read_time(text, ZONE, end_of_day=end) == expected


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "24.10.2026"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="Write 2026-11-01 or"):
        starting.read_time(text, ZONE)


def test_preview_shows_local_times_weekdays_and_changes_of_the_clocks() -> None:
    starts = starting.next_starts(NIGHTLY, datetime(2026, 10, 23, 12, tzinfo=UTC), 3)
    assert starting.preview(NIGHTLY, starts) == (
        "nightly in Europe/Bucharest\n"
        "DAY  DATE        TIME   OFFSET\n"
        "Sat  2026-10-24  03:30  +0300 DST\n"
        "Sun  2026-10-25  03:30  +0300 DST  03:30 comes twice that day: this is the first\n"
        "Mon  2026-10-26  03:30  +0200      the clocks have changed"
    )
    assert starts[2] == {
        "start": "2026-10-26T01:30:00+00:00",
        "local": "2026-10-26T03:30:00+02:00",
        "weekday": "Mon",
        "summer_time": False,
        "clock_change": "",
    }


def test_preview_has_as_many_starts_as_asked_for(lentiq: Lentiq, office: Office) -> None:
    assert len(json.loads(lentiq("workflow", "preview", "nightly", "-n", "25", "--json").stdout)) == 25
    assert len(lentiq("workflow", "preview", "nightly").stdout.splitlines()) == 12
    office.saved["default", "nightly"] = dataclasses.replace(NIGHTLY, paused=True)
    assert "it is paused: none of these happens" in lentiq("workflow", "preview", "nightly").stdout


def test_preview_without_a_schedule_or_a_start_to_come_says_so(lentiq: Lentiq, office: Office) -> None:
    office.saved["default", "nightly"] = WORKFLOW
    assert lentiq("workflow", "preview", "nightly").stdout == (
        "nightly has no schedule. Start it with: lentiq workflow start nightly\n"
    )
    past = Schedule(start=datetime.now(UTC) - timedelta(days=1))
    office.saved["default", "nightly"] = dataclasses.replace(WORKFLOW, schedule=past)
    assert lentiq("workflow", "preview", "nightly").stdout == "nightly in UTC\nIt has no start to come.\n"
