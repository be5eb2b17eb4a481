"""Hostile notebooks, one by one: nothing of them is executed, by the analysis or by `lentiq inspect`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fuzz_canary
import pytest
from fuzz_mutations import code_cell
from fuzz_watched import Watched


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with Watched() as one:
        yield one


def hostile(folder: Path, *cells: dict[str, object]) -> Path:
    """A notebook of these cells among the files that would give an execution away."""
    folder.mkdir(exist_ok=True)
    fuzz_canary.lay_out(folder)
    path = folder / "hostile.ipynb"
    document = {"cells": cells, "metadata": fuzz_canary.METADATA, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("number", range(len(fuzz_canary.CELLS)))
def test_no_hostile_cell_is_executed_by_analysis(tmp_path, watched, number):
    answer = watched.ask(hostile(tmp_path, code_cell(fuzz_canary.CELLS[number])))
    assert answer.faults == []
    assert not (tmp_path / fuzz_canary.TRACE).exists()


def test_no_default_of_an_input_and_no_output_is_executed_by_analysis(tmp_path, watched):
    cells = [code_cell(fuzz_canary.PARAMETERS, "parameters"), code_cell(fuzz_canary.OUTPUTS, "outputs")]
    answer = watched.ask(hostile(tmp_path, *cells))
    assert answer.faults == []
    assert not (tmp_path / fuzz_canary.TRACE).exists()


def test_execution_would_be_noticed(tmp_path):
    """The canary sings: what is hostile here does leave its trace when it is executed."""
    path = hostile(tmp_path)
    for code in (fuzz_canary.CELLS[0], "import canary_module", "import pickle; pickle.load(open('canary.pkl', 'rb'))"):
        subprocess.run([sys.executable, "-c", code], cwd=path.parent, capture_output=True, check=False)
        assert (tmp_path / fuzz_canary.TRACE).exists()
        (tmp_path / fuzz_canary.TRACE).unlink()


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("asked", [["--kernel", "python3"], ["--no-kernel", "--requirements"]])
def test_inspecting_a_hostile_notebook_builds_and_runs_nothing_of_it(tmp_path, asked):
    folder = tmp_path / "notebook"
    folder.mkdir()
    path = hostile(folder, *map(code_cell, fuzz_canary.CELLS), code_cell(fuzz_canary.PARAMETERS, "parameters"))
    before = {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "lentiq_jupyter.cli",
            "inspect",
            str(path),
            *asked,
            "--home",
            str(tmp_path / "home"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "fault of lentiq itself" not in done.stderr, done.stderr
    assert {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()} == before


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("asked", [["--kernel", "python3"], ["--no-kernel"]])
def test_inspecting_builds_no_package_that_an_install_line_names(tmp_path, asked):
    """To build is to execute: a local folder or a repository is told of, and built only when a block is made of it."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "setup.py").write_text(
        f"open({str(tmp_path / fuzz_canary.TRACE)!r}, 'w')\nimport setuptools\nsetuptools.setup()"
    )
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=package, check=True, capture_output=True)
    lines = (
        f"%pip install 'canary-one @ file://{package}'",
        f"%pip install 'canary-two @ git+file://{package}'",
        f"!pip install git+file://{package}#egg=canary-three",
        f"!pip install -e {package} {package}",
    )
    path = hostile(
        tmp_path / "notebook", *(code_cell(line) for line in lines), code_cell("import canary_one, canary_two")
    )
    subprocess.run(
        [sys.executable, "-m", "lentiq_jupyter.cli", "inspect", str(path), *asked, "--home", str(tmp_path / "home")],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert not (tmp_path / fuzz_canary.TRACE).exists()
