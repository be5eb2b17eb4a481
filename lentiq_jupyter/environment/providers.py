"""Which distribution gives a module, a plug-in or an optional feature that was found missing.

Only the kernel, the curated tables, and what a distribution of the lock declares as an extra are believed.
A package that merely has the name of the missing module may be anybody's, so it is never an answer.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..model import record
from .installed import Installed
from .names_table import table
from .probe import probe

_SCRIPT = Path(__file__).with_name("plugin_script.py")
KERNEL = "the kernel has it"
# Groups whose entry points are no plug-ins of what a notebook uses.
_NO_PLUGINS = frozenset(
    ("console_scripts", "gui_scripts", "pytest11", "distutils.commands", "distutils.setup_keywords")
)


@record
class Provider:
    """A distribution by its normalised name, and who says that it is the one."""

    distribution: str
    said_by: str


class Providers:
    """Answers for one kernel.

    Parameters
    ----------
    python : Path or None
        The kernel's interpreter, asked when first needed; None: there is only the table.
    """

    def __init__(self, python: Path | None) -> None:
        self._python = python

    @cached_property
    def _installed(self) -> Installed | None:
        return probe(self._python) if self._python else None

    @cached_property
    def _plugins(self) -> tuple[tuple[str, str, str], ...]:
        """Distribution, group and name of each entry point of the kernel."""
        if self._python is None:
            return ()
        try:
            done = subprocess.run(
                [str(self._python), "-I", str(_SCRIPT)], capture_output=True, timeout=120, check=True, encoding="utf-8"
            )
            listed = json.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError):
            return ()  # the kernel answered before; without plug-ins the original error is what the user gets
        found = ((str(canonicalize_name(one)), str(group), str(name)) for one, group, name in listed)
        return tuple(one for one in found if one[1] not in _NO_PLUGINS)

    def of_module(self, module: str) -> Provider | None:
        """Who gives a dotted module name."""
        owners = self._installed.owners(module) if self._installed else []
        if owners:
            return Provider(distribution=str(canonicalize_name(owners[0].name)), said_by=KERNEL)
        known = table().candidates(module)
        return Provider(distribution=known[0], said_by="the table of import names knows it") if known else None

    def of_name(self, name: str, locked: Iterable[str] = ()) -> Provider | None:
        """Who a library means by `name` in "install `name`": a distribution or a module.

        Parameters
        ----------
        locked : names of distributions that the block has; what they declare as extras is believed
        """
        wanted = str(canonicalize_name(name))
        if self._installed and self._installed.find(wanted):
            return Provider(distribution=wanted, said_by=KERNEL)
        if name.replace(".", "").isidentifier() and (found := self.of_module(name)):
            return found
        if wanted in table().well_known or any(wanted in known for known in table().names.values()):
            return Provider(distribution=wanted, said_by="the table of import names knows it")
        for distribution in self._installed.distributions if self._installed else ():
            if canonicalize_name(distribution.name) in locked and wanted in map(_required, distribution.requires):
                return Provider(distribution=wanted, said_by=f"{distribution.name} declares it")
        return None

    def of_plugin(
        self, names: Iterable[str], groups: Iterable[str] = (), locked: Iterable[str] = ()
    ) -> Provider | None:
        """Who registers an entry point of one of `names` (in one of `groups`, if there are any).

        Distributions of `locked` are in the block already. Where several others fit, none is taken.
        """
        wanted, among, there = set(names), set(groups), set(locked)
        fitting = {
            (distribution, group)
            for distribution, group, name in self._plugins
            if name in wanted and (not among or group in among) and distribution not in there
        }
        if len({distribution for distribution, _ in fitting}) != 1:
            return None
        distribution, group = min(fitting)
        return Provider(distribution=distribution, said_by=f"the kernel has it as a plug-in of {group}")

    def of_group(self, words: Iterable[str], locked: Iterable[str] = ()) -> Provider | None:
        """Who registers entry points of a group that is one of `words`, where nothing of `locked` does."""
        wanted, there = set(words), set(locked)
        fitting = {(distribution, group) for distribution, group, _ in self._plugins if group in wanted}
        if len({distribution for distribution, _ in fitting}) != 1:
            return None
        distribution, group = min(fitting)
        if distribution in there:
            return None
        return Provider(distribution=distribution, said_by=f"the kernel has it as a plug-in of {group}")


def _required(line: str) -> str:
    try:
        return str(canonicalize_name(Requirement(line).name))
    except InvalidRequirement:
        return ""
