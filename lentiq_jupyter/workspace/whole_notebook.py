"""The notebook file as something that can be run: stricter than what analysis can read, and always the same.

The bytes written here decide a block's digest, so they follow from the notebook alone and not from a release
of nbformat, which is asked only to upgrade what is older than its version 4.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import NotebookError

Whole = dict[str, Any]


def read_whole(path: Path) -> Whole:
    """The notebook as the JSON of nbformat 4, with what hand-made files lack and each text in one piece.

    Raises
    ------
    NotebookError
        If it is too damaged to be run, even if its code can be read.
    """
    try:
        given = json.loads(path.read_text("utf-8-sig"))
        text = json.dumps(given, ensure_ascii=False)
        text.encode("utf-8")  # a lone surrogate can be written nowhere
        whole: Whole = given if given.get("nbformat") == 4 else _upgraded(text)
        whole.setdefault("metadata", {})
        for number, cell in enumerate(whole["cells"]):
            _complete(cell, number, named=whole.get("nbformat_minor", 0) >= 5)
        return whole
    except (AttributeError, KeyError, NameError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotebookError(
            f"{path.name} is a damaged notebook ({reason[:120]}).", "Open it in JupyterLab and save it again."
        ) from error


def text_of(notebook: Whole) -> str:
    """The text of a notebook file, its cells line by line as Jupyter writes them."""
    cells = [{**cell, "source": cell["source"].splitlines(keepends=True)} for cell in notebook["cells"]]
    return json.dumps({**notebook, "cells": cells}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _upgraded(text: str) -> Whole:
    import nbformat  # takes long to load, and few notebooks are that old

    try:
        return dict(nbformat.reads(text, as_version=4))
    except nbformat.ValidationError as error:
        raise ValueError(str(error)) from error


def _complete(cell: Whole, number: int, *, named: bool) -> None:
    """Fill in what a cell lacks; `named`: cells have ids, and one made up would be another each time."""
    cell.setdefault("metadata", {})
    source = cell["source"]
    cell["source"] = source if isinstance(source, str) else "".join(source)
    if cell["cell_type"] == "code":
        cell.setdefault("outputs", [])
        cell.setdefault("execution_count", None)
    if named:
        cell.setdefault("id", f"cell-{number}")
