"""From imports to distribution names: a pure function of facts, needing neither network nor kernel."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..model import Facts, ImportFact, Place, Witness, record
from .installed import Installed

_URL_NAME = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)|/([A-Za-z0-9._-]+?)(?:\.git)?(?:@[^/]*)?(?:#.*)?$")
_PROVIDED = frozenset(("lentiq-jupyter", "pip"))  # the runner brings the first; nothing imports the second


@record
class Need:
    """One distribution that a notebook needs.

    `name` is normalised (PEP 503), `requirement` what a resolver reads, `why` a short sentence.
    `module` is the import it explains, "" for needs that no import shows.
    """

    name: str
    requirement: str
    witness: Witness
    why: str
    module: str = ""


@record
class Table:
    """`import_names.toml` as values; all distribution names normalised."""

    names: dict[str, tuple[str, ...]]
    absent: frozenset[str]
    instead: dict[str, tuple[str, ...]]


@cache
def table() -> Table:
    """The curated table, read once."""
    document = tomllib.loads(Path(__file__).with_name("import_names.toml").read_text("utf-8"))
    given = {key: [value] if isinstance(value, str) else value for key, value in document["names"].items()}
    return Table(
        names={key: tuple(canonicalize_name(name) for name in value) for key, value in given.items()},
        absent=frozenset(name for names in document["absent"].values() for name in names),
        instead={key: tuple(value) for key, value in document["instead"].items()},
    )


def name_distributions(facts: Facts, installed: Installed | None = None) -> tuple[Need, ...]:
    """The distributions a notebook needs by itself, without what those need in turn.

    Parameters
    ----------
    installed : Installed or None
        What the kernel has; None names by install lines, rules and tables only. Imports that even
        those do not explain are guessed to be named like their distribution (witness RESOLVER): the
        guess is to be verified by who resolves.

    Returns
    -------
    tuple of Need
        One a distribution; imports before install lines before rules. Optional imports count only
        where the kernel has them.
    """
    lines = [need for need in (_line(fact.requirement, fact.place) for fact in facts.installs) if need]
    by_line = {line.name: line for line in lines}
    found: dict[str, Need] = {}
    for fact in facts.imports:
        need = _import(fact, installed, by_line)
        if need is not None:
            found.setdefault(need.name, need)
    for line in lines:
        found.setdefault(line.name, line)
    for hidden in facts.hidden:
        others = [str(canonicalize_name(hidden.distribution))]
        others += table().instead.get(others[0], ())
        # What the user has chosen for that need already: by an import, or in the kernel.
        name = next((one for one in others if one in found or (installed and installed.find(one))), others[0])
        why = f"{hidden.because}, {_where(hidden.place)}"
        found.setdefault(name, Need(name=name, requirement=name, witness=Witness.RULE, why=why))
    return tuple(need for need in found.values() if need.name not in _PROVIDED)


def parse_requirement(text: str) -> tuple[str, str] | None:
    """Normalised name and resolver's form of one requirement; None if it names no distribution.

    A bare URL gets the name its path or ``egg`` says.
    """
    try:
        return canonicalize_name(Requirement(text).name), text
    except InvalidRequirement:
        found = _URL_NAME.search(text) if "://" in text else None
        if not found:
            return None
        name = canonicalize_name(found[1] or found[2])
        return name, f"{name} @ {text}"


def _line(text: str, place: Place) -> Need | None:
    parsed = parse_requirement(text)
    if parsed is None:
        return None
    return Need(name=parsed[0], requirement=parsed[1], witness=Witness.LINE, why=f"install line, {_where(place)}")


def _import(fact: ImportFact, installed: Installed | None, lines: dict[str, Need]) -> Need | None:
    module = fact.module
    top = module.partition(".")[0]
    stdlib = installed.stdlib if installed else sys.stdlib_module_names
    if top in stdlib or top == "lentiq_jupyter" or table().absent & set(_prefixes(module)):
        return None
    why = f"import {module}, {_where(fact.place)}"
    candidates = next((table().names[one] for one in _prefixes(module) if one in table().names), ())
    guess = str(canonicalize_name(top))
    owners = installed.owners(module) if installed else []
    if owners:
        # Several distributions may own one name: the one the table or the import itself names, else the first.
        preferred = [*candidates, guess]
        name = min((str(canonicalize_name(one.name)) for one in owners), key=lambda one: (_rank(one, preferred), one))
        text = lines[name].requirement if name in lines else name
        return Need(name=name, requirement=text, witness=Witness.KERNEL, why=why, module=module)
    if fact.optional:
        return None
    for name in (*candidates, guess):
        if name in lines:
            text = lines[name].requirement
            return Need(name=name, requirement=text, witness=Witness.LINE, why=why, module=module)
    if candidates:
        return Need(name=candidates[0], requirement=candidates[0], witness=Witness.TABLE, why=why, module=module)
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", guess):
        return None
    return Need(name=guess, requirement=guess, witness=Witness.RESOLVER, why=why, module=module)


def _prefixes(module: str) -> list[str]:
    """A dotted name and everything above it, the longest first."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _rank(name: str, preferred: list[str]) -> int:
    return preferred.index(name) if name in preferred else len(preferred)


def _where(place: Place) -> str:
    return f"cell {place.cell + 1}" if place.cell is not None else f"{place.file} line {place.line}"
