"""Files that go into a block, files that must not, and secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lentiq_jupyter.analysis import analyse
from lentiq_jupyter.model import Facts, Severity


def read(folder: Path, *cells: str) -> Facts:
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    path = folder / "nb.ipynb"
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return analyse(path)


def files(facts: Facts) -> list[tuple[str, str]]:
    return [(fact.path, fact.kind) for fact in facts.files]


def codes(facts: Facts) -> list[str]:
    return [finding.code for finding in facts.findings]


def test_local_modules_are_followed_and_are_no_imports(tmp_path):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("from . import deep\n")
    (package / "deep.py").write_text("from ..helper import x\nfrom .sub import y\nimport yaml\n")
    (package / "sub.py").write_text("import emoji\n")
    (package / "unused.py").write_text("import never\n")
    (tmp_path / "helper.py").write_text("import requests, helper2\n")
    (tmp_path / "helper2.py").write_text("import helper\n")
    facts = read(tmp_path, "import pkg\nimport helper\nimport numpy")
    assert {fact.module for fact in facts.imports} == {"numpy", "yaml", "requests", "emoji"}
    assert files(facts) == [
        ("helper.py", "module"),
        ("helper2.py", "module"),
        ("pkg/__init__.py", "module"),
        ("pkg/deep.py", "module"),
        ("pkg/sub.py", "module"),
    ]


def test_modules_on_a_literal_search_path_and_in_namespaces_are_local(tmp_path):
    for name in ("src", "tools"):
        (tmp_path / name).mkdir()
    (tmp_path / "src" / "clean.py").write_text("import yaml")
    (tmp_path / "tools" / "plots.py").write_text("import seaborn")
    facts = read(tmp_path, "import sys\nsys.path.append('src')\nimport clean\nfrom tools import plots")
    assert files(facts) == [("src/clean.py", "module"), ("tools/plots.py", "module")]
    assert {fact.module for fact in facts.imports} == {"sys", "yaml", "seaborn"}


def test_a_module_the_notebook_writes_is_local_and_read(tmp_path):
    facts = read(tmp_path, "%%writefile made.py\nimport yaml", "import made")
    assert ([fact.module for fact in facts.imports], facts.files) == (["yaml"], ())


def test_links_out_of_the_folder_are_refused(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "secret_code.py").write_text("import yaml")
    (outside / "data.csv").write_text("a")
    (inside / "secret_code.py").symlink_to(outside / "secret_code.py")
    (inside / "data.csv").symlink_to(outside / "data.csv")
    facts = read(inside, "import secret_code\nopen('data.csv')")
    assert (facts.files, codes(facts)) == ((), ["outside-folder", "outside-folder"])


def test_literal_data_paths_go_along_and_missing_ones_are_told(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "b.csv", "c.json"):
        (tmp_path / "data" / name).write_text("x")
    facts = read(
        tmp_path,
        "import pandas as pd, os\nfrom pathlib import Path\nBASE = 'data'\npd.read_csv(os.path.join(BASE, 'a.csv'))\n"
        "open(Path(BASE) / 'c.json')\nimport glob\nglob.glob('data/b*.csv')",
        "open('gone.txt')\nopen('../up.txt')\nopen('made.txt', 'w')\nopen('made.txt')\npd.read_csv('https://h.invalid/x.csv')",
    )
    assert files(facts) == [("data/a.csv", "data"), ("data/b.csv", "data"), ("data/c.json", "data")]
    assert codes(facts) == ["missing-file", "outside-folder"]


# Made of halves, so that no scanner takes this file for what it tests.
SECRETS = [
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "AKIA" + "Q3EGXAMPLQ2B7CDE",
    "ghp_" + "a1B2" * 9,
    "xoxb-" + "123456789012-abcdefABCDEF",
    "sk-" + "a1B2c3D4e5F6g7H8i9J0" + "T3BlbkFJ" + "k1L2m3N4o5P6q7R8s9T0",
    "https://user:" + "h7Gk29sLq" + "@host.invalid/repo.git",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_an_error_that_never_shows_it(tmp_path, secret):
    facts = read(tmp_path, "x = 1", f"\nkey = '{secret}'")
    found = facts.findings[0]
    assert (found.severity, found.code, found.place.cell, found.place.line) == (Severity.ERROR, "secret", 1, 2)
    assert len(facts.findings) == 1
    assert "Cell 2 holds" in found.message
    assert secret not in repr(facts)
    assert secret[8:] not in repr(facts)


def test_placeholders_and_variables_are_no_secrets(tmp_path):
    lines = ["token = input()", "a = 'postgresql://user:password@host/db'", "b = f'https://me:{token}@h/x'"]
    cell = "\n".join([*lines, "c = 'sk-...'", "d = 'AKIA...'"])
    assert read(tmp_path, cell).findings == ()


def test_a_file_of_secrets_is_an_error_and_stays_out(tmp_path):
    (tmp_path / ".env").write_text("A=1")
    facts = read(tmp_path, "open('.env')")
    assert (facts.files, codes(facts)) == ((), ["secret"])


def test_secrets_in_modules_and_data_are_found(tmp_path):
    (tmp_path / "helper.py").write_text(f"k = '{SECRETS[2]}'")
    (tmp_path / "a.txt").write_text(SECRETS[0])
    facts = read(tmp_path, "import helper\nopen('a.txt')")
    assert [(one.code, one.place.file) for one in facts.findings] == [("secret", "helper.py"), ("secret", "a.txt")]
