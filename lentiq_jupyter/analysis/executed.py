"""Python that a notebook holds as text and gives to ``exec``: it runs in the notebook, so it is read like a cell."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from .code import Code, parse, walk
from .names import names_of
from .uses import UNKNOWN, uses_of


def executed_of(codes: Iterable[Code]) -> tuple[Code, ...]:
    """The texts given to ``exec`` that are known and parse, each at the place of its call."""
    codes = tuple(codes)
    if not any("exec(" in code.text for code in codes):
        return ()
    uses = uses_of(codes, names_of(codes))
    found = []
    for call in uses.calls:
        if call.name != "exec" or not isinstance(call.node.func, ast.Name):
            continue
        for text in uses.texts_of(call.argument(0)):
            try:
                tree = parse(text.replace(UNKNOWN, "_"))
            except SyntaxError:
                continue
            for node in walk(tree):
                if hasattr(node, "lineno"):
                    node.lineno = call.node.lineno
            found.append(Code(file=call.code.file, text=text, tree=tree, cell=call.code.cell))
    return tuple(found)
