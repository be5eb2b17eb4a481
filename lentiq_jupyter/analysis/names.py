"""What names stand for, as far as the text alone says it: imported modules and constant strings."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import PurePosixPath

from ..model import record
from .code import Code, walk

_PATHS = frozenset(("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath"))


@record
class Names:
    """`aliases`: local name to dotted name (``pd`` to ``pandas``); `texts`: names bound once, to a constant string."""

    aliases: dict[str, str]
    texts: dict[str, str]

    def dotted(self, node: ast.AST) -> str:
        """``pandas.read_csv`` for ``pd.read_csv``; "" for anything that is not names joined by dots."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.aliases.get(node.id, node.id), *reversed(parts)])

    def text(self, node: ast.AST | None) -> str | None:
        """The constant string that an expression surely is; None if the text alone cannot say.

        Understands names bound once, ``+``, f-strings, ``os.path.join``, ``Path(…)`` and ``Path / …``.
        """
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self.texts.get(node.id)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
            left, right = self.text(node.left), self.text(node.right)
            if left is None or right is None:
                return None
            return left + right if isinstance(node.op, ast.Add) else str(PurePosixPath(left) / right)
        if isinstance(node, ast.JoinedStr):
            parts = [
                self.text(value.value if isinstance(value, ast.FormattedValue) else value) for value in node.values
            ]
            return None if None in parts else "".join(part for part in parts if part)
        if isinstance(node, ast.Call) and node.args and not node.keywords:
            name = self.dotted(node.func)
            if name == "os.path.join" or name in _PATHS:
                parts = [self.text(argument) for argument in node.args]
                return None if None in parts else str(PurePosixPath(*(part for part in parts if part)))
            if name in ("str", "os.fspath"):
                return self.text(node.args[0])
        return None


def names_of(codes: Iterable[Code]) -> Names:
    """Aliases and constant strings of pieces of code that share one namespace."""
    aliases: dict[str, str] = {}
    bound: dict[str, list[ast.AST | None]] = {}
    for code in codes:
        for node in walk(code.tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    aliases[one.asname or one.name.partition(".")[0]] = (
                        one.name if one.asname else one.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for one in node.names:
                    aliases[one.asname or one.name] = f"{node.module}.{one.name}"
            elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
                bound.setdefault(node.id, []).append(None)
            elif isinstance(node, ast.arg):
                bound.setdefault(node.arg, []).append(None)
    for code in codes:
        for statement in code.tree.body:
            target, value = _binding(statement)
            if target is not None and len(bound.get(target, ())) == 1:
                bound[target] = [value]
    names = Names(aliases=aliases, texts={})
    for name, values in bound.items():
        text = names.text(values[0]) if len(values) == 1 else None
        if text is not None:
            names.texts[name] = text
    return names


def _binding(statement: ast.stmt) -> tuple[str | None, ast.expr | None]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return (target.id if isinstance(target, ast.Name) else None), statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value
    return None, None
