"""Hidden state and the record of the last execution."""

from __future__ import annotations

import json
from pathlib import Path

from lentiq_jupyter.analysis import analyse
from lentiq_jupyter.model import Facts, LastRun


def read(folder: Path, *cells: dict[str, object] | str) -> Facts:
    made = []
    for cell in cells:
        given = {"source": cell} if isinstance(cell, str) else cell
        made.append({"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, **given})
    path = folder / "nb.ipynb"
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return analyse(path)


def said(facts: Facts, code: str) -> list[str]:
    return [one.message for one in facts.findings if one.code == code]


def test_every_cell_run_out_of_order_is_named(tmp_path):
    counts = [3, 1, 4, 2]
    facts = read(tmp_path, *({"source": f"x{n} = 1", "execution_count": n} for n in counts))
    assert [message.split(" run")[0] for message in said(facts, "out-of-order")] == ["Cells 2, 4 were"]


def test_a_name_that_no_cell_above_defines_is_told_with_its_cells(tmp_path):
    facts = read(tmp_path, "print(later)\nprint(never)", "later = 1\nlater")
    found = said(facts, "undefined-name")
    assert [message.split(":")[0] for message in found] == [
        "later is used in cell 1, but first defined in cell 2",
        "never is used in cell 1, but no cell defines it. Define it, or make it an input.",
    ]


def test_a_gap_in_the_counts_tells_of_a_deleted_cell(tmp_path):
    facts = read(
        tmp_path, {"source": "a = 1", "execution_count": 1}, {"source": "print(a + gone)", "execution_count": 3}
    )
    assert said(facts, "undefined-name")[0].startswith("gone is used in cell 2, but no cell defines it. The cell that")


def test_names_from_where_only_a_run_reads_are_not_told(tmp_path):
    for cell in ("%run other.py", "from numpy import *", "exec(code)", "%pylab inline"):
        assert said(read(tmp_path, cell, "print(thing)"), "undefined-name") == [], cell
    quiet = (
        "display(In, Out, _, get_ipython())",
        "%%capture out\n1",
        "print(out)",
        "def f():\n    return g()",
        "g = 1",
    )
    assert said(read(tmp_path, *quiet), "undefined-name") == []


def test_parameters_without_a_value_are_defined_by_every_run(tmp_path):
    cell = {"source": "rows: int", "metadata": {"tags": ["parameters"]}}
    assert said(read(tmp_path, cell, "print(rows)"), "undefined-name") == []


def test_last_run_counts_cells_time_and_the_cell_that_failed(tmp_path):
    timing = {"iopub.execute_input": "2026-01-01T00:00:00.000Z", "shell.execute_reply": "2026-01-01T00:00:02.500Z"}
    extension = {"start_time": "2026-01-01T00:00:03.000Z", "end_time": "2026-01-01T00:00:04.000Z"}
    error = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
    facts = read(
        tmp_path,
        {"source": "1", "execution_count": 1, "metadata": {"execution": timing}},
        {"source": "2", "execution_count": 2, "metadata": {"ExecuteTime": extension}, "outputs": [error]},
        "3",
    )
    assert facts.last_run == LastRun(cells=2, seconds=3.5, failed=1)
    assert read(tmp_path, "1").last_run is None


def test_a_cell_that_does_not_parse_may_define_what_it_mentions(tmp_path):
    facts = read(tmp_path, "def broken(:\n    thing = 1", "print(thing)", "print(never)")
    assert [message.split(":")[0].split(",")[0] for message in said(facts, "undefined-name")] == [
        "never is used in cell 3"
    ]


def test_a_local_name_of_a_function_defines_nothing_for_the_rest(tmp_path):
    facts = read(tmp_path, "def one():\n    table = 1\n    return table\n\ndef two():\n    return table")
    assert said(facts, "undefined-name") == [
        "table is used in cell 1, but no cell defines it. Define it, or make it an input."
    ]


def test_names_of_ipython_and_of_magics_are_known(tmp_path):
    for cells in (
        ("!ls", "print(_exit_code)"),
        ("%%px\nprint(there)",),
        ("%%sql res <<\nselect 1", "print(res)"),
        ("%%bash --out text\nls", "print(text)"),
        ("%%R -o frame\nframe <- 1", "print(frame)"),
        ("lines = !ls", "print(lines)"),
        ("cores = cores if 'cores' in vars() else 0", "print(cores)"),
        ("%store -r kept", "print(kept)"),
        ("globals()['made'] = 1", "print(made)"),
        ("locals().update(a=1)", "print(a)"),
    ):
        assert said(read(tmp_path, *cells), "undefined-name") == [], cells


def test_a_look_at_globals_or_a_push_silences_nothing(tmp_path):
    facts = read(tmp_path, "print(len(globals()), globals()['x'] == 1)\nqueue = []\nqueue.push(1)", "print(never)")
    assert len(said(facts, "undefined-name")) == 1
