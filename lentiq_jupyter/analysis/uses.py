"""What code calls, on what and with what, as far as the text alone says it: one walk that all rules share.

Values are followed through assignments, loops, and the parameters of the code's own functions, without
regard to order or scope: an answer is what a value *may* be. Nothing is executed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import islice

from ..model import Place, record
from .code import Code, every, walk
from .names import Names

UNKNOWN = "\0"  # stands for the part of a text that only the run knows
_DEPTH = 8  # of expressions inside a text
_CHAIN = 40  # of names that lead to names
_MANY = 8  # texts one expression may have
_LOOKED_AT = 64  # elements of a long list
# Methods and accessors that give a value of another library than the one they are called on.
_CONVERTS = {
    "to_pandas": "pandas",
    "toPandas": "pandas",
    "to_dataframe": "pandas",
    "to_geopandas": "geopandas",
    "to_xarray": "xarray",
    "to_numpy": "numpy",
    "DataFrame": "pandas",
    "hvplot": "hvplot",
    "iplot": "plotly",
    "GeoDataFrame": "geopandas",
}
_ADDRESSES = frozenset(("href", "url", "download_url", "browser_download_url"))  # attributes that hold a URL
_SHOWN = frozenset(("print", "display", "Markdown", "HTML", "Latex", "IFrame", "warn", "info", "debug"))
_JOINS = frozenset(("join", "Path", "PurePath", "PosixPath", "joinpath", "UPath"))


@record
class Call:
    """One call. `name` is the last name of what is called, `dotted` its full name where imports give it."""

    name: str
    dotted: str
    node: ast.Call
    code: Code

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.code.place(self.node)

    def argument(self, position: int, *keywords: str) -> ast.expr | None:
        """The argument at a position or by one of its keywords; None where the call has none."""
        for one in self.node.keywords:
            if one.arg in keywords:
                return one.value
        return self.node.args[position] if 0 <= position < len(self.node.args) else None

    def keyword(self, name: str) -> ast.expr | None:
        """The value of a keyword argument."""
        return next((one.value for one in self.node.keywords if one.arg == name), None)

    def arguments(self) -> Iterator[ast.expr]:
        """All arguments, by position first."""
        yield from self.node.args
        yield from (one.value for one in self.node.keywords)


@record
class Uses:
    """What pieces of code that share one namespace use.

    `bindings` are the values each name may have; `made` the functions and classes that the code defines
    itself; `given` the parameters of its functions; `guarded` the ids of calls inside a ``try``;
    `attributes` are read attributes with their code; `texts` constant strings with a scheme
    (``s3://…``) that are more than shown or explained. `known` remembers what names were found to be.
    """

    names: Names
    bindings: dict[str, list[ast.expr]]
    made: frozenset[str]
    given: frozenset[str]
    guarded: frozenset[int]
    calls: tuple[Call, ...]
    attributes: tuple[tuple[ast.Attribute, Code], ...]
    texts: tuple[tuple[str, Place], ...]
    known: tuple[dict[str, frozenset[str]], dict[str, list[str]]]

    def knows(self, name: str) -> bool:
        """Whether the code itself gives a name its value."""
        return name in self.bindings or name in self.made or name in self.given or name in self.names.aliases

    def origins(self, node: ast.expr | None, depth: int = _CHAIN) -> frozenset[str]:
        """The libraries (top names of imports) whose values an expression may be; empty if nothing tells."""
        while node is not None:
            if isinstance(node, ast.Attribute):
                if node.attr in _CONVERTS:
                    return frozenset((_CONVERTS[node.attr],))
                node = node.value
            elif isinstance(node, ast.Call):
                node = node.func
            elif isinstance(node, (ast.Subscript, ast.Starred, ast.Await)):
                node = node.value
            elif isinstance(node, (ast.BinOp, ast.Compare)):
                node = node.left
            elif isinstance(node, ast.UnaryOp):
                node = node.operand
            else:
                break
        if not isinstance(node, ast.Name) or not depth:
            return frozenset()
        found = self.names.aliases.get(node.id)
        if found:
            last = found.rpartition(".")[2]
            return frozenset((_CONVERTS.get(last) or found.partition(".")[0],))
        origins, _ = self.known
        if node.id not in origins:
            origins[node.id] = frozenset()  # the answer while it is looked for: names may lead to themselves
            values = self.bindings.get(node.id, ())
            origins[node.id] = frozenset(top for value in values for top in self.origins(value, depth - 1))
        return origins[node.id]

    def texts_of(self, node: ast.expr | None, depth: int = _DEPTH) -> list[str]:
        """The texts an expression may be, unknown parts as UNKNOWN; empty if it is no text or none is known."""
        if node is None or not depth:
            return []
        below = depth - 1
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else []
        if isinstance(node, ast.Name):
            _, texts = self.known
            if node.id not in texts:
                texts[node.id] = []
                texts[node.id] = self._all(self.bindings.get(node.id, ()), below)
            return texts[node.id]
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
            return ["".join(self._one(part, below) for part in parts)]
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Mod):
                return self.texts_of(node.left, below)
            glue = "/" if isinstance(node.op, ast.Div) else ""
            left, right = self._one(node.left, below), self._one(node.right, below)
            return [] if left == right == UNKNOWN else [left + glue + right]
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return self._all(node.elts, below)
        if isinstance(node, ast.Dict):
            return self._all(node.values, below)
        if isinstance(node, ast.IfExp):
            return self._all((node.body, node.orelse), below)
        if isinstance(node, ast.Subscript):
            return self._item(node, below)
        if isinstance(node, ast.Attribute):
            return [f"https://{UNKNOWN}"] if node.attr in _ADDRESSES else []
        return self._made_by(node, below) if isinstance(node, ast.Call) else []

    def _made_by(self, call: ast.Call, depth: int) -> list[str]:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if isinstance(call.func, ast.Attribute) and name in ("format", "strip", "lower", "replace", "as_posix"):
            return self.texts_of(call.func.value, depth)
        if name in _JOINS:
            parts = [self._one(part, depth) for part in call.args]
            if name == "joinpath" and isinstance(call.func, ast.Attribute):
                parts.insert(0, self._one(call.func.value, depth))
            return [] if all(part == UNKNOWN for part in parts) else ["/".join(parts)]
        return self.texts_of(call.args[0], depth) if name in ("str", "fspath", "Request", "URL") and call.args else []

    def _item(self, node: ast.Subscript, depth: int) -> list[str]:
        keys = self.texts_of(node.slice, depth)
        for value in (node.value, *self.bindings.get(getattr(node.value, "id", ""), ())):
            if isinstance(value, ast.Dict):
                named = [one for key, one in zip(value.keys, value.values, strict=True) if self._one(key, 1) in keys]
                return self._all(named or value.values, depth)
        return self.texts_of(node.value, depth)

    def _one(self, node: ast.expr | None, depth: int) -> str:
        found = self.texts_of(node, depth)
        return found[0] if found else UNKNOWN

    def _all(self, nodes: Iterable[ast.expr], depth: int) -> list[str]:
        found: list[str] = []
        for node in islice(nodes, _LOOKED_AT):
            found += self.texts_of(node, depth)
            if len(found) >= _MANY:
                break
        return found[:_MANY]


def mentioned(codes: Iterable[Code]) -> frozenset[str]:
    """The names that code uses in any way: a function of another name is never called."""
    found: set[str] = set()
    for code in codes:
        found.update(one.id for one in every(code.tree, ast.Name))
        found.update(one.attr for one in every(code.tree, ast.Attribute))
        found.update(one.name for taken in every(code.tree, ast.ImportFrom) for one in taken.names)
    return frozenset(found)


def uses_of(codes: Iterable[Code], names: Names, alive: frozenset[str] | None = None) -> Uses:
    """Read pieces of code that share one namespace.

    Parameters
    ----------
    alive : frozenset of str or None
        Functions and classes of other names are passed over, for they are never called; None reads all.
    """
    bindings: dict[str, list[ast.expr]] = {}
    functions: dict[str, ast.arguments] = {}
    made: set[str] = set()
    given: set[str] = set()
    guarded: set[int] = set()
    calls: list[Call] = []
    attributes: list[tuple[ast.Attribute, Code]] = []
    texts: list[tuple[str, Place]] = []
    for code in codes:
        silent: set[int] = set()
        dead: set[int] = set()
        for node in walk(code.tree):
            if dead and id(node) in dead:
                continue
            if alive is not None and _is_dead(node, alive):
                dead.update(id(one) for one in walk(node))
            elif isinstance(node, ast.Call):
                name, dotted = _called(node, names)
                calls.append(Call(name=name, dotted=dotted, node=node, code=code))
                if name in _SHOWN:
                    silent.update(id(part) for one in node.args for part in walk(one))
            elif isinstance(node, ast.Attribute):
                attributes.append((node, code))
            elif isinstance(node, ast.Constant):
                if isinstance(node.value, str) and "://" in node.value[:40] and id(node) not in silent:
                    texts.append((node.value, code.place(node)))
            elif isinstance(node, ast.Expr):
                silent.add(id(node.value))
            elif isinstance(node, ast.arg):
                given.add(node.arg)
            elif isinstance(node, ast.Try):
                if node.handlers:
                    guarded.update(id(one) for part in node.body for one in walk(part) if isinstance(one, ast.Call))
            elif isinstance(node, ast.ClassDef):
                made.add(node.name)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                made.add(node.name)
                functions[node.name] = node.args
                _defaults(node.args, bindings)
            else:
                _bindings_at(node, bindings)
    for call in calls:
        if call.name in functions and isinstance(call.node.func, ast.Name):
            _pass(call.node, functions[call.name], bindings)
    return Uses(
        names=names,
        bindings=bindings,
        made=frozenset(made),
        given=frozenset(given),
        guarded=frozenset(guarded),
        calls=tuple(calls),
        attributes=tuple(attributes),
        texts=tuple(texts),
        known=({}, {}),
    )


def _is_dead(node: ast.AST, alive: frozenset[str]) -> bool:
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or node.decorator_list:
        return False
    return node.name not in alive and not node.name.startswith("__")


def _called(call: ast.Call, names: Names) -> tuple[str, str]:
    function = call.func
    if isinstance(function, ast.Attribute):
        dotted = names.dotted(function)
        root = function.value
        while isinstance(root, ast.Attribute):
            root = root.value
        return function.attr, dotted if isinstance(root, ast.Name) and root.id in names.aliases else ""
    if isinstance(function, ast.Name):
        dotted = names.aliases.get(function.id, "")
        return (dotted.rpartition(".")[2] if dotted else function.id), dotted
    return "", ""


def _bindings_at(node: ast.AST, bindings: dict[str, list[ast.expr]]) -> None:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            _bind(target, node.value, bindings)
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
        if node.value is not None:
            _bind(node.target, node.value, bindings)
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        _bind(node.target, node.iter, bindings)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        _bind(node.optional_vars, node.context_expr, bindings)


def _bind(target: ast.expr, value: ast.expr, bindings: dict[str, list[ast.expr]]) -> None:
    if isinstance(target, ast.Name):
        bindings.setdefault(target.id, []).append(value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts) else None
        for number, one in enumerate(target.elts):
            _bind(one, parts[number] if parts else value, bindings)
    elif isinstance(target, ast.Starred):
        _bind(target.value, value, bindings)


def _defaults(given: ast.arguments, bindings: dict[str, list[ast.expr]]) -> None:
    positional = [*given.posonlyargs, *given.args]
    for name, value in zip(reversed(positional), reversed(given.defaults), strict=False):
        bindings.setdefault(name.arg, []).append(value)
    for name, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if default is not None:
            bindings.setdefault(name.arg, []).append(default)


def _pass(call: ast.Call, wanted: ast.arguments, bindings: dict[str, list[ast.expr]]) -> None:
    """A call of the code's own function gives its parameters values."""
    positional = [one.arg for one in (*wanted.posonlyargs, *wanted.args)]
    named = {*positional, *(one.arg for one in wanted.kwonlyargs)}
    for name, value in zip(positional, call.args, strict=False):
        bindings.setdefault(name, []).append(value)
    for one in call.keywords:
        if one.arg in named:
            bindings.setdefault(str(one.arg), []).append(one.value)
