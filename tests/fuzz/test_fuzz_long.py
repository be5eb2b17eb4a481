"""Texts that grow long or deep: reading them takes seconds at most, never minutes, and nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz_mutations import code_cell
from fuzz_watched import Watched

LONG = {
    "open brackets": "[" * 50_000,
    "brackets and commas": "(a," * 20_000,
    "imports": "import x.y\n" * 2_000,
    "quotes": "'" * 50_000,
    "open text": "x = '''\n" + "import a 'b' \\\n" * 2_000,
    "backslashes": "\\\n" * 10_000,
    "magics": "%time f(1)\n" * 800,
    "shell lines": "!pip install a b {c} $d\n" * 800,
    "joined shell line": "!pip install \\\n" + "  a==1 \\\n" * 1_000,
    "one install line": "!pip install " + "a-b>=1 " * 5_000,
    "Python 2": "print 'x', y\n" * 1_000 + "exec 'x'",
    "unfinished": "def f(:\n  import x\n" * 1_000,
    "calls": "open('a.csv'); pd.read_csv('b.csv')\n" * 800,
    "operands": "x = " + " + ".join(["'a'"] * 2_000),
    "names": "\n".join(f"x{n} = x{n - 1}" for n in range(1, 2_000)),
    "text made of names": "x = 'a'\n" + "x = x + x\n" * 60 + "open(x)",
    "text made by repeating": "open('a' * 10 ** 9); open(f\"{'b' * 10 ** 9}\"); open('%1000000000s' % 'c')",
    "spaces": " " * 100_000 + "x",
    "secrets": "key = '" + "A1b2" * 40_000 + "'",
    "addresses": "https://a:b@c/" * 3_000,
    "written file": "%%writefile x.py\n" + "import y\n" * 5_000,
    "shell cell": "%%bash\n" + "pip install a && " * 3_000,
}


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with Watched() as one:
        yield one


def write(folder: Path, cells: list[dict[str, object]]) -> Path:
    path = folder / "long.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


@pytest.mark.parametrize("kind", LONG)
def test_long_text_is_read_in_seconds_whether_it_parses_or_not(tmp_path, watched, kind):
    cells = [code_cell(LONG[kind] + "\n"), code_cell(LONG[kind] + "\nx = = 1\n")]
    assert watched.ask(write(tmp_path, cells)).faults == []


def test_notebook_of_many_cells_is_read_in_seconds(tmp_path, watched):
    cells = [code_cell(f"import m{number}\nx{number} = open('{number}.csv')") for number in range(600)]
    assert watched.ask(write(tmp_path, cells)).faults == []


@pytest.mark.parametrize("text", ["[" * 200_000, '{"cells":' * 50_000, '{"cells": [' + "1," * 200_000 + "1]}"])
def test_deep_or_odd_json_is_refused_in_seconds(tmp_path, watched, text):
    path = tmp_path / "long.ipynb"
    path.write_text(text)
    answer = watched.ask(path)
    assert (answer.outcome, answer.faults) == ("NotebookError", [])
