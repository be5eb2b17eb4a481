"""`resolve`: facts to a lock. Asks the kernel first, uv for what it lacks, pipreqs for what is left."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name

from ..errors import BadInput
from ..model import Facts, Lock, Reporter, Step, Witness
from .closure import Closure, close
from .installed import Installed
from .locking import make_lock
from .naming import Naming, Need, name_distributions, parse_requirement
from .packages import make_packages
from .pipreqs import ask_pipreqs
from .probe import probe
from .resolver import Resolver


class Resolution(NamedTuple):
    """The lock, the imports that nothing explains, and sentences the user should read about either."""

    lock: Lock
    unresolved: tuple[str, ...]
    notes: tuple[str, ...]


def resolve(
    facts: Facts,
    *,
    python: Path | None,
    add: tuple[str, ...] = (),
    remove: tuple[str, ...] = (),
    repairs: Mapping[str, str] | None = None,
    report: Reporter | None = None,
    cache: Path | None = None,
    python_version: str | None = None,
    pipreqs: bool = True,
) -> Resolution:
    """Pin everything a notebook needs, with the versions its kernel has.

    Parameters
    ----------
    python : Path or None
        The kernel's interpreter; None asks no kernel, so that uv chooses the versions.
    add : requirement lines the user adds; they win over the kernel
    remove : distribution or import names to leave out
    repairs : mapping of a normalised name to the sentence that says why
        What was found missing when the block ran.
    cache : Path or None
        A folder that keeps hashes, so that the same pins need no network again.
    python_version : str or None
        ``X.Y`` where no kernel is asked; None takes that of the running interpreter.
    pipreqs : bool
        Whether pipreqs is asked for imports that nothing else explains.

    Returns
    -------
    Resolution
        Packages installed from a folder of this machine cannot go into an image: they are left
        unresolved, with a note that says why. Without an index, a lock that the kernel alone fills
        has no hashes, with a note.

    Raises
    ------
    BadInput
        If a line of `add` is no requirement.
    NotFound, Unavailable
        If the interpreter is gone or does not answer; if the index does not and the kernel lacks something.
    NotebookError
        If the requirements contradict each other.
    """
    report = report or Reporter()
    installed = probe(python) if python else None
    version = installed.python if installed else python_version or "{}.{}".format(*sys.version_info[:2])
    resolver = Resolver(python=str(python or sys.executable), version=version, installed=installed, report=report)
    added = [_added(line) for line in add]
    found = [Need(name=name, requirement=name, witness=Witness.RUN, why=why) for name, why in (repairs or {}).items()]
    left_out = frozenset(str(canonicalize_name(name)) for name in remove)
    named = name_distributions(facts, installed)
    needs = _needs(named, [*found, *added], left_out, frozenset(remove))
    local = _local(needs, installed, left_out)
    # What the user names with versions is not the kernel's to decide.
    chosen = [need for need in added if need.requirement != need.name and need.name not in left_out]
    set_aside = left_out | set(local) | {need.name for need in chosen}
    closed = _close(needs, installed, set_aside)
    missing = [*closed.missing, *chosen]
    pins, failed = resolver.complete(missing, closed)
    second = _by_pipreqs(failed, left_out, report) if failed and pipreqs else []
    if second:
        missing = [*(need for need in missing if need not in failed), *second]
        pins, still = resolver.complete(missing, closed)
        answered = {need.module for need in second} - {need.module for need in still}
        failed = [need for need in failed if need.module not in answered]
    packages, notes = make_packages(closed, pins, missing, left_out, resolver, cache)
    names = [need.module.partition(".")[0] for need in failed]
    names += [_import_name(name, needs) for name in sorted(local)]
    names += [top for top in (one.module.partition(".")[0] for one in named.missing) if top not in remove]
    report.say(Step.RESOLVE, f"{len(packages)} packages pinned", len(packages), len(packages))
    notes = [*(_local_note(name, local[name]) for name in sorted(local)), *notes]
    return Resolution(make_lock(packages, version), tuple(dict.fromkeys(names)), tuple(notes))


def _added(line: str) -> Need:
    parsed = parse_requirement(line)
    if parsed is None:
        raise BadInput(f"{line!r} is not a requirement.", "Write a name with or without versions, as in pandas>=2.")
    return Need(name=parsed[0], requirement=parsed[1], witness=Witness.USER, why="added by the user")


def _needs(named: Naming, added: list[Need], left_out: frozenset[str], remove: frozenset[str]) -> list[Need]:
    """All roots: what the notebook needs, what the user adds, and the kernel that runs it."""
    kernel = Need(name="ipykernel", requirement="ipykernel", witness=Witness.RULE, why="runs the notebook")
    found = {need.name: need for need in (kernel, *named.needs, *added)}
    kept = (need for need in found.values() if need.name not in left_out)
    return [need for need in kept if not need.module or need.module.partition(".")[0] not in remove]


def _close(needs: list[Need], installed: Installed | None, leave_out: frozenset[str]) -> Closure:
    if installed is None:
        return Closure(members={}, missing=tuple(need for need in needs if need.name not in leave_out))
    return close(needs, installed, leave_out)


def _local(needs: list[Need], installed: Installed | None, left_out: frozenset[str]) -> dict[str, str]:
    """Distributions of the closure that were installed from a folder or file here, with who needs them."""
    if installed is None:
        return {}
    members = close(needs, installed, left_out).members
    return {name: one.why for name, one in members.items() if one.distribution.local}


def _local_note(name: str, why: str) -> str:
    return (
        f"{name} ({why}) is installed from a folder or file of this machine, which a block cannot reach. "
        "Install it from an index or from git, or put its code into the notebook's folder."
    )


def _import_name(name: str, needs: list[Need]) -> str:
    return next((need.module.partition(".")[0] for need in needs if need.name == name and need.module), name)


def _by_pipreqs(failed: list[Need], left_out: frozenset[str], report: Reporter) -> list[Need]:
    """What pipreqs says of the imports that the index has no package for."""
    tops = tuple(dict.fromkeys(need.module.partition(".")[0] for need in failed))
    report.say(Step.RESOLVE, f"asking pipreqs about {', '.join(tops)}")
    answers = ask_pipreqs(tops)
    made = []
    for need in failed:
        name = answers.get(need.module.partition(".")[0])
        if name and name != need.name and name not in left_out:
            made.append(Need(name=name, requirement=name, witness=Witness.PIPREQS, why=need.why, module=need.module))
    return made
