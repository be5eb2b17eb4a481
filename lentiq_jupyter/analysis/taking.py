"""Taking secret literals out of a cell: an expression that reads the environment stands in their place."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .code import Code, parse, split_cell
from .literals import literals_of
from .names import names_of


def without_secrets(source: str, names: Mapping[str, str]) -> str:
    """A cell's text, in which each of some literals is replaced; everything else stays as it is, to the byte.

    Parameters
    ----------
    names : mapping of a literal's value to the name of the variable to read instead

    Raises
    ------
    SyntaxError
        If the cell does not parse.
    """
    python = split_cell(source).python
    lines = source.splitlines(keepends=True)
    code = Code(file="", text=python, tree=parse(python), cell=0)
    spans: list[tuple[int, int, str]] = []
    for literal in literals_of(code, names_of([code])):
        name = names.get(literal.value)
        span = _span(lines, literal.node) if name and literal.replaceable else None
        # Columns are of the transformed text: only what reads back as the same value is the literal itself.
        if name and span and _value(source[span[0] : span[1]]) == literal.value:
            spans.append((*span, f'__import__("os").environ["{name}"]'))
    for start, end, expression in sorted(spans, reverse=True):
        source = source[:start] + expression + source[end:]
    return source


def _span(lines: list[str], node: ast.Constant) -> tuple[int, int] | None:
    """Where a node stands in the text; tree columns count bytes of UTF-8."""
    ends = []
    for line, column in ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)):
        if not line or column is None or line > len(lines):
            return None
        before = lines[line - 1].encode()[:column].decode(errors="ignore")
        ends.append(sum(map(len, lines[: line - 1])) + len(before))
    return ends[0], ends[1]


def _value(text: str) -> object:
    try:
        return ast.literal_eval(f"({text})")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
