"""Environment variables that code reads."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from ..model import EnvFact
from .code import Code, walk
from .names import Names


def environment_of(codes: Iterable[Code], names: Names) -> tuple[EnvFact, ...]:
    """Every variable read by a literal name, at its first place; those the code sets itself are left out.

    `has_default` only if every reading copes with its absence.
    """
    found: dict[str, EnvFact] = {}
    own: set[str] = set()
    for code in codes:
        for node in walk(code.tree):
            name, has_default, writes = _reading(node, names)
            if not name:
                continue
            if writes:
                own.add(name)
                continue
            first = found.get(name)
            found[name] = EnvFact(
                name=name,
                has_default=has_default and (first is None or first.has_default),
                place=first.place if first else code.place(node),
            )
    return tuple(fact for name, fact in found.items() if name not in own)


def _reading(node: ast.AST, names: Names) -> tuple[str | None, bool, bool]:
    """Name, whether there is a default, whether it is set rather than read."""
    if isinstance(node, ast.Subscript) and names.dotted(node.value) == "os.environ":
        return names.text(node.slice), False, not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        if names.dotted(node.comparators[0]) == "os.environ" and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            return names.text(node.left), True, False
    elif isinstance(node, ast.Call) and node.args:
        called = names.dotted(node.func)
        if called in ("os.environ.get", "os.getenv", "os.environ.pop"):
            return names.text(node.args[0]), len(node.args) > 1 or bool(node.keywords), False
        if called == "os.environ.setdefault":
            return names.text(node.args[0]), True, False
        words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        magic = isinstance(node.func, ast.Attribute) and node.func.attr == "run_line_magic"
        if magic and words[:1] in (["env"], ["set_env"]) and len(words) > 1 and words[1].split():
            name, assigned, _ = words[1].replace(" ", "=", 1).partition("=")
            return name, False, bool(assigned)
    return None, False, False
