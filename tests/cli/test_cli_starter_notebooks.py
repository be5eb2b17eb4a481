"""The starter notebooks run as they are, and the second takes what the first gives out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from lentiq_jupyter.assets import template

MIME = "application/vnd.lentiq.output+json"
NAMES = ("prepare-wine", "train-classifier")


def read(name: str) -> Any:
    return nbformat.read(template(f"blocks/{name}.ipynb"), as_version=4)


def outputs(notebook: Any, folder: Path) -> dict[str, Any]:
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    shown = [
        one.data[MIME] for cell in notebook.cells for one in cell.get("outputs", []) if MIME in one.get("data", {})
    ]
    return {one["name"]: one["value"] for one in shown}


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_stored_without_outputs_and_with_stable_ids(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert [cell.metadata.tags for cell in code if "tags" in cell.metadata] == [["parameters"]]
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_second_notebook_takes_the_table_of_the_first(tmp_path: Path) -> None:
    prepared = outputs(read("prepare-wine"), tmp_path)
    assert prepared["summary"] == {"train_rows": 132, "test_rows": 45, "left_out": 1, "seed": 7}
    assert len(json.dumps(prepared["table"])) < 64 * 1024
    train = read("train-classifier")
    place = next(number for number, cell in enumerate(train.cells) if "tags" in cell.metadata)
    train.cells.insert(place + 1, nbformat.v4.new_code_cell(f"table = {prepared['table']!r}"))
    measured = outputs(train, tmp_path)
    assert measured["metrics"]["test_rows"] == 45
    assert measured["metrics"]["accuracy"] > 0.9 > measured["metrics"]["baseline"]
    assert measured["confusion"]["labels"] == ["grower 1", "grower 2", "grower 3"]
    assert len(measured["importance"]) == 13


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_second_notebook_makes_its_own_table_when_it_gets_none(tmp_path: Path) -> None:
    assert outputs(read("train-classifier"), tmp_path)["metrics"]["test_rows"] == 50
