"""What differs between the cells of two notebooks: their kinds, sources and tags, which is all that runs.

Both come from a registry, so nothing here trusts them: the comparison runs in a process of its own, for
a limited time, on what `cells_of` left of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..model import Json

_SCRIPT = Path(__file__).with_name("comparing_script.py")
_LIMIT_S = 15.0
_TEXT_LIMIT = 200_000  # characters
_SOURCES_LIMIT = 4 << 20  # characters
_KINDS = ("code", "markdown", "raw")


def cells_of(notebook: bytes) -> list[dict[str, Json]] | None:
    """Kind, source, tags and, where it has one, id of each cell; None if this is no notebook."""
    try:
        cells = json.loads(notebook)["cells"]
        return [_cell(cell) for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _cell(cell: dict[str, Any]) -> dict[str, Json]:
    kind, source, given = cell["cell_type"], cell["source"], cell.get("id")
    if kind not in _KINDS:
        raise ValueError(kind)
    tags = cell.get("metadata", {}).get("tags") or []
    text = source if isinstance(source, str) else "".join(source)
    return {
        **({"id": given} if isinstance(given, str) else {}),
        "cell_type": kind,
        "metadata": {"tags": [str(one) for one in tags]} if tags else {},
        "source": text.encode(errors="replace").decode(),  # a lone surrogate is no text
    }


def same_cells(old: bytes, new: bytes) -> bool:
    """Whether two notebooks run the same: all but outputs, counts, ids and other notes are equal."""
    if old == new:
        return True
    ours, theirs = cells_of(old), cells_of(new)
    return ours is not None and theirs is not None and _without_ids(ours) == _without_ids(theirs)


def runnable_cells(notebook: bytes) -> list[str]:
    """What makes each cell what it is, as one text; empty if this is no notebook."""
    return [json.dumps(cell, sort_keys=True) for cell in _without_ids(cells_of(notebook) or [])]


def compare_notebooks(old: bytes, new: bytes) -> str:
    """What differs, as nbdime prints it, without colours; "" if nothing does; a sentence where it cannot be told."""
    if same_cells(old, new):
        return ""
    ours, theirs = cells_of(old), cells_of(new)
    if ours is None or theirs is None:
        return f"The {'old' if ours is None else 'new'} notebook cannot be read.\n"
    if sum(len(str(cell["source"])) for cell in ours + theirs) > _SOURCES_LIMIT:
        return "The notebooks differ, and are too large to be compared.\n"
    sent = json.dumps([_notebook(ours), _notebook(theirs)]).encode()
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_SCRIPT)], input=sent, capture_output=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"The notebooks differ so much that they were not compared within {_LIMIT_S:.0f} s.\n"
    if done.returncode != 0:
        return "The notebooks differ; nbdime cannot say in what.\n"
    text = done.stdout.decode(errors="replace")
    return text if len(text) <= _TEXT_LIMIT else text[:_TEXT_LIMIT] + "\n… (the rest is left out)\n"


def _without_ids(cells: list[dict[str, Json]]) -> list[dict[str, Json]]:
    return [{key: value for key, value in cell.items() if key != "id"} for cell in cells]


def _notebook(cells: list[dict[str, Json]]) -> dict[str, object]:
    """A notebook of these cells that is whole."""
    seen: set[object] = set()
    whole: list[dict[str, object]] = []
    for cell in cells:
        made: dict[str, object] = dict(cell)
        if made.get("id") in seen:  # two cells of one id are two cells
            del made["id"]
        elif "id" in made:
            seen.add(made["id"])
        if made["cell_type"] == "code":
            made |= {"outputs": [], "execution_count": None}
        whole.append(made)
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": whole}
