"""What of a notebook goes into a block."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from lentiq_jupyter.errors import BadInput, SecretFound
from lentiq_jupyter.workspace.packing import pack_notebook

TOKEN = "ghp_" + "aB3" * 12


def write(path: Path, *cells: str) -> Path:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(cells)]
    for cell in notebook.cells:
        cell.outputs = [nbformat.v4.new_output("stream", text="said")]
        cell.execution_count = 3
        cell.metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    nbformat.write(notebook, path)
    return path


def test_copy_has_no_outputs_counts_or_times(tmp_path: Path) -> None:
    first, digest = pack_notebook(write(tmp_path / "a.ipynb", "1 + 1"), tmp_path)
    cell = nbformat.read(first, as_version=4).cells[0]
    assert (cell.outputs, cell.execution_count, cell.metadata) == ([], None, {})
    assert pack_notebook(tmp_path / "a.ipynb", tmp_path)[1] == digest


def test_secret_is_read_from_the_environment_in_the_copy_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", f"token = '{TOKEN}'\nprint(token)", f"login('{TOKEN}')")
    copy, _ = pack_notebook(path, tmp_path, ("token",))
    assert [cell.source for cell in nbformat.read(copy, as_version=4).cells] == [
        'token = __import__("os").environ["token"]\nprint(token)',
        'login(__import__("os").environ["token"])',
    ]
    assert TOKEN in path.read_text()


def test_secret_that_cannot_be_taken_out_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", f"token = '{TOKEN}'", f"print(f'Bearer {{x}} {TOKEN}')")
    with pytest.raises(SecretFound, match="token cannot be taken out of cell 2"):
        pack_notebook(path, tmp_path, ("token",))


def test_unknown_secret_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No cell holds a secret named toke"):
        pack_notebook(write(tmp_path / "a.ipynb", f"token = '{TOKEN}'"), tmp_path, ("toke",))
