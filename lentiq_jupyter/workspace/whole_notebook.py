"""The notebook file as something that can be run: stricter than what analysis can read, and always the same."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

from ..errors import NotebookError


def read_whole(path: Path) -> nbformat.NotebookNode:
    """The notebook as nbformat 4, with what hand-made files lack; the same file always gives the same.

    Raises
    ------
    NotebookError
        If it is too damaged to be run, even if its code can be read.
    """
    try:
        given = json.loads(path.read_text("utf-8-sig"))
        if given.get("nbformat") == 4:
            given.setdefault("metadata", {})
            for number, cell in enumerate(given["cells"]):
                cell.setdefault("metadata", {})
                if cell["cell_type"] == "code":
                    cell.setdefault("outputs", [])
                    cell.setdefault("execution_count", None)
                if given.get("nbformat_minor", 0) >= 5:
                    # nbformat would make one up, another one each time.
                    cell.setdefault("id", f"cell-{number}")
        text = json.dumps(given, ensure_ascii=False)
        text.encode("utf-8")  # a lone surrogate can be written nowhere
        return nbformat.reads(text, as_version=4)
    except (AttributeError, KeyError, NameError, TypeError, ValueError, nbformat.ValidationError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotebookError(
            f"{path.name} is a damaged notebook ({reason[:120]}).", "Open it in JupyterLab and save it again."
        ) from error
