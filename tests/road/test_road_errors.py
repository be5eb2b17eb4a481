"""What goes wrong ends in one clear sentence, an exit code, no traceback and nothing half-registered."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest_road import SLEEPER, Road, write_notebook

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture
def empty(tmp_path: Path) -> Road:
    """A home in which nothing was published yet."""
    return Road(tmp_path / "home", "process")


def refused(road: Road, code: int, *words: str) -> str:
    """The one sentence that a refused command prints."""
    done = road.lentiq(*words, code=code)
    lines = done.stderr.strip().splitlines()
    # A traceback of this program names files; the log of a notebook that was proven names cells.
    assert 'File "' not in done.stderr
    assert lines
    assert lines[-1].startswith("lentiq: ")
    return lines[-1]


def test_broken_notebook_is_named(empty: Road, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ipynb"
    broken.write_text('{"cells": [', encoding="utf-8")
    assert "broken.ipynb" in refused(empty, 8, "publish", str(broken))
    assert empty.workspace.blocks() == []


def test_missing_notebook_is_named(empty: Road) -> None:
    assert "absent.ipynb" in refused(empty, 3, "publish", "absent.ipynb")


def test_missing_kernel_names_those_that_exist(empty: Road, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "plain.ipynb", SLEEPER)
    said = refused(empty, 3, "publish", str(path), "--kernel", "julia-1.9")
    assert "julia-1.9" in said
    assert "python3" in said
    assert empty.workspace.blocks() == []


def test_notebook_that_fails_is_not_registered(empty: Road, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "failing.ipynb", [(None, "x = 1"), (None, "x / 0")])
    assert "ZeroDivisionError" in refused(empty, 9, "publish", str(path))
    assert empty.workspace.blocks() == []


def test_unwritable_home_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder", encoding="utf-8")
    road = Road(tmp_path / "home", "process")
    path = write_notebook(tmp_path / "plain.ipynb", SLEEPER)
    assert str(tmp_path / "home") in refused(road, 10, "publish", str(path))


def test_unreachable_registry_is_named(tmp_path: Path) -> None:
    road = Road(tmp_path / "home", "process", registry="127.0.0.1:1/team")
    path = write_notebook(tmp_path / "plain.ipynb", SLEEPER)
    assert "127.0.0.1:1" in refused(road, 10, "publish", str(path))


def test_wrong_input_type_is_refused_before_anything_runs(process_road: Road) -> None:
    said = refused(process_road, 2, "run", "sleeper", "-i", "rows=many")
    assert "rows" in said
    assert "int" in said


def test_unknown_block_is_named(process_road: Road) -> None:
    assert "nothing-here" in refused(process_road, 3, "run", "nothing-here")


def test_secret_in_a_cell_is_refused_without_being_printed(empty: Road, tmp_path: Path) -> None:
    secret = "AKIA" + "Q" * 16
    path = write_notebook(tmp_path / "leak.ipynb", [(None, f"key = '{secret}'")])
    done = empty.lentiq("publish", str(path), code=7)
    assert secret not in done.stdout + done.stderr
    assert empty.workspace.blocks() == []


def test_run_follows_to_the_end_and_prints_outputs(process_road: Road) -> None:
    document = json.loads(
        process_road.lentiq("run", "sleeper", "-i", "rows=5", "-i", 'name=O\'Hara "$(id)"', "--json").stdout
    )
    task = document["tasks"][0]
    assert (document["state"], task["outputs"]) == (
        "SUCCEEDED",
        {"total": 10, "greeting": 'hello O\'Hara "$(id)"'},
    )
    assert os.path.exists(
        process_road.lentiq("runs", "open", document["id"], "sleeper").stdout.strip().splitlines()[-1]
    )
