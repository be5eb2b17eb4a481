"""Where a notebook's Python finds modules besides installed packages: folders it adds, files it makes or fetches."""

from __future__ import annotations

import ast
import os.path
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from ..model import Finding, Severity, record
from .code import Code, every
from .folder import Folder, Outside
from .names import Names
from .shell import Command, simple_commands

_MODULE = re.compile(r"(?:.*[/\\=])?([A-Za-z_]\w*)\.py(?:[?#].*)?")
_PROTO = re.compile(r"(?:.*/)?([\w-]+)\.proto")
_ADDS = frozenset(("sys.path.append", "sys.path.insert", "sys.path.extend", "site.addsitedir"))
_SAME = frozenset(("os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser", "os.fspath", "str"))
_HERE = frozenset(("os.getcwd", "os.curdir", "pathlib.Path.cwd", "pathlib.Path"))
_COPIES = frozenset(("cp", "mv", "ln", "rsync", "svn", "gsutil"))
_DEPTH = 30  # nested path expressions deeper than this are no paths a person wrote


@record
class Search:
    """What an import may find besides packages.

    `folders` are relative to the notebook, as ``sys.path`` has them ("" is its own). `written` maps paths
    of files that the notebook writes to their text. `made` are modules that are there only at run time.
    `outside` are existing folders out of reach of a block, as absolute paths. `elsewhere` says of which
    folder, not at hand, unknown imports may come; "" if there is none. `clones` are names of repositories
    that the notebook clones.
    """

    folders: tuple[str, ...] = ("",)
    written: Mapping[str, str]
    made: frozenset[str] = frozenset()
    outside: tuple[str, ...] = ()
    elsewhere: str = ""
    clones: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()

    def text(self, path: str) -> str | None:
        """Text of a file that the notebook writes; None if it does not."""
        return self.written.get(os.path.normpath(path))


class _Gathered:
    """What has been seen so far."""

    def __init__(self, folder: Folder, written: Mapping[str, str]) -> None:
        self.folder, self.written = folder, written
        self.folders = [""]
        self.outside: list[str] = []
        self.elsewhere = ""
        self.made: set[str] = set()
        self.clones: set[str] = set()
        self.findings: list[Finding] = []

    def add_folder(self, path: str | None, why: str) -> None:
        """A folder that Python looks into; None where the text does not tell which."""
        if path is None:
            self.elsewhere = self.elsewhere or f"a folder {why} that only a run can tell"
            return
        try:
            inside = self.folder.relative(path)
        except Outside:
            found = os.path.normpath(os.path.join(self.folder.root, os.path.expanduser(path)))
            if "\0" not in found and os.path.isdir(found):
                self.outside.append(found)
            self.elsewhere = self.elsewhere or f"{path} {why}"
            return
        inside = inside.removeprefix(".")
        self.folders.append(inside)
        there = not inside or self.folder.is_folder(inside)
        if not there and not any(name.startswith(f"{inside}/") for name in self.written):
            self.elsewhere = self.elsewhere or f"{path} {why}"


def search_of(
    codes: Iterable[Code], names: Names, folder: Folder, commands: Iterable[Command], written: Mapping[str, str]
) -> Search:
    """Everything the notebook does to what its imports find.

    Parameters
    ----------
    written : mapping
        Path to text of the files that ``%%writefile`` cells write.
    """
    gathered = _Gathered(folder, written)
    for command in commands:
        for words in simple_commands(command.text):
            _command(words, gathered)
    for code in codes:
        for call in every(code.tree, ast.Call):
            _call(call, names, gathered, code)
        for assignment in every(code.tree, ast.Assign):
            _assignment(assignment, names, gathered)
        for augmented in every(code.tree, ast.AugAssign):
            if names.dotted(augmented.target) == "sys.path":
                for one in _elements(augmented.value):
                    gathered.add_folder(path_of(one, names), "on sys.path")
    return Search(
        folders=tuple(dict.fromkeys(gathered.folders)),
        written=written,
        made=frozenset(gathered.made),
        outside=tuple(dict.fromkeys(gathered.outside)),
        elsewhere=gathered.elsewhere,
        clones=frozenset(gathered.clones),
        findings=tuple(gathered.findings),
    )


def _call(call: ast.Call, names: Names, gathered: _Gathered, code: Code) -> None:
    called = names.dotted(call.func)
    if called in _ADDS and call.args:
        for one in _elements(call.args[-1]):
            path = path_of(one, names)
            before = gathered.elsewhere
            gathered.add_folder(path, "on sys.path")
            if path is not None and gathered.folder.leads_outside(path) and gathered.elsewhere != before:
                gathered.findings.append(_outside(path, code, call))
    elif called == "os.chdir" and call.args:
        gathered.add_folder(path_of(call.args[0], names), "that the notebook changes to")
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "run_line_magic" and len(call.args) > 1:
        name, rest = names.text(call.args[0]), (names.text(call.args[1]) or "").strip()
        gathered.made.update(found[1] for found in map(_MODULE.fullmatch, rest.split()) if found)
        if name in ("cd", "pushd") and rest and not rest.startswith("-"):
            path = names.filled(rest.strip("'\""))
            gathered.add_folder(path, "that the notebook changes to")
        elif name in ("env", "set_env") and rest.startswith("PYTHONPATH"):
            gathered.add_folder(None, "in PYTHONPATH")
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        text = names.text(argument) or _ending(argument)
        if text and (found := _MODULE.fullmatch(text)):
            gathered.made.add(found[1])


def _assignment(assignment: ast.Assign, names: Names, gathered: _Gathered) -> None:
    for target in assignment.targets:
        if isinstance(target, ast.Subscript) and names.dotted(target.value) == "os.environ":
            if names.text(target.slice) == "PYTHONPATH":
                gathered.add_folder(None, "in PYTHONPATH")
        elif names.dotted(target) == "sys.path" and isinstance(assignment.value, ast.BinOp):
            for side in (assignment.value.left, assignment.value.right):
                for one in _elements(side) if isinstance(side, (ast.List, ast.Tuple)) else []:
                    gathered.add_folder(path_of(one, names), "on sys.path")


def _command(words: list[str], gathered: _Gathered) -> None:
    """What one simple shell command does to later imports."""
    program = words[0].rpartition("/")[2]
    plain = [word.strip("'\"") for word in words[1:] if not word.startswith("-")]
    if program == "git" and plain[:1] == ["clone"] and len(plain) > 1:
        last = plain[-1] if len(plain) > 2 and "://" not in plain[-1] else plain[1]
        gathered.clones.add(re.sub(r"\.git$", "", last.rstrip("/").rpartition("/")[2]))
    elif program == "protoc" or "grpc_tools.protoc" in words:
        for found in filter(None, map(_PROTO.fullmatch, plain)):
            stem = found[1].replace("-", "_")
            gathered.made.update((f"{stem}_pb2", f"{stem}_pb2_grpc"))
    elif program in _COPIES:
        gathered.made.update(word.rstrip("/").rpartition("/")[2] for word in plain)
    elif "install" in words:
        local = [word for word in plain if re.fullmatch(r"(?:\.{1,2}|[./~]\S*[^.\s]|\$\S+|\{\S+)(?:\[.*\])?", word)]
        if any(not word.endswith((".whl", ".txt", ".gz", ".zip")) for word in local) or "setup.py" in words:
            where = next((word for word in local if not word.endswith((".whl", ".txt", ".gz", ".zip"))), ".")
            gathered.elsewhere = gathered.elsewhere or f"the project that is installed from {where}"
    for word in words:
        module = _MODULE.fullmatch(word.strip("'\"(){},;"))
        if module:
            gathered.made.add(module[1])


def _elements(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, (ast.List, ast.Tuple)) else [node]


def _ending(node: ast.expr) -> str:
    """The constant text an expression ends with."""
    if isinstance(node, ast.BinOp):
        node = node.right
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[-1]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def path_of(node: ast.expr | None, names: Names, depth: int = 0) -> str | None:
    """The path an expression is, relative to the working directory; None if the text alone cannot say.

    Understands what `Names.text` does, and ``os.getcwd``, ``Path.cwd``, ``abspath``, ``dirname``, ``.parent``.
    """
    if node is None or depth > _DEPTH:
        return None
    known = names.text(node)
    if known is not None:
        return known
    if isinstance(node, ast.Name):
        return path_of(names.values.get(node.id), names, depth + 1)
    if isinstance(node, ast.Attribute):
        if names.dotted(node) in ("os.curdir", "os.pardir"):
            return "." if node.attr == "curdir" else ".."
        inner = path_of(node.value, names, depth + 1) if node.attr == "parent" else None
        return None if inner is None else _parent(inner)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "parents":
        inner = path_of(node.value.value, names, depth + 1)
        steps = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if inner is None or not isinstance(steps, int) or not 0 <= steps < _DEPTH:
            return None
        return os.path.normpath(os.path.join(inner, *[".."] * (steps + 1)))
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
        left, right = path_of(node.left, names, depth + 1), path_of(node.right, names, depth + 1)
        if left is None or right is None:
            return None
        return left + right if isinstance(node.op, ast.Add) else str(PurePosixPath(left) / right)
    if not isinstance(node, ast.Call):
        return None
    called = names.dotted(node.func)
    if called in _HERE and not node.args:
        return "."
    parts = [path_of(one, names, depth + 1) for one in node.args]
    if called in _SAME or called == "pathlib.Path":
        return parts[0] if len(parts) == 1 else None
    if called == "os.path.dirname":
        return None if len(parts) != 1 or parts[0] is None else _parent(parts[0])
    if called == "os.path.join":
        return None if None in parts else os.path.join(*(part for part in parts if part is not None), "")
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("resolve", "absolute", "as_posix", "expanduser"):
        return path_of(node.func.value, names, depth + 1)
    return None


def _parent(path: str) -> str:
    return os.path.normpath(os.path.join(path, ".."))


def _outside(path: str, code: Code, node: ast.AST) -> Finding:
    message = f"sys.path gets {path}, outside the notebook's folder. Put its code inside."
    return Finding(severity=Severity.WARNING, code="outside-folder", message=message, place=code.place(node))
