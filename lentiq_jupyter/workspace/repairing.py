"""Mend a block that did not prove: find out what gives the missing thing, and remember it for the next build.

Nothing is installed by a guess: see `environment.Providers`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from packaging.utils import canonicalize_name

from ..analysis import package_of_program
from ..environment import KERNEL, Provider, Providers, package_of_library
from ..errors import BuildFailed
from ..model import PublishRequest
from .missing import Kind, Missing, missing_of
from .verifying import Failure

ROUNDS = 4


class Repairs:
    """What was found missing in one publish, and added.

    Parameters
    ----------
    providers : Providers
        Answers for the notebook's kernel.
    """

    def __init__(self, request: PublishRequest, providers: Providers) -> None:
        self._providers = providers
        self._left_out = {str(canonicalize_name(name)) for name in request.remove}
        self._without = set(request.remove_system)
        self._tried: set[tuple[str, ...]] = set()
        self.packages: dict[str, str] = {}
        """Requirement by requirement: the sentence that says why."""
        self.system: dict[str, str] = {}
        """The same for Debian packages."""
        self.sentences: list[str] = []
        """What was done, for the user."""

    def mend(self, failure: Failure, locked: Iterable[str], system: Collection[str] = ()) -> str | None:
        """Add what the failure says is missing; the sentence about it, or None where nothing can be added.

        Parameters
        ----------
        locked, system : normalised names of the distributions and the Debian packages that the block has

        Raises
        ------
        BuildFailed
            If something is missing that may not be added without the user's word; the message has that word.
        """
        missing = missing_of(failure)
        if missing is None or len(self.sentences) >= ROUNDS:
            return None
        key = (missing.kind, *missing.names, *missing.groups)
        if key in self._tried:
            return None
        self._tried.add(key)
        have = frozenset(locked)
        why = f"{failure.place}: {failure.line}"
        if missing.kind in (Kind.LIBRARY, Kind.PROGRAM):
            return self._add_system(missing, why, system)
        provider = self._provider(missing, failure, have)
        if provider is None:
            if missing.kind is Kind.PLUGIN:
                return None
            raise _unknown(missing.names[0], why)
        name = provider.distribution
        if name in self._left_out:
            raise BuildFailed(
                f"The block does not run without {name}, which was left out ({why}).",
                f"Publish it without --remove {name}, or unproven with --no-verify.",
            )
        if name in have or name in self.packages:
            return None  # it is there, and something else is wrong with it
        self.packages[name] = why
        return self._said(f"{name} added ({provider.said_by}) after {why}")

    def _said(self, sentence: str) -> str:
        self.sentences.append(sentence)
        return sentence

    def _provider(self, missing: Missing, failure: Failure, have: frozenset[str]) -> Provider | None:
        ask = self._providers
        if missing.kind in (Kind.MODULE, Kind.OPTIONAL):
            if missing.kind is Kind.MODULE:
                found = [ask.of_module(name) for name in missing.names]
            else:
                found = [ask.of_name(name, have) for name in missing.names]
            known = [one for one in found if one is not None]
            # Of several, one that the kernel has before one that merely has a known name.
            return min(known, key=lambda one: one.said_by != KERNEL) if known else None
        names = missing.names
        found_plugin = ask.of_plugin(names, missing.groups, have) if names else None
        if found_plugin is None and missing.groups:
            found_plugin = ask.of_group(missing.groups, have)
        if found_plugin is None and missing.groups and names:
            # A dialect of SQLAlchemy, say, that its distribution does not register: by the table, if it is known.
            found_plugin = next((one for one in (ask.of_name(name, have) for name in names) if one), None)
        return found_plugin

    def _add_system(self, missing: Missing, why: str, system: Collection[str]) -> str | None:
        name = missing.names[0]
        package = package_of_library(name) if missing.kind is Kind.LIBRARY else package_of_program(name)
        if package is None or package in self.system or package in system:
            return None
        if package in self._without:
            raise BuildFailed(
                f"The block does not run without the Debian package {package}, which was left out ({why}).",
                f"Publish it without --remove-system {package}, or unproven with --no-verify.",
            )
        self.system[package] = why
        return self._said(f"Debian package {package} added after {why}")


def _unknown(name: str, why: str) -> BuildFailed:
    top = re.split(r"[.\[]", name)[0]
    return BuildFailed(
        f"The block lacks {name} ({why}). Neither the kernel nor the table of names says which package gives it, "
        "and a package of that name may be anybody's.",
        f"If you know that it is the right one, publish with --add {canonicalize_name(top)}, else install "
        "the package you mean in the kernel.",
    )
