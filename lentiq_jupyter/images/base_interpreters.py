"""Interpreters in a base image: by what an official image says of itself, else by the names of its files. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from ..model import record
from .base_files import Tree

OFFICIAL_FOLDER = "/usr/local/bin"
# Where to look after the image's PATH.
_USUAL = (OFFICIAL_FOLDER, "/usr/bin", "/opt/conda/bin", "/opt/python/bin", "/opt/bitnami/python/bin")
_VERSION = re.compile(r"3\.\d+\.\d+\S*")
_NAMED = re.compile(r"python(3\.\d+)")
_PRIVATE = "root/"  # closed to everybody but root, in every distribution


@record
class Interpreter:
    """An interpreter in an image: its absolute path without links, and its ``X.Y`` ("" where no name tells it)."""

    path: str
    version: str


def official_version(settings: Mapping[str, object], history: Sequence[object]) -> str | None:
    """The full version of an official Python image's interpreter, ``/usr/local/bin/pythonX.Y``; None for others.

    Official images, and what is made from them, set PYTHON_VERSION and put ``/usr/local/bin`` before all
    else on PATH; no distribution's default PATH begins with it. Those of Alpine run ``apk``: what has
    that in its history must be looked into.
    """
    said = environment(settings)
    version = said.get("PYTHON_VERSION", "")
    if not _VERSION.fullmatch(version) or said.get("PATH", "").split(":")[0] != OFFICIAL_FOLDER:
        return None
    alpine = any(isinstance(one, dict) and "apk add" in str(one.get("created_by")) for one in history)
    return None if alpine else version


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The variables that an image's configuration sets."""
    lines = settings.get("Env")
    return dict(str(line).partition("=")[::2] for line in lines) if isinstance(lines, list) else {}


def interpreters(tree: Tree, path: str) -> list[Interpreter]:
    """Every interpreter of an image that its user may start, in the order in which it is to be taken.

    Parameters
    ----------
    path : str
        The image's PATH.
    """
    found: dict[str, Interpreter] = {}
    for name in _names(tree, path):
        real = tree.real(name)
        if real is not None and not real.startswith(_PRIVATE):
            found.setdefault(real, Interpreter(path=f"/{real}", version=_version(tree, real)))
    return list(found.values())


def private_interpreters(tree: Tree) -> list[Interpreter]:
    """Interpreters in root's own folder, which the user of a block cannot start."""
    real = sorted(one for one in tree.files if one.startswith(_PRIVATE) and "/bin/python" in one)
    return [Interpreter(path=f"/{one}", version=_version(tree, one)) for one in real]


def is_musl(tree: Tree) -> bool:
    """Whether programs of the image run on musl, as in Alpine, where wheels for glibc do not."""
    names = {posixpath.basename(one).partition("-")[2] for one in tree.files if "/ld-" in one}
    return any(name.startswith("musl") for name in names) and not any(name.startswith("linux") for name in names)


def _names(tree: Tree, path: str) -> Iterator[str]:
    """Paths to try. A folder on PATH comes before the next one, whatever the names in it."""
    folders = dict.fromkeys((*path.split(":"), *_USUAL))
    for folder in folders:
        if folder.startswith("/"):
            inside = [name for name in _every(tree) if posixpath.dirname(name) == tree.folder(folder)]
            yield from sorted(inside, key=lambda name: (-len(name), name))
    yield from _every(tree)


def _every(tree: Tree) -> list[str]:
    links = (one for one in tree.links if re.fullmatch(r"python(?:3(?:\.\d+)?)?", posixpath.basename(one)))
    binaries = (one for one in tree.files if posixpath.basename(one).startswith("python"))
    return sorted({*links, *binaries}, key=lambda name: (name.count("/"), name))


def _version(tree: Tree, real: str) -> str:
    named = _NAMED.fullmatch(posixpath.basename(real))
    if named:
        return named[1]
    prefix = posixpath.dirname(posixpath.dirname(real))
    found = {
        posixpath.basename(posixpath.dirname(one)).removeprefix("python")
        for one in tree.files
        if one.endswith("/os.py") and posixpath.dirname(posixpath.dirname(posixpath.dirname(one))) == prefix
    }
    return found.pop() if len(found) == 1 else ""
