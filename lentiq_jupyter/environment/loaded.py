"""The modules of a running kernel as evidence of needs that no import shows. Pure.

A module may be loaded for many reasons: the kernel's own, an experiment that was deleted. So a loaded
distribution counts only where something needed declares it as optional, or is what it plugs into.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.utils import canonicalize_name

from ..model import Witness, record
from .closure import Member, close
from .installed import Distribution, Installed
from .names_table import prefixes, table
from .naming import Need

# Extras for those who work on a distribution itself; what stands in one of these is a tool.
_WORKSHOP = re.compile(
    r"(^|[-_])(dev|develop|development|test|tests|testing|doc|docs|lint|typing|types|ci|build)($|[-_])"
)
_EVERYTHING = frozenset(("all", "complete", "full"))
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_TOOLS = ("ipykernel", "debugpy", "pip", "setuptools", "wheel", "uv", "virtualenv")
# Whatever the notebook is: tornado's log and jupyter_client's session load these where they are installed.
_TAKEN_ALONG = ("colorama", "msgpack", "orjson")


@record
class Loaded:
    """`names` are the distributions whose modules a kernel has loaded, but for `machinery`, its own; normalised."""

    names: frozenset[str] = frozenset()
    machinery: frozenset[str] = frozenset()

    def prefer(self, needs: Iterable[Need], installed: Installed) -> list[Need]:
        """The needs, where of several ways to meet one the way that is loaded is taken."""
        made = []
        for need in needs:
            others = table().instead.get(need.name, ()) if need.witness is Witness.RULE else ()
            better = [name for name in others if name in self.names and installed.find(name)]
            if better and need.name not in self.names and need.requirement == need.name:
                why = f"{need.why}; loaded in the kernel"
                need = Need(name=better[0], requirement=better[0], witness=Witness.LOADED, why=why, module=need.module)
            made.append(need)
        return made

    def explained(self, members: dict[str, Member], installed: Installed) -> list[Need]:
        """Loaded distributions outside of a closure that something of it has for an option or a plug-in."""
        found = []
        # What the machinery has options for (IPython: half of data science) says nothing about the notebook.
        users = {name: one for name, one in members.items() if name not in self.machinery}
        for name in sorted(self.names - set(members)):
            distribution = installed.find(name)
            why = _why(distribution, users) if distribution else ""
            if why:
                found.append(Need(name=name, requirement=name, witness=Witness.LOADED, why=why))
        return found


def read_loaded(modules: Iterable[str], installed: Installed) -> Loaded:
    """The distributions behind loaded modules.

    Those that the kernel itself needs, that Python loads at its start, and this product with what it
    brings are no evidence. Neither is a module that several distributions own.
    """
    names = frozenset(modules)
    owners: dict[str, set[str]] = {}
    for one in installed.distributions:
        for module in one.modules:
            owners.setdefault(module, set()).add(str(canonicalize_name(one.name)))
    found = {name for module in names - installed.startup for name in _sole_owner(module, owners)}
    tools = [*_TOOLS, *_TAKEN_ALONG, *(["lentiq-jupyter"] if "lentiq_jupyter" in names else [])]
    roots = [Need(name=name, requirement=name, witness=Witness.DEPENDENCY, why="") for name in tools]
    machinery = frozenset(close(roots, installed).members)
    return Loaded(names=frozenset(found) - machinery, machinery=machinery)


def _sole_owner(module: str, owners: dict[str, set[str]]) -> set[str]:
    found = next((owners[prefix] for prefix in prefixes(module) if prefix in owners), set())
    return found if len(found) == 1 else set()


def _why(distribution: Distribution, members: dict[str, Member]) -> str:
    """Who of the closure has it for an option, "" if nobody."""
    name = str(canonicalize_name(distribution.name))
    for key, member in members.items():
        extras = {extra for line in member.distribution.requires if "extra" in line and _named(line) == name
                  for extra in _EXTRA.findall(line)}  # fmt: skip
        offered = sorted(extra for extra in extras if extra not in _EVERYTHING and not _WORKSHOP.search(extra))
        if offered:
            return f"loaded in the kernel, an option of {key} ({offered[0]})"
        if extras and extras <= _EVERYTHING:
            return f"loaded in the kernel, an option of {key}"
        words = {key, *(module.partition(".")[0] for module in member.distribution.modules)}
        if any(re.split(r"[._:-]", group, maxsplit=1)[0] in words for group in distribution.groups):
            return f"loaded in the kernel, a plug-in of {key}"
    return ""


def _named(line: str) -> str:
    found = _NAME.match(line)
    return str(canonicalize_name(found[1])) if found else ""
