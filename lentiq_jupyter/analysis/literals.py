"""Literal texts of a piece of code: what each is bound to, and whether that makes it a secret."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import field

from ..model import record
from .code import Code, walk
from .guard import is_placeholder, looks_random
from .names import Names

_PASSWORD = re.compile(r"(?i)(?:password|passwd|passphrase|passcode|pwd)\d*$")
_KEY = re.compile(
    r"(?i)(?:^|[_-]|(?<=[a-z])(?=[A-Z]))(?:api[_-]?key|secret|(?:secret|access|auth|account|subscription|private"
    r"|license|encryption|signing|master)[_-]?key|token|credentials?|client[_-]?secret|apikey)$"
)
_VARIABLE = re.compile(
    r"(?i)(?:^|_)(?:key|apikey|token|secret|password|passwd|pwd|passphrase|credentials?|dsn|connection_string"
    r"|conn_str|database_url)(?:_id|_\d+)?$"
)
_NOT_SECRET = re.compile(r"(?i)(?:^|_)(?:primary|foreign|sort|partition|public|pub|group|index|cache|max|pad|eos|bos)_")
# Passwords that everybody knows, of services on one's own machine, and words of schemas.
_KNOWN = re.compile(
    r"(?i)(?:admin|root|guest|postgres|mysql|neo4j|elastic|default|none|null|anonymous|minioadmin|demo|user\w*|test\w*"
    r"|qwerty|letmein|str|string|text|varchar|object|true|false|1234\d*|hidden|required|optional)"
)
_DEFAULTS = frozenset(["os.getenv", "os.environ.get", "os.environ.setdefault", "os.putenv"])
_BLANK = re.compile(r"\s")


@record
class Literal:
    """One literal text. `name` is what it is bound to, "" if nothing; `replaceable`: an expression may stand there."""

    node: ast.Constant
    name: str
    replaceable: bool
    value: str = field(repr=False)


def literals_of(code: Code, names: Names) -> Iterator[Literal]:
    """Every literal text of code, documentation left out.

    Bound to a name are the values of assignments (to names, attributes, literal keys), of keyword
    arguments, of dictionary keys, of ``os.environ`` and of a default in ``os.getenv``.
    """
    bound: dict[int, str] = {}
    fixed: set[int] = set()
    for node in walk(code.tree):
        for name, value in _bindings(node, names):
            if isinstance(value, ast.Constant):
                bound.setdefault(id(value), name)
        if isinstance(node, ast.JoinedStr):
            fixed |= {id(one) for one in node.values}
        elif isinstance(node, (ast.MatchValue, ast.Expr)):
            fixed.add(id(node.value))
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield Literal(
                    node=node, name=bound.get(id(node), ""), replaceable=id(node) not in fixed, value=node.value
                )
            elif isinstance(node.value, bytes):
                text = node.value.decode("latin-1")
                yield Literal(node=node, name=bound.get(id(node), ""), replaceable=False, value=text)


def _bindings(node: ast.AST, names: Names) -> Iterator[tuple[str, ast.expr | None]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield _target(target), node.value
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=False):
                    yield _target(one), value
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
        yield _target(node.target), node.value
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield _text(key), value
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        positional = [*node.args.posonlyargs, *node.args.args]
        for argument, default in zip(reversed(positional), reversed(node.args.defaults), strict=False):
            yield argument.arg, default
        for argument, given in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            yield argument.arg, given
    elif isinstance(node, ast.Call) and len(node.args) == 2 and names.dotted(node.func) in _DEFAULTS:
        yield _text(node.args[0]), node.args[1]


def _target(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return _text(node.slice) if isinstance(node, ast.Subscript) else ""


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def secret_kind(name: str, value: str) -> str:
    """What a value bound to that name is ("a password"); "" if it is no secret, or surely only stands for one."""
    if not name or _BLANK.search(value) or is_placeholder(value) or value.lower() == name.lower():
        return ""
    if _PASSWORD.search(name):
        known = len(value) < 4 or len(value) > 256 or _KNOWN.fullmatch(value) or value.endswith((":", "_"))
        return "" if known else "a password"
    if (is_secret_name(name) or (name.isupper() and is_secret_variable(name))) and looks_random(value):
        return "a secret key"
    return ""


def is_secret_name(name: str) -> bool:
    """Whether a variable of that name holds a secret (``db_password``, ``apiKey``)."""
    return bool(_PASSWORD.search(name) or _KEY.search(name)) and not _NOT_SECRET.search(name)


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable of that name holds a secret (``OPENAI_API_KEY``, ``DB_PASSWORD``)."""
    return bool(_VARIABLE.search(name)) and not _NOT_SECRET.search(name)
