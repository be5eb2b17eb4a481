"""``lentiq inspect --requirements`` over a real workspace: lines that pip reads, with and without an index."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from lentiq_jupyter.cli import app

CODE = "import yaml, cv2\nimport zz_nobodys_module\nimport pandas as pd\npd.read_parquet('a.parquet')"


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The lines for a notebook of that code."""
    monkeypatch.setenv("LENTIQ_HOME", str(tmp_path / "home"))
    for name in ("LENTIQ_REGISTRY", "LENTIQ_DATABASE", "LENTIQ_EXECUTOR"):
        monkeypatch.delenv(name, raising=False)

    def lines(code: str, *options: str, python: str = "3.12") -> list[str]:
        metadata = {"language_info": {"name": "python", "version": f"{python}.1"}}
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)], metadata=metadata)
        nbformat.write(notebook, tmp_path / "a.ipynb")
        result = CliRunner().invoke(app, ["inspect", str(tmp_path / "a.ipynb"), "--requirements", *options])
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    return lines


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.usefixtures("no_index")
def test_without_kernel_and_index_own_needs_are_named_with_one_comment(requirements):
    comment, *lines = requirements(CODE, "--no-kernel")
    assert comment.startswith("# no version is known of ")
    assert comment.endswith(": the package index does not answer")
    assert lines == ["opencv-python", "pandas", "pyarrow", "pyyaml"]


@pytest.mark.network
def test_without_kernel_own_needs_are_pinned_for_the_notebooks_python(requirements):
    lines = requirements(CODE, "--no-kernel")
    assert [line.partition("==")[0] for line in lines] == ["opencv-python", "pandas", "pyarrow", "pyyaml"]
    assert all("==" in line for line in lines)
    old = requirements("import pandas", "--no-kernel", python="3.9")
    (newest,) = (line for line in lines if line.startswith("pandas"))
    assert old[0].startswith("pandas==2.")
    assert old != [newest]


@pytest.mark.usefixtures("no_index")
def test_with_a_kernel_all_it_uses_is_pinned_without_an_index(requirements):
    lines = requirements("import yaml")
    assert f"pyyaml=={version('PyYAML')}" in lines
    assert f"ipykernel=={version('ipykernel')}" in lines
    assert all(line.count("==") == 1 for line in lines)
