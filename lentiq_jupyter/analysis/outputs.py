"""Outputs a notebook gives: calls of ``lentiq_jupyter.output``, and the cell tagged ``outputs``."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from ..errors import BadInput
from ..model import Finding, Output, Severity
from .code import Code, walk
from .inputs import comments_of
from .names import Names


def outputs_of(codes: Iterable[Code], names: Names) -> tuple[tuple[Output, ...], tuple[Finding, ...]]:
    """All outputs in order of appearance, and a finding for each name that only a run can tell."""
    found: dict[str, Output] = {}
    findings: list[Finding] = []
    for code in codes:
        comments = comments_of(code) if "outputs" in code.tags else {}
        named: list[tuple[str, str, ast.AST]] = []
        for statement in code.tree.body if "outputs" in code.tags else ():
            description = comments.get(statement.end_lineno or statement.lineno, "")
            named += [(name, description, statement) for name in _assigned(statement)]
        for node in walk(code.tree):
            if not isinstance(node, ast.Call) or names.dotted(node.func) != "lentiq_jupyter.output":
                continue
            given = node.args[0] if node.args else next((one.value for one in node.keywords if one.arg == "name"), None)
            text = names.text(given)
            if text is None:
                message = "The name of this output is computed, so it cannot be listed. Write it as plain text."
                findings.append(_finding(code, node, message))
            else:
                named.append((text, "", node))
        for name, description, place in named:
            try:
                found.setdefault(name, Output(name=name, description=description))
            except BadInput as error:
                findings.append(_finding(code, place, str(error)))
    return tuple(found.values()), tuple(findings)


def _assigned(statement: ast.stmt) -> list[str]:
    """Names a top-level statement plainly assigns, private ones left out."""
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    else:
        return []
    return [target.id for target in targets if isinstance(target, ast.Name) and not target.id.startswith("_")]


def _finding(code: Code, node: ast.AST, message: str) -> Finding:
    return Finding(severity=Severity.WARNING, code="output-name", message=message, place=code.place(node))
