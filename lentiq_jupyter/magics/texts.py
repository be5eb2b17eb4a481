"""Texts that the magic reads and writes."""

from __future__ import annotations

import re
from typing import Optional

from ..errors import BadInput
from ..model import Drift
from .tables import plain

_NAME = re.compile(r"^workflow\s*:\s*(?P<name>\S+)[ \t]*(?:#.*)?$", re.MULTILINE)


def workflow_text(cell: str, name: Optional[str]) -> str:
    """The YAML file that a cell stands for. Line 1 is the magic's own, so that faults name lines of the cell.

    Raises
    ------
    BadInput
        If the cell and the line name different workflows, or none does.
    """
    said = _NAME.search(cell)
    if said is None:
        if name is None:
            raise BadInput(
                "The workflow has no name.", "Write %%lentiq workflow NAME, or begin the cell with workflow: NAME."
            )
        return f"workflow: {name}\n{cell}"
    if name is not None and said["name"].strip("\"'") != name:
        raise BadInput(f"The line names workflow {name}, the cell {said['name']}.", "Name it once.")
    return f"\n{cell}"


def drift_lines(found: Drift, notebook: str) -> list[str]:
    """How a notebook stands to its block, in words."""
    if found.block is None:
        return [f"{notebook} is not published."]
    lines = [
        f"The cells are those of {found.block.reference}."
        if found.same
        else f"Cells that differ from {found.block.reference}: {found.changed_cells}",
        *(plain(line) for line in found.cells.splitlines()),
    ]
    return lines + [f"{one.name}: {one.old or 'not there'} -> {one.new or 'not there'}" for one in found.packages or ()]
