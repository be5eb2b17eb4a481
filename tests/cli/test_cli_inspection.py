"""How an inspection reads on a terminal."""

from __future__ import annotations

import dataclasses

import click
import pytest
from rich_inspection import RICH, huge

from lentiq_jupyter.cli.follow import StepLines
from lentiq_jupyter.cli.inspection import grid, inspection
from lentiq_jupyter.model import Facts, Finding, Inspection, Place, ProgressEvent, Severity, Step


def shown(found: Inspection, **words: int) -> list[str]:
    return click.unstyle(inspection(found, **words)).splitlines()


def section(lines: list[str], title: str) -> list[str]:
    begin = lines.index(title) + 1
    return lines[begin : lines.index("", begin)] if "" in lines[begin:] else lines[begin:]


def test_head_says_who_was_asked_and_how_it_would_be_proven() -> None:
    assert shown(RICH)[:5] == [
        "notebook  clean.ipynb, 9 cells",
        "kernel    python3",
        "python    3.11 (/opt/python/bin/python; the running kernel was asked too)",
        "last run  8 cells in 41.5 s",
        "proof     publishing would try its imports only: it fetches data when it runs, and the proof has no network",
    ]


def test_packages_have_version_witness_and_why_and_dependencies_are_one_line() -> None:
    lines = section(shown(RICH), "Packages (11)")
    assert (lines[0].split(), len(lines)) == (["NAME", "VERSION", "WITNESS", "WHY"], 10)
    assert "  openpyxl         3.1.5      loaded in the kernel  read_excel, cell 4" in lines
    assert lines[-1] == "  and 3 that these need: contourpy, numpy, python-dateutil (--all lists them)"


def test_all_lists_dependencies_and_imports() -> None:
    lines = shown(RICH, everything=True)
    assert "  numpy            1.26.4     dependency            needed by pandas, scikit-learn" in lines
    assert section(lines, "Imports")[-1].split() == ["rich", "(optional)", "cell", "2,", "line", "8"]


def test_cells_are_counted_from_one() -> None:
    finding = Finding(severity=Severity.ERROR, code="x", message="Wrong.", place=Place(file="n.ipynb", cell=0, line=3))
    elsewhere = dataclasses.replace(finding, place=Place(file="rules.py", line=7))
    facts = Facts(notebook="n.ipynb", sha256="", kernel="", cells=1, findings=(finding, elsewhere))
    assert section(shown(Inspection(facts=facts)), "Findings") == [
        "  error  Wrong. (cell 1, line 3)",
        "  error  Wrong. (rules.py, line 7)",
    ]


def test_large_files_and_secrets_say_what_to_do() -> None:
    lines = shown(RICH)
    assert "  data/history.parquet  734.0 MB  data    cell 4, line 2 (large: needs your decision)" in lines
    assert section(lines, "Files (3, 734.1 MB)")[-1].startswith(
        "  Publishing asks whether large files go in: --include"
    )
    assert any("--secret github_token makes it a secret input" in line for line in lines)


def test_empty_sections_are_left_out() -> None:
    assert shown(Inspection(facts=Facts(notebook="n.ipynb", sha256="", kernel="", cells=1), lock=None)) == [
        "notebook  n.ipynb, 1 cell",
        "kernel    none named",
        "python    no kernel asked: versions are the package index's",
        "proof     publishing would run it",
    ]


def test_lines_keep_to_the_terminals_width() -> None:
    long = [line for line in shown(RICH, width=80, everything=True) if len(line) > 80]
    assert long == []
    assert max(len(line) for line in shown(huge(), width=60)) <= 60


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert grid(("a", "b"), [("x\x1b[2J", "y\n\x07")], 0)[1] == "  x�[2J  y��"


def test_a_repeated_build_is_a_round(capsys: pytest.CaptureFixture[str]) -> None:
    lines = StepLines()
    for step, message in (
        (Step.BUILD, "sending"),
        (Step.VERIFY, "openpyxl added after cell 4; building again"),
        (Step.ANALYSE, "reading a.ipynb"),
        (Step.VERIFY, "starting the block"),
    ):
        lines.show(ProgressEvent(step=step, message=message))
    assert capsys.readouterr().err == (
        "    build  sending\n"
        "   verify  openpyxl added after cell 4; building again\n"
        "           round 2\n"
        "  analyse  reading a.ipynb\n"
        "   verify  starting the block\n"
    )


def test_what_only_counts_on_is_its_begin_and_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    lines = StepLines()
    for done in range(1, 5):
        lines.show(ProgressEvent(step=Step.BUILD, message=f"sending {done} of 4 MB", done=done, total=4))
    for row in (1, 2):
        lines.show(ProgressEvent(step=Step.VERIFY, message=f"row {row}"))
    assert capsys.readouterr().err == (
        "    build  sending 1 of 4 MB\n    build  sending 4 of 4 MB\n   verify  row 1\n   verify  row 2\n"
    )
