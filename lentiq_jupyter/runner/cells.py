"""Cells the runner adds to its copy of a notebook: inputs in, outputs out. Pure functions."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ..model import Json

PARAMETERS_TAG = "parameters"
OUTPUTS_TAG = "outputs"
INJECTED_INPUTS = "injected-parameters"
INJECTED_OUTPUTS = "injected-outputs"


def tags(cell: Mapping[str, object]) -> tuple[str, ...]:
    """The tags of a cell; empty if it has none."""
    metadata = cell.get("metadata")
    found = metadata.get("tags") if isinstance(metadata, Mapping) else None
    return tuple(str(tag) for tag in found) if isinstance(found, (list, tuple)) else ()


def inputs_source(values: Mapping[str, Json]) -> str:
    """Python that assigns each value to its name.

    Values are JSON documents, whose ``repr`` is a Python literal whatever characters they hold; names
    were checked to be identifiers.
    """
    return "\n".join(["# Inputs of this run", *(f"{name} = {value!r}" for name, value in values.items())])


def assigned_names(source: str) -> tuple[str, ...]:
    """Names that a cell assigns plainly, in order; empty if it does not parse."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()
    names: list[str] = []
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return tuple(dict.fromkeys(name for name in names if not name.startswith("_")))


def outputs_source(names: tuple[str, ...]) -> str:
    """Python that gives each name's value as the output of that name."""
    lines = ["import lentiq_jupyter as _lentiq", *(f"_lentiq.output({name!r}, {name})" for name in names)]
    return "\n".join(lines)


def modules(source: str) -> tuple[str, ...]:
    """Modules that code imports without guarding against their absence; empty if it does not parse."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()
    guarded = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and node.handlers
        for part in node.body
        for inner in ast.walk(part)
    }
    found: list[str] = []
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return tuple(dict.fromkeys(found))
