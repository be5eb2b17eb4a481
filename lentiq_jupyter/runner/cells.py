"""Cells the runner adds to its copy of a notebook: inputs in, outputs out. Pure functions."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from ..model import Json

PARAMETERS_TAG = "parameters"
OUTPUTS_TAG = "outputs"
INJECTED_INPUTS = "injected-parameters"
INJECTED_OUTPUTS = "injected-outputs"
_WRITEFILE = re.compile(r"\s*%%writefile\s+(?:-a\s+)?(\S+\.py)")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)(.*)")
_LINE_MAGIC = re.compile(r"^([ \t]*)(?:[\w.,() \t]+=[ \t]*)?[%!?].*$", re.MULTILINE)
_PYTHON_MAGICS = ("capture", "prun", "time", "timeit")
_IMPORT = re.compile(r"\s*(?:import|from)\s")


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


def wished_imports(folder: Path, notebook: str) -> list[dict[str, Json]]:
    """What the cells of a notebook and the Python files beside it import, as `importing` takes it.

    Modules that lie in the folder, or that a cell writes there, are not wished for by name: only what
    they import is.
    """
    import nbformat

    cells = nbformat.read(folder / notebook, as_version=4).cells
    sources = [(number, cell.source) for number, cell in enumerate(cells) if cell.cell_type == "code"]
    files = [path for path in sorted(folder.rglob("*.py")) if path.is_file()]
    written = [match[1] for _, source in sources for match in [_WRITEFILE.match(source)] if match]
    local = {Path(name).stem for name in written} | {path.stem for path in files} | {path.parent.name for path in files}
    texts: list[tuple[Optional[int], str]] = [(number, plain(source)) for number, source in sources]
    texts += [(None, path.read_text(encoding="utf-8", errors="replace")) for path in files]
    found: dict[str, dict[str, Json]] = {}
    for cell, text in texts:
        for module, optional in modules(text):
            if module.partition(".")[0] not in local:
                known = found.setdefault(module, {"module": module, "optional": optional, "cell": cell})
                known["optional"] = bool(known["optional"]) and optional
    return list(found.values())


def plain(source: str) -> str:
    """A cell as plain Python, as far as its imports go: magics and shell lines do nothing."""
    magic = _CELL_MAGIC.match(source)
    if magic:
        if magic[1] == "writefile" and magic[2].strip().endswith(".py"):
            return source[magic.end() :]
        source = source[magic.end() :] if magic[1] in _PYTHON_MAGICS else ""
    return _LINE_MAGIC.sub(r"\1pass", source)


def modules(source: str) -> tuple[tuple[str, bool], ...]:
    """Modules that code imports, and whether it guards against their absence.

    Of code that does not parse, the lines that are imports by themselves count.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        lines = [line.strip() for line in source.splitlines() if _IMPORT.match(line)]
        return tuple(pair for line in lines for pair in _parsed(line))
    return _modules(tree)


def _parsed(line: str) -> tuple[tuple[str, bool], ...]:
    try:
        return _modules(ast.parse(line))
    except SyntaxError:
        return ()


def _modules(tree: ast.Module) -> tuple[tuple[str, bool], ...]:
    guarded = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and node.handlers
        for part in (*node.body, *node.handlers)
        for inner in ast.walk(part)
    }
    found: dict[str, bool] = {}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            found[name] = found.get(name, True) and node in guarded
    return tuple(found.items())
