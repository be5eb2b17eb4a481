"""Damaged and hand-made notebook files at the moment of publishing."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from lentiq_jupyter.errors import NotebookError
from lentiq_jupyter.workspace.whole_notebook import read_whole, text_of

CODE = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": "x = 1"}


def write(folder: Path, document: object, before: bytes = b"") -> Path:
    path = folder / "nb.ipynb"
    path.write_bytes(before + json.dumps(document).encode())
    return path


def test_cells_without_ids_get_the_same_ones_each_time(tmp_path):
    path = write(tmp_path, {"cells": [CODE, CODE], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    assert [cell["id"] for cell in read_whole(path)["cells"]] == ["cell-0", "cell-1"]
    assert text_of(read_whole(path)) == text_of(read_whole(path))


def test_a_notebook_is_written_as_nbformat_writes_it(tmp_path):
    markdown = {"cell_type": "markdown", "metadata": {}, "source": ["# é\n", "two"]}
    code = {**CODE, "source": ["x = 1\n", "\n", "print(x)"]}
    document = {"cells": [markdown, code], "metadata": {"b": 1, "a": [2]}, "nbformat": 4, "nbformat_minor": 4}
    path = write(tmp_path, document)
    assert text_of(read_whole(path)) == nbformat.writes(nbformat.read(path, as_version=4)) + "\n"


def test_an_old_notebook_is_upgraded(tmp_path):
    sheet = {"cells": [{"cell_type": "code", "collapsed": False, "input": ["x = 1"], "language": "python",
                        "metadata": {}, "outputs": [], "prompt_number": 3}], "metadata": {}}  # fmt: skip
    document = {"worksheets": [sheet], "metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}
    whole = read_whole(write(tmp_path, document))
    assert (whole["nbformat"], [cell["source"] for cell in whole["cells"]]) == (4, ["x = 1"])


@pytest.mark.parametrize("lacking", ["metadata", "outputs", "execution_count"])
def test_fields_that_a_hand_made_cell_lacks_are_filled_in(tmp_path, lacking):
    cell = {key: value for key, value in CODE.items() if key != lacking}
    document = {"cells": [cell], "nbformat": 4, "nbformat_minor": 4}
    assert read_whole(write(tmp_path, document))["cells"] == [CODE]


def test_byte_order_mark_is_no_fault(tmp_path):
    document = {"cells": [CODE], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    assert len(read_whole(write(tmp_path, document, before=b"\xef\xbb\xbf"))["cells"]) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"cells": [CODE, None], "metadata": {}, "nbformat": 4, "nbformat_minor": 4},
        {"cells": [CODE], "metadata": {}, "nbformat": 5, "nbformat_minor": 0},
        {"cells": [{**CODE, "source": "'\ud800'"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4},
        {"worksheets": [{"cells": [{"cell_type": "code", "input": "x"}]}], "metadata": {}, "nbformat": 3},
        {"cells": [{"cell_type": "markdown"}]},
        [],
    ],
)
def test_damaged_notebook_is_refused_in_words_that_say_what_to_do(tmp_path, document):
    with pytest.raises(NotebookError, match=r"nb.ipynb is a damaged notebook \(.+\). Open it in JupyterLab"):
        read_whole(write(tmp_path, document))
