"""Python that does not parse, read as far as it can be: Python 2, unfinished exercises, notes between statements."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parso.grammar import PythonGrammar
    from parso.tree import NodeOrLeaf

_PARSO_CHARACTERS = 200_000  # parso takes about a second for as many
_PARSO_DEPTH = 1000  # open brackets; Python reads no more than 200, and each costs parso as much as a line
_PARSO_VERSION = "3.13"
_IMPORT_LINE = re.compile(r"[ \t]*((?:import|from)[ \t].*)")
_PRINT = re.compile(
    r"^((?:[^'\"#\n]*?(?::|;)[ \t]*)?[ \t]*)print\b[ \t]*(?![ \t]*[=(.,\])])(?:>>[^,\n]*,?)?(.*)$", re.M
)
_PRINT_CALL = re.compile(r"^([ \t]*)print[ \t]+(\(.*)$", re.M)
_EXEC = re.compile(r"^([ \t]*)exec[ \t]+([^=(\n].*)$", re.M)
_EXCEPT = re.compile(r"^([ \t]*except[ \t]+[^:\n]+?),[ \t]*([A-Za-z_]\w*)[ \t]*:", re.M)
_RAISE = re.compile(r"^([ \t]*raise[ \t]+[\w.]+)[ \t]*,[ \t]*(.+)$", re.M)
_OCTAL = re.compile(r"(?<![\w.])0(\d+)(?![\w.])")
_RAW_UNICODE = re.compile(r"\b[uU][rR](?=['\"])")
_LONG = re.compile(r"(?<![\w.])(\d+)[lL]\b")
_STATEMENTS = frozenset(
    [
        "simple_stmt",
        "if_stmt",
        "while_stmt",
        "for_stmt",
        "try_stmt",
        "with_stmt",
        "funcdef",
        "classdef",
        "decorated",
        "async_stmt",
        "async_funcdef",
        "match_stmt",
    ]
)

Parse = Callable[[str], ast.Module]


def as_python3(text: str) -> str:
    """Python 2's statements written as Python 3 writes them, line by line; other text stays as it is."""
    if "print" in text:
        text = _PRINT.sub(_print, text)
        text = _PRINT_CALL.sub(r"\1print(\2)", text)
    if "exec" in text:
        text = _EXEC.sub(r"\1exec(\2)", text)
    if "except" in text:
        text = _EXCEPT.sub(r"\1 as \2:", text)
    if "raise" in text:
        text = _RAISE.sub(r"\1(\2)", text)
    text = _RAW_UNICODE.sub("r", text)
    text = _LONG.sub(r"\1", text)
    return _OCTAL.sub(r"0o\1", text).replace("<>", "!=")


def _print(found: re.Match[str]) -> str:
    rest = found[2]
    comment = re.search(r"[ \t]+#[^'\"]*$", rest)
    said = rest[: comment.start()] if comment else rest
    if said.rstrip().endswith("\\"):
        return found[0]
    return f"{found[1]}print({said.strip().rstrip(';')})"


def whole_statements(text: str, parse: Parse) -> ast.Module:
    """All statements of a text that parse by themselves, wherever they stand, on their own lines.

    Of what lies between them, import lines still count. Where the text is very long or nests too
    deeply, only import lines are read.
    """
    lines = text.split("\n")
    made = ast.Module(body=[], type_ignores=[])
    covered: set[int] = set()
    for first, last in _good(text):
        tree = _alone(lines[first - 1 : last], first, parse)
        if tree is not None:
            covered.update(range(first, last + 1))
            made.body += tree
    for number, line in enumerate(lines, start=1):
        found = _IMPORT_LINE.match(line) if number not in covered else None
        if found:
            made.body += _alone([found[1]], number, parse) or []
    made.body.sort(key=lambda statement: statement.lineno)
    return made


def _alone(piece: list[str], first: int, parse: Parse) -> list[ast.stmt] | None:
    """The statements of some lines, numbered from `first`; None if they do not parse by themselves."""
    # An indented statement stands in a block of its own, whose head takes the line above.
    inner = piece[0][:1] in (" ", "\t") and first > 1
    above = "\n" * (first - 2) + "if 1:\n" if inner else "\n" * (first - 1)
    try:
        body = parse(above + "\n".join(piece)).body
    except SyntaxError:
        return None
    return [inside for one in body for inside in (one.body if inner and isinstance(one, ast.If) else [one])]


@cache
def _grammar() -> PythonGrammar:
    from parso.grammar import load_grammar  # most notebooks have no broken cell

    grammar: PythonGrammar = load_grammar(version=_PARSO_VERSION)
    return grammar


def _good(text: str) -> list[tuple[int, int]]:
    """First and last line of each largest statement without an error that begins on no line with one."""
    if len(text) > _PARSO_CHARACTERS or _depth(text) > _PARSO_DEPTH:
        return []
    bad: set[int] = set()
    statements: list[tuple[int, int]] = []
    try:
        stack: list[NodeOrLeaf] = [_grammar().parse(text)]
    except (RecursionError, ValueError, AttributeError, IndexError, AssertionError, NotImplementedError):
        return []
    broken = _broken(stack[0])
    while stack:
        node = stack.pop()
        if node.type in ("error_node", "error_leaf"):
            children = _children(node)
            inside = [one for one in children if one.type in _STATEMENTS or one.type == "suite"]
            bad.update(one.start_pos[0] for one in (children if inside else [node]) if one not in inside)
            stack += reversed(inside)
        elif node.type in _STATEMENTS and id(node) not in broken:
            first = node.start_pos[0]
            last = node.end_pos[0] - (1 if node.end_pos[1] == 0 else 0)
            statements.append((first, max(first, last)))
        else:
            stack += reversed(_children(node))
    return [(first, last) for first, last in statements if first not in bad]


def _depth(text: str) -> int:
    """How many brackets are open at most, those in strings and comments too."""
    opened = re.findall(r"[()\[\]{}]", text)
    return max(
        itertools.accumulate((1 if one in "([{" else -1 for one in opened), lambda a, b: max(0, a + b)), default=0
    )


def _broken(root: NodeOrLeaf) -> set[int]:
    """All nodes above an error."""
    found: set[int] = set()
    stack: list[NodeOrLeaf] = [root]
    while stack:
        node = stack.pop()
        if node.type in ("error_node", "error_leaf"):
            above: NodeOrLeaf | None = node
            while above is not None and id(above) not in found:
                found.add(id(above))
                above = above.parent
        stack += _children(node)
    return found


def _children(node: NodeOrLeaf) -> list[NodeOrLeaf]:
    return getattr(node, "children", [])
