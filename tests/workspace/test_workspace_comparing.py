"""What differs between notebooks: by nbdime, without trust."""

from __future__ import annotations

import json

import pytest

from lentiq_jupyter.workspace import comparing
from lentiq_jupyter.workspace.comparing import compare_notebooks, same_cells


def cell(source: object, kind: str = "code", **more: object) -> dict[str, object]:
    return {"cell_type": kind, "source": source, "metadata": {}, **more}


def notebook(*cells: object) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def test_changed_added_and_removed_cells_are_told_without_colours() -> None:
    old = notebook(cell("import pandas\nlimit = 1\nx = 2"), cell("# Sales", "markdown"), cell("print('gone with it')"))
    new = notebook(cell("import pandas\nlimit = 2\nx = 2"), cell("# Sales", "markdown"), cell("y = [n**2 for n in z]"))
    assert compare_notebooks(old, new) == (
        "## modified /cells/0/source:\n"
        "@@ -1,3 +1,3 @@\n"
        "   import pandas\n"
        "-  limit = 1\n"
        "+  limit = 2\n"
        "   x = 2\n"
        "## inserted before /cells/2:\n"
        "+  code cell:\n"
        "+    source:\n"
        "+      y = [n**2 for n in z]\n"
        "\n"
        "## deleted /cells/2:\n"
        "-  code cell:\n"
        "-    source:\n"
        "-      print('gone with it')\n"
        "\n"
    )


@pytest.mark.parametrize(
    "other",
    [
        cell("x = 1", id="another"),
        cell("x = 1", outputs=[{"output_type": "stream", "text": "1"}], execution_count=7),
        cell(["x = ", "1"], metadata={"collapsed": True, "tags": []}),
    ],
)
def test_what_does_not_run_makes_no_difference(other: object) -> None:
    assert compare_notebooks(notebook(cell("x = 1")), notebook(other)) == ""
    assert same_cells(notebook(cell("x = 1")), notebook(other))


def test_cells_are_known_again_by_id_or_by_likeness() -> None:
    first, second = "rows = read_rows('sales.csv')", "total = sum(row.price for row in rows)"
    inserted = compare_notebooks(
        notebook(cell(first), cell(second)), notebook(cell("z = 0"), cell(first), cell(second))
    )
    assert inserted.startswith("## inserted before /cells/0:\n+  code cell:\n+    source:\n+      z = 0\n")
    assert "rows" not in inserted
    renewed = compare_notebooks(notebook(cell(first, id="a")), notebook(cell("nothing alike", id="a")))
    assert renewed.startswith("## modified /cells/0/source:\n")


def test_tags_count() -> None:
    found = compare_notebooks(notebook(cell("x = 1")), notebook(cell("x = 1", metadata={"tags": ["parameters"]})))
    assert "added /cells/0/metadata/tags" in found
    assert "parameters" in found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"cells": 3}',
        b"[" * 100_000,
        notebook(None),
        notebook({"cell_type": "other", "source": "", "metadata": {}}),
        notebook(cell(3)),
        notebook(cell("", metadata={"tags": 3})),
        notebook(cell("", metadata=[])),
    ],
)
def test_what_is_no_notebook_is_said_to_be_none(body: bytes) -> None:
    assert compare_notebooks(notebook(cell("x")), body) == "The new notebook cannot be read.\n"
    assert compare_notebooks(body, notebook(cell("x"))) == "The old notebook cannot be read.\n"


def test_odd_but_whole_notebooks_are_compared() -> None:
    same_ids = notebook(cell("a = 1", id="x"), cell("b = 2", id="x"))
    assert "a = 2" in compare_notebooks(same_ids, notebook(cell("a = 2", id="x"), cell("b = 2", id="x")))
    assert "\\ud800" not in compare_notebooks(notebook(cell("a = '\ud800'")), notebook(cell("b = 1")))


def test_notebooks_that_take_too_long_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_LIMIT_S", 1.5)
    hostile = [notebook(*(cell(f"{one}{n % 7}" * 1000 + "ab" * n) for n in range(300))) for one in ("ab", "ba")]
    assert compare_notebooks(*hostile) == ("The notebooks differ so much that they were not compared within 2 s.\n")


def test_very_large_notebooks_are_not_compared() -> None:
    assert compare_notebooks(notebook(cell("a" * 5_000_000)), notebook(cell("b"))) == (
        "The notebooks differ, and are too large to be compared.\n"
    )


def test_long_answers_are_cut() -> None:
    lines = "\n".join(f"value_{number} = {number}" for number in range(20_000))
    found = compare_notebooks(notebook(cell("x = 1")), notebook(cell(lines)))
    assert len(found) < 210_000
    assert found.endswith("\n… (the rest is left out)\n")
