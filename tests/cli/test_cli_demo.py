"""The demo over a fake service: what it does the first time, the second time, and when a task fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cli_office import Office
from click.testing import Result

from lentiq_jupyter.cli import demo
from lentiq_jupyter.model import PublishRequest, TaskState

Lentiq = Callable[..., Result]


def test_first_demo_is_started_by_its_schedule_and_left_paused(lentiq: Lentiq, office: Office) -> None:
    result = lentiq("demo")
    saved = office.saved["default", "wine-demo"]
    assert [(one.name, one.inputs) for one in saved.tasks] == [
        ("prepare", {}),
        ("train", {"table": "${{ tasks.prepare.outputs.table }}"}),
    ]
    assert saved.schedule is not None
    assert (saved.schedule.start < datetime.now(UTC), saved.schedule.every, saved.paused) == (True, "1d", True)
    folder = office.home / "demo"
    assert sorted(path.name for path in folder.iterdir()) == [
        "prepare-wine.Dockerfile",
        "prepare-wine.ipynb",
        "train-classifier.Dockerfile",
        "train-classifier.ipynb",
    ]
    for said in ("train: cell 1 of 2 done", "train.total = 6", "jupyter lab", "is paused now"):
        assert said in result.stdout


def test_second_demo_is_started_by_hand_and_keeps_changed_notebooks(lentiq: Lentiq, office: Office) -> None:
    lentiq("demo")
    changed = office.home / "demo" / "prepare-wine.ipynb"
    changed.write_text("{}")
    result = lentiq("demo")
    assert changed.read_text() == "{}"
    assert (len(office.made), office.saved["default", "wine-demo"].paused) == (2, True)
    for said in ("which you changed", "note: unchanged", "started by hand"):
        assert said in result.stdout


def test_demo_that_fails_says_why(lentiq: Lentiq, office: Office) -> None:
    office.end = TaskState.FAILED
    result = lentiq("demo", code=1)
    assert "is FAILED: prepare: cell 2 raised ValueError. See its log" in result.stderr
    assert office.saved["default", "wine-demo"].paused


def test_demo_without_its_packages_asks_no_kernel(
    lentiq: Lentiq, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "MODULES", ("no_such_module",))
    assert "newest versions" in lentiq("demo", "--base", "b:1").stdout
    requests = [given for name, given in office.asked if name == "publish"]
    folder = office.home / "demo"
    assert requests == [
        PublishRequest(path=str(folder / f"{name}.ipynb"), name=name, no_kernel=True, base="b:1")
        for name in ("prepare-wine", "train-classifier")
    ]
