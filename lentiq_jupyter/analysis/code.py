"""Cells and files as Python trees whose line numbers are those of the cell.

Magics and shell lines become calls, so that everything after looks at one kind of tree. What does not
parse as it stands is read as far as it can be: Python 2 as its Python 3 twin, else statement by statement.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar, cast

from ..model import Place, record
from .broken import as_python3, whole_statements
from .magics import lines_as_calls, split_cell

__all__ = ["Code", "Reading", "every", "parse", "read_python", "split_cell", "walk"]

_Node = TypeVar("_Node", bound=ast.AST)
_IPYTHON_WORK = 150_000  # IPython reads the whole text again for each mark; this many take about half a second
_SKIPPED = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop, ast.type_ignore)


@record
class Code:
    """One parsed piece of Python: a cell, or a local module. `tree` keeps the lines of `text`."""

    file: str
    text: str
    tree: ast.Module
    cell: int | None = None
    tags: frozenset[str] = frozenset()

    def place(self, node: ast.AST) -> Place:
        """Where `node` stands."""
        return Place(file=self.file, line=max(1, getattr(node, "lineno", 1)), cell=self.cell)


@record
class Reading:
    """A tree, and what was wrong with the text it was read from: "" if nothing, `line` where (from 1)."""

    tree: ast.Module
    fault: str = ""
    line: int = 1


def read_python(text: str) -> Reading:
    """The tree of any text; what cannot be read of it is missing from the tree, and told."""
    text = _plain(text)
    try:
        return Reading(tree=parse(text))
    except SyntaxError as error:
        fault, line = error.msg or "it does not parse", error.lineno or 1
    calls = lines_as_calls(text)
    newer = as_python3(calls)
    if newer != calls:
        try:
            return Reading(tree=_tree(newer), fault=fault, line=line)
        except SyntaxError:
            pass
    return Reading(tree=whole_statements(newer, _tree), fault=fault, line=line)


def parse(python: str) -> ast.Module:
    """The tree of Python with IPython's additions.

    Raises
    ------
    SyntaxError
        If it does not parse even so; every way a text can fail to parse is told as this.
    """
    text = _plain(python)
    try:
        return _tree(text)
    except SyntaxError as error:
        first = error
    calls = lines_as_calls(text)
    if calls != text:
        try:
            return _tree(calls)
        except SyntaxError as error:
            first = error
    # Prompts that were pasted along, and an indentation of the whole cell, are taken off by IPython too.
    pasted = text.lstrip("\n").startswith((" ", "\t", ">>>"))
    marks = sum(text.count(mark) for mark in "%!?")
    if (not pasted and not marks) or marks * len(text) > _IPYTHON_WORK:
        raise first
    return _by_ipython(text)


def _by_ipython(python: str) -> ast.Module:
    """What IPython itself makes of a cell; slow, so only for what the quick reading does not understand."""
    bare = python.lstrip("\n")
    skipped = len(python) - len(bare)
    # The transformer drops leading empty lines; they are put back so that places stay right.
    while True:
        line, newline, rest = bare.partition("\n")
        if line.strip() or not newline:
            break
        bare, skipped = rest, skipped + 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of IPython about odd line ends
            made = _transformer()(bare)
    except (RuntimeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise SyntaxError(str(error)) from error
    return _tree("\n" * skipped + made)


@cache
def _transformer() -> Callable[[str], str]:
    """IPython's transformation of a cell, keeping every line where it was (it joins continued magic lines)."""
    # Most notebooks do not need it, and it loads as much as all the rest together.
    from IPython.core.inputtransformer2 import TransformerManager

    class SameLines(TransformerManager):  # type: ignore[misc]  # IPython is untyped
        def do_one_token_transform(self, lines: list[str]) -> tuple[bool, list[str]]:
            changed, made = super().do_one_token_transform(lines)
            gone = len(lines) - len(made)
            if changed and gone > 0:
                differ = (n for n, (old, new) in enumerate(zip(lines, made, strict=False)) if old != new)
                same = next(differ, len(made) - 1)
                made = [*made[: same + 1], *["\n"] * gone, *made[same + 1 :]]
            return changed, made

    return lambda text: cast(str, SameLines().transform_cell(text))


def _plain(text: str) -> str:
    """`text` with Python's own line ends and without what no parser takes."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        text = text.replace("\0", " ")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in a user's strings
        try:
            return ast.parse(text)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error)) from error


def walk(tree: ast.AST) -> Iterable[ast.AST]:
    """All nodes in the order of the text, but for contexts and operators. A module's are gathered only once."""
    known = tree.__dict__.get("walked")
    if known is not None:
        return known  # type: ignore[no-any-return]  # its own, from below
    found = _gather(tree)
    if isinstance(tree, ast.Module):
        tree.__dict__["walked"] = found
    return found


def _gather(tree: ast.AST) -> list[ast.AST]:
    """Without recursion: user code may nest deeply."""
    found: list[ast.AST] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        found.append(node)
        children: list[ast.AST] = []
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                children += [one for one in value if isinstance(one, ast.AST) and not isinstance(one, _SKIPPED)]
            elif isinstance(value, ast.AST) and not isinstance(value, _SKIPPED):
                children.append(value)
        children.reverse()
        stack += children
    return found


def every(tree: ast.Module, kind: type[_Node]) -> list[_Node]:
    """All nodes of exactly that class, in the order of the text; gathered only once."""
    known: dict[type[ast.AST], list[ast.AST]] | None = tree.__dict__.get("sorted")
    if known is None:
        known = {}
        for node in walk(tree):
            known.setdefault(type(node), []).append(node)
        tree.__dict__["sorted"] = known
    return known.get(kind, [])  # type: ignore[return-value]  # gathered by their class
