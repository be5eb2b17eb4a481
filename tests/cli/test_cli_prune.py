"""``lentiq prune``: what it asks for, and what it shows."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cli_office import Office
from click.testing import Result

Lentiq = Callable[..., Result]


def test_each_kind_is_a_line_with_sizes_before_and_after(lentiq: Lentiq, office: Office) -> None:
    assert lentiq("prune").stdout.splitlines() == [
        "KIND             BEFORE   AFTER    FREED    REMOVED",
        "packed layers    30.0 MB  19.5 MB  10.5 MB  2",
        "unpacked blocks  2.0 kB   2.0 kB   0 B      0",
        "! One is in use.",
        "10.5 MB freed.",
    ]
    assert office.asked == [("prune", (False, None, False))]


def test_dry_run_says_that_nothing_was_changed(lentiq: Lentiq, office: Office) -> None:
    shown = lentiq("prune", "--dry-run", "--keep-days", "3").stdout.splitlines()
    assert shown[0] == "KIND             BEFORE   AFTER    WOULD FREE  REMOVES"
    assert shown[-1] == "10.5 MB would be freed; nothing was changed."
    assert office.asked == [("prune", (True, 3.0, False))]


def test_all_keeps_no_days(lentiq: Lentiq, office: Office) -> None:
    lentiq("prune", "--all", "--docker")
    assert office.asked == [("prune", (False, 0.0, True))]


@pytest.mark.parametrize("words", [("--all", "--keep-days", "3"), ("--keep-days", "few")])
def test_words_that_contradict_are_refused(lentiq: Lentiq, office: Office, words: tuple[str, ...]) -> None:
    lentiq("prune", *words, code=2)
    assert office.asked == []


def test_as_json_it_is_the_record(lentiq: Lentiq) -> None:
    assert json.loads(lentiq("prune", "--json").stdout) == {
        "dry_run": False,
        "kinds": [
            {"kind": "packed layers", "count": 2, "bytes_before": 30000000, "bytes_freed": 10500000, "left": []},
            {"kind": "unpacked blocks", "count": 0, "bytes_before": 2000, "bytes_freed": 0, "left": ["One is in use."]},
        ],
        "problems": [],
    }


def test_what_could_not_be_looked_at_is_told_with_an_exit_code(lentiq: Lentiq, office: Office) -> None:
    office.problems = ("registry: index.json is damaged.",)
    done = lentiq("prune", code=10)
    assert "10.5 MB freed." in done.stdout
    assert done.stderr == "lentiq: registry: index.json is damaged. The rest was looked at.\n"
