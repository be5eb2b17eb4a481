"""Cells the runner adds to its copy of a notebook: inputs in, outputs out. Pure functions."""

from __future__ import annotations

import ast
import json
import math
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


def inputs_source(values: Mapping[str, Json], secret: frozenset[str] = frozenset()) -> str:
    """Python that assigns each value to its name; "" if there are none.

    Values are JSON documents, whose ``repr`` is a Python literal whatever characters they hold; names
    were checked to be identifiers. The values of names in `secret` are not in the text, which is saved
    with the notebook: they come by way of `secret_variables`.
    """
    if not values:
        return ""
    lines = [
        f"{name} = {_secret_source(name) if name in secret else _literal(value)}" for name, value in values.items()
    ]
    return "\n".join(["# Inputs of this run", *lines])


def secret_variables(values: Mapping[str, Json], secret: frozenset[str]) -> dict[str, str]:
    """Environment variables that carry the secret ones of the values to the kernel."""
    return {_variable(name): json.dumps(value) for name, value in values.items() if name in secret}


def _variable(name: str) -> str:
    return f"LENTIQ_SECRET_{name}"


def _secret_source(name: str) -> str:
    return f'__import__("json").loads(__import__("os").environ.pop("{_variable(name)}"))'


def _literal(value: Json) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


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
