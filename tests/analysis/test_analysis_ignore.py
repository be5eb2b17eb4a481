"""What stays out of a block by `.lentiqignore`, and what is too large to go in unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lentiq_jupyter.analysis import analyse
from lentiq_jupyter.analysis.ignore import Ignore
from lentiq_jupyter.model import Facts, Severity


def read(folder: Path, source: str, files: dict[str, str], **given: int) -> Facts:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    path = folder / "nb.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return analyse(path, **given)


def paths(facts: Facts) -> list[str]:
    return [fact.path for fact in facts.files]


def said(facts: Facts, code: str) -> list[tuple[Severity, str]]:
    return [(one.severity, one.message.split(",")[0]) for one in facts.findings if one.code == code]


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("*.csv", "data/a.csv", True),
        ("data/", "data/deep/a.csv", True),
        ("data/", "data", False),
        ("/a.csv", "data/a.csv", False),
        ("data/*\n!data/keep.csv", "data/keep.csv", False),
        ("data/\n!data/keep.csv", "data/keep.csv", True),
        ("**/raw/*.bin", "a/b/raw/x.bin", True),
        ("# a.csv\n\n\\#b.csv", "a.csv", False),
        ("# a.csv\n\n\\#b.csv", "#b.csv", True),
        ("a/**b/\\\n*.csv", "a.csv", True),
        ("*\n!*/\n!*.py", "data/m.py", False),
        ("*\n!*/\n!*.py", "data/m.csv", True),
        ("", "a.csv", False),
    ],
)
def test_rules_mean_what_they_mean_in_gitignore(tmp_path, rules, path, ignored):
    (tmp_path / ".lentiqignore").write_text(rules)
    assert Ignore(tmp_path).matches(path) is ignored


def test_an_ignored_file_stays_out_and_is_told(tmp_path):
    source = "import pandas as pd\npd.read_csv('a.csv')\npd.read_csv('b.csv')"
    facts = read(tmp_path, source, {"a.csv": "x", "b.csv": "x", ".lentiqignore": "a.csv"})
    assert paths(facts) == ["b.csv"]
    assert said(facts, "ignored-file") == [(Severity.INFO, "a.csv stays out of the block")]
    assert said(facts, "missing-file") == []


def test_folders_and_patterns_give_only_what_is_not_ignored(tmp_path):
    files = {"data/a.csv": "x", "data/raw/b.csv": "x", "other/c.csv": "x", ".lentiqignore": "raw/\nother/"}
    source = "import os, glob\nos.listdir('data/')\nglob.glob('other/*.csv')\nglob.glob('data/**/*.csv')"
    facts = read(tmp_path, source, files)
    assert paths(facts) == ["data/a.csv"]
    assert said(facts, "ignored-file") == [(Severity.INFO, "other/c.csv stays out of the block")]


def test_an_ignored_module_is_warned_of_and_never_taken_for_a_package(tmp_path):
    files = {"mine.py": "import numpy", "space/part.py": "", ".lentiqignore": "mine.py\nspace/"}
    facts = read(tmp_path, "import mine\nfrom space import part", files)
    assert (facts.imports, paths(facts)) == ((), [])
    assert said(facts, "ignored-file") == [
        (Severity.WARNING, "mine.py is imported"),
        (Severity.WARNING, "space/part.py is imported"),
    ]


def test_a_link_is_no_list(tmp_path):
    (tmp_path / "elsewhere").write_text("*")
    (tmp_path / ".lentiqignore").symlink_to("elsewhere")
    assert not Ignore(tmp_path).matches("a.csv")


def test_files_over_the_limit_are_marked_and_told(tmp_path):
    source = "open('big.txt')\nopen('small.txt')"
    facts = read(tmp_path, source, {"big.txt": "x" * 2048, "small.txt": "x" * 1024}, large_bytes=1024)
    assert [(fact.path, fact.large) for fact in facts.files] == [("big.txt", True), ("small.txt", False)]
    assert [(one.severity, one.message) for one in facts.findings] == [
        (
            Severity.WARNING,
            "big.txt is large (2.0 KiB). Put it into the block with --include big.txt, "
            "or leave it out with --exclude big.txt.",
        )
    ]


def test_very_much_together_is_told(tmp_path):
    files = {f"data/{number}.csv": "x" * 90 for number in range(12)}
    facts = read(tmp_path, "import os\nos.listdir('data/')", files, large_bytes=100)
    assert [one.code for one in facts.findings] == ["large-files"]
