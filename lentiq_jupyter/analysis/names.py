"""What names stand for, as far as the text alone says it: imported modules and constant strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from ..model import record
from .code import Code, every

_PATHS = frozenset(("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath"))
_DEPTH = 50  # expressions nested deeper than this are data, not names
_LONGEST = 4096  # characters of a text worth knowing
_HOLE = re.compile(r"\{(\w+)\}|\$\{?(\w+)\}?")


@record
class Names:
    """What the names of one namespace stand for.

    `aliases`: local name to dotted name (``pd`` to ``pandas``); `texts`: names bound once, to a constant
    string; `values`: names bound once at top level, to any expression.
    """

    aliases: dict[str, str]
    texts: dict[str, str]
    values: dict[str, ast.expr]

    def dotted(self, node: ast.AST) -> str:
        """``pandas.read_csv`` for ``pd.read_csv``; "" for anything that is not names joined by dots."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id)
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.aliases.get(node.id, node.id), *reversed(parts)])

    def text(self, node: ast.AST | None, depth: int = 0) -> str | None:
        """The constant string that an expression surely is; None if the text alone cannot say.

        Understands names bound once, ``+``, f-strings, ``os.path.join``, ``Path(…)`` and ``Path / …``.
        """
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self.texts.get(node.id)
        if depth > _DEPTH:
            return None
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
            right = self.text(node.right, depth + 1)
            left = self.text(node.left, depth + 1) if right is not None else None
            if left is None or right is None:
                return None
            return _short(left + right if isinstance(node.op, ast.Add) else str(PurePosixPath(left) / right))
        if isinstance(node, ast.JoinedStr):
            return self._joined(
                [value.value if isinstance(value, ast.FormattedValue) else value for value in node.values], depth
            )
        if isinstance(node, ast.Call) and node.args and not node.keywords:
            name = self.dotted(node.func)
            if name == "os.path.join" or name in _PATHS:
                return self._joined(node.args, depth, path=True)
            if name in ("str", "os.fspath"):
                return self.text(node.args[0], depth + 1)
        return None

    def filled(self, text: str) -> str:
        """A line of shell or magic with ``{name}`` and ``$name`` put in, as IPython does; unknown ones stay."""
        if "{" not in text and "$" not in text:
            return text
        return _HOLE.sub(lambda found: self.texts.get(found[1] or found[2], found[0]), text)

    def _joined(self, nodes: list[ast.expr], depth: int, path: bool = False) -> str | None:
        parts: list[str] = []
        for node in nodes:
            part = self.text(node, depth + 1)
            if part is None:
                return None
            parts.append(part)
        return _short(str(PurePosixPath(*(part for part in parts if part))) if path else "".join(parts))


def names_of(codes: Iterable[Code]) -> Names:
    """Aliases and constant strings of pieces of code that share one namespace."""
    codes = tuple(codes)
    aliases: dict[str, str] = {}
    bound: dict[str, int] = {}
    for code in codes:
        for plain in every(code.tree, ast.Import):
            for one in plain.names:
                top = one.name.partition(".")[0]
                aliases[one.asname or top] = one.name if one.asname else top
        for taken in every(code.tree, ast.ImportFrom):
            if taken.module and not taken.level:
                for one in taken.names:
                    aliases[one.asname or one.name] = f"{taken.module}.{one.name}"
        for name in every(code.tree, ast.Name):
            if not isinstance(name.ctx, ast.Load):
                bound[name.id] = bound.get(name.id, 0) + 1
        for argument in every(code.tree, ast.arg):
            bound[argument.arg] = bound.get(argument.arg, 0) + 1
    names = Names(aliases=aliases, texts={}, values={})
    for code in codes:
        for statement in code.tree.body:
            target, value = _binding(statement)
            if target is None or value is None or bound.get(target) != 1:
                continue
            names.values[target] = value
            text = names.text(value)
            if text is not None:
                names.texts[target] = text
    return names


def _short(text: str) -> str | None:
    return text if len(text) <= _LONGEST else None


def _binding(statement: ast.stmt) -> tuple[str | None, ast.expr | None]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return (target.id if isinstance(target, ast.Name) else None), statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value
    return None, None
