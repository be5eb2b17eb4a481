"""Debian packages that the distributions of a lock need and the base image lacks.

Two witnesses: the shared objects that the kernel has of these distributions, read as ``ldd`` would, and
a table, ``system_packages.toml``, for what no shared object names and for what the kernel does not have.
"""

from __future__ import annotations

import re
import tomllib
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatch, translate
from functools import cache, lru_cache
from pathlib import Path

from packaging.utils import canonicalize_name

from ..errors import NotFound, Unavailable
from ..model import Facts, Finding, Lock, Severity, SystemNeed, Witness, record
from .probe import probe
from .shared_objects import SharedObject, read_shared_object


@record
class Tables:
    """`system_packages.toml` as values; the file says what each part means."""

    runs: dict[str, tuple[str, ...]]
    links: dict[str, tuple[str, ...]]
    imports: dict[str, tuple[str, ...]]
    optional: tuple[str, ...]
    toolkits: frozenset[str]
    driver: tuple[str, ...]
    base: frozenset[str]
    sonames: dict[str, str]
    spoken: dict[str, str]


@record
class SystemNeeds:
    """Debian packages by name, and what the user should know besides."""

    needs: tuple[SystemNeed, ...]
    findings: tuple[Finding, ...] = ()


@cache
def tables() -> Tables:
    """The curated tables, read once."""
    found = tomllib.loads(Path(__file__).with_name("system_packages.toml").read_text("utf-8"))
    listed = {
        part: {name: tuple(given) for name, given in found[part].items()} for part in ("runs", "links", "imports")
    }
    return Tables(
        **listed,
        optional=tuple(found["optional"]["files"]),
        toolkits=frozenset(found["toolkits"]["distributions"]),
        driver=tuple(found["driver"]["sonames"]),
        base=frozenset(found["base"]["sonames"]),
        sonames=found["sonames"],
        spoken=found["spoken"],
    )


def package_of_library(name: str) -> str | None:
    """The Debian package of a soname (``libGL.so.1``), or of what a library calls it (``sndfile``); None if unknown."""
    known = tables()
    stem = name.partition(".so")[0]
    found = known.sonames.get(name) or known.spoken.get(name) or known.spoken.get(stem.removeprefix("lib"))
    # An error may name it without its version, as the development package would have it.
    return found or next((value for key, value in known.sonames.items() if key.partition(".so")[0] == stem), None)


def system_needs(facts: Facts, lock: Lock, python: Path | None, cache: Path | None = None) -> SystemNeeds:
    """All Debian packages that a notebook needs: what `facts` say, by table, by shared objects.

    Parameters
    ----------
    python : Path or None
        The kernel's interpreter, whose files are read. None, or one that does not answer: the table alone.
    cache : Path or None
        As for `resolve`.
    """
    known = tables()
    names = [one.name for one in lock.packages]
    objects = _objects(python, names, cache) if python else {}
    found: dict[str, SystemNeed] = {one.package: one for one in facts.system}

    def add(package: str, witness: Witness, why: str) -> None:
        found.setdefault(package, SystemNeed(package=package, witness=witness, why=why))

    imported = tuple(fact.module for fact in facts.imports)
    idle = {
        path for name in known.toolkits & set(objects) for path in objects[name] if not _is_imported(path, imported)
    }
    libraries, driver = unmet({path: one for part in objects.values() for path, one in part.items()}, idle)
    for file, soname in libraries:
        package = known.sonames.get(soname)
        if package:
            add(package, Witness.LIBRARY, f"{_inner(file)} needs {soname}")
    for name in names:
        for package in known.runs.get(name, ()):
            add(package, Witness.TABLE, f"{name} uses it")
        for package in known.links.get(name, ()) if name not in objects else ():
            add(package, Witness.TABLE, f"{name} is linked with it")
    for fact in facts.imports:
        for package in known.imports.get(fact.module.partition(".")[0], ()) if not fact.optional else ():
            add(package, Witness.TABLE, f"import {fact.module}")
    findings = [_driver(*driver[0])] if driver else []
    findings += [_unknown(file, soname) for file, soname in libraries if soname not in known.sonames]
    return SystemNeeds(needs=tuple(found[name] for name in sorted(found)), findings=tuple(findings))


def unmet(
    objects: Mapping[str, SharedObject], idle: Collection[str] = ()
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Pairs of a file and a soname that neither the files themselves nor the base image bring.

    The first list is for Debian, the second for a GPU's driver. What extension modules lead to counts,
    and so does what code opens by its path; not what is loaded on a wish only. One pair a soname.

    Parameters
    ----------
    idle : paths that count only if something else needs them
    """
    known = tables()
    brought = {_base_name(path) for path in objects} | {one.soname for one in objects.values()}
    by_name: dict[str, list[str]] = {}
    for path, one in objects.items():
        for name in {_base_name(path), one.soname}:
            by_name.setdefault(name, []).append(path)
    queue = deque(path for path in sorted(objects) if path not in idle and not _is_optional(path))
    seen = set(queue)
    wanted: dict[str, str] = {}
    while queue:
        path = queue.popleft()
        for soname in objects[path].needed:
            if soname in brought:
                for other in by_name[soname]:
                    if other not in seen:
                        seen.add(other)
                        queue.append(other)
            elif soname not in known.base and not soname.startswith("libpython3"):
                wanted.setdefault(soname, path)
    pairs = [(path, soname) for soname, path in sorted(wanted.items())]
    driver = [pair for pair in pairs if any(fnmatch(pair[1], pattern) for pattern in known.driver)]
    return [pair for pair in pairs if pair not in driver], driver


@lru_cache(maxsize=20_000)
def _is_optional(path: str) -> bool:
    return bool(_optional().match(path))


@cache
def _optional() -> re.Pattern[str]:
    """All patterns of optional files as one: they are tried on every file."""
    return re.compile("|".join(translate(pattern) for pattern in tables().optional))


def _is_imported(path: str, modules: Iterable[str]) -> bool:
    """Whether a file is the extension module of an imported dotted name (``PyQt5/QtCore.abi3.so``)."""
    dotted = _inner(path).partition(".")[0].replace("/", ".")
    return any(module == dotted or module.startswith(f"{dotted}.") for module in modules)


def _objects(python: Path, names: Iterable[str], cache: Path | None) -> dict[str, dict[str, SharedObject]]:
    """The shared objects of each distribution that the interpreter has from an index."""
    try:
        installed = probe(python, cache=cache / "environments" if cache else None)
    except (NotFound, Unavailable):
        return {}  # it answered before, when it was asked for versions; the table stands in
    found = {}
    for name in names:
        one = installed.find(name)
        # Conda's files need conda's libraries; the image gets the index's wheels.
        if one is not None and one.installer != "conda":
            read = {path: read_shared_object(path) for path in one.libraries}
            found[str(canonicalize_name(name))] = {path: item for path, item in read.items() if item is not None}
    return found


def _base_name(path: str) -> str:
    return path.rpartition("/")[2]  # there are many of them, and pathlib takes its time


def _inner(path: str) -> str:
    """A path below site-packages."""
    return path.rpartition("-packages/")[2]


def _driver(file: str, soname: str) -> Finding:
    message = (
        f"{_inner(file)} needs {soname} of a GPU's driver, which no image brings: run the block where there is one."
    )
    return Finding(severity=Severity.INFO, code="gpu-driver", message=message)


def _unknown(file: str, soname: str) -> Finding:
    message = (
        f"{_inner(file)} needs {soname}, and no Debian package is known for it. Name one with --add-system, "
        "or a base image that has it with --base."
    )
    return Finding(severity=Severity.WARNING, code="system-library", message=message)
