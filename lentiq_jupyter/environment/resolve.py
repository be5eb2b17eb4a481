"""`resolve`: facts to a lock. Asks the kernel first, uv for what it lacks, pipreqs for what is left."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..errors import BadInput, NotebookError, Unavailable
from ..model import Facts, Finding, LiveKernel, Lock, Reporter, Step, Witness
from . import remarks
from .closure import Closure, close
from .installed import Distribution, Installed, has_credentials, without_credentials
from .loaded import Loaded, read_loaded
from .locking import make_lock
from .naming import Naming, Need, name_distributions, parse_requirement
from .packages import add_hashes, make_packages
from .pipreqs import ask_pipreqs
from .probe import probe
from .resolver import Answer, Resolver


class Resolution(NamedTuple):
    """The lock; imports that nothing explains; requirements of lines that nothing uses; what is to be said."""

    lock: Lock
    unresolved: tuple[str, ...]
    unused: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclasses.dataclass
class _Roots:
    """What the notebook needs by itself, and what of it the kernel has but cannot give away."""

    naming: Naming
    needs: list[Need]
    chosen: list[Need]
    left_out: frozenset[str]
    refused: dict[str, Distribution]
    why: dict[str, str]
    secret: list[Need]


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
    platform: str | None = None,
    pipreqs: bool = True,
    hashes: bool = True,
    live: LiveKernel | None = None,
) -> Resolution:
    """Pin everything a notebook needs, with the versions its kernel has.

    Parameters
    ----------
    python : Path or None
        The kernel's interpreter; None asks no kernel, so that uv chooses the versions.
    add : requirement lines the user adds; their versions win over the kernel's
    remove : distribution or import names to leave out
    repairs : mapping of distributions that were found missing when the block ran to the sentence that says so
    cache : Path or None
        A folder that keeps hashes and what environments hold, so that the same question needs nobody again.
    python_version : str or None
        ``X.Y`` where no kernel is asked; None takes that of the running interpreter.
    platform : str or None
        What uv calls the target that wheels must be there for; None is this machine.
    pipreqs : bool
        Whether pipreqs is asked for imports that nothing else explains; looking without a kernel is done
        without it, as it takes seconds.
    hashes : bool
        False for looking only. What the kernel has is pinned without asking anybody. For the rest the
        index is asked quickly, and nothing is built: without a kernel, for the newest version of each
        direct need alone; what cannot be pinned is named without a version.
    live : LiveKernel or None
        What the running kernel says of itself: which modules it has loaded is evidence.

    Returns
    -------
    Resolution
        Packages that cannot go into an image (installed from a folder of this machine, or from an
        address with credentials) are left unresolved, with a finding that says why. A finding that is an
        ERROR says that the lock cannot be installed. Without an index, a lock that the kernel alone
        fills has no hashes, with a finding.

    Raises
    ------
    BadInput
        If a line of `add` is no requirement.
    NotFound, Unavailable
        If the interpreter is gone or does not answer; with `hashes`, if the index does not and the kernel
        lacks something.
    NotebookError
        With `hashes`, if the requirements contradict each other.
    """
    report = report or Reporter()
    installed = probe(python, cache=cache / "environments" if cache else None) if python else None
    if installed and platform:
        installed = dataclasses.replace(installed, markers={**installed.markers, **_markers(platform)})
    version = installed.python if installed else python_version or "{}.{}".format(*sys.version_info[:2])
    roots = _roots(facts, installed, [*_repaired(repairs or {}), *map(_added, add)], frozenset(remove))
    loaded = read_loaded(live.modules, installed) if live and installed else Loaded()
    if installed:
        roots.needs = loaded.prefer(roots.needs, installed)
    set_aside = roots.left_out | set(roots.refused) | {need.name for need in (*roots.chosen, *roots.secret)}
    closed = _close(roots.needs, installed, set_aside, loaded)
    missing = [*closed.missing, *roots.chosen]
    resolver = Resolver(
        python=str(python or sys.executable),
        version=version,
        installed=installed,
        report=report,
        limits=tuple(need.requirement for need in roots.naming.unused if _is_limit(need.requirement)),
        platform=platform,
    )
    found = _ask_index(resolver, missing, closed, binding=hashes)
    if found.failed and found.reached and pipreqs and (hashes or installed):
        found, missing = _by_pipreqs(resolver, found, missing, closed, set_aside, binding=hashes)
    packages = make_packages(closed, found, missing, roots.left_out)
    said = _said(roots, installed, closed, loaded)
    if hashes:
        packages, answer = add_hashes(packages, found.pins, resolver, cache / "hashes" if cache else None)
        said += remarks.of_hashes(packages, answer, installed)
    said += remarks.of_dropped(found.failed, reached=found.reached)
    remark, unpinned = remarks.of_open(found.open)
    report.say(Step.RESOLVE, f"{len(packages)} packages pinned", len(packages), len(packages))
    return Resolution(
        make_lock(packages, version, remark),
        _unresolved(roots, found),
        tuple(without_credentials(need.requirement) for need in roots.naming.unused),
        tuple(said + remarks.of_guesses(packages) + unpinned),
    )


def _markers(platform: str) -> dict[str, str]:
    """What differs between machines in the environment of markers, for one of uv's targets."""
    machine = platform.partition("-")[0]
    return {"platform_machine": machine, "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}


def _added(line: str) -> Need:
    parsed = parse_requirement(line)
    if parsed is None:
        shown = without_credentials(line)
        raise BadInput(f"{shown!r} is not a requirement.", "Write a name with or without versions, as in pandas>=2.")
    return Need(name=parsed[0], requirement=parsed[1], witness=Witness.USER, why="added by the user")


def _repaired(repairs: Mapping[str, str]) -> list[Need]:
    return [
        Need(name=str(canonicalize_name(name)), requirement=name, witness=Witness.RUN, why=why)
        for name, why in repairs.items()
    ]


def _roots(facts: Facts, installed: Installed | None, added: list[Need], remove: frozenset[str]) -> _Roots:
    """What the notebook needs, what the user adds, and the kernel that runs it."""
    left_out = frozenset(str(canonicalize_name(name)) for name in remove)
    naming = name_distributions(facts, installed)
    kernel = Need(name="ipykernel", requirement="ipykernel", witness=Witness.DEPENDENCY, why="runs the notebook")
    named = {need.name: need for need in (kernel, *naming.needs, *added)}
    kept = [need for need in named.values() if need.name not in left_out]
    kept = [need for need in kept if not need.module or need.module.partition(".")[0] not in remove]
    secret = [need for need in kept if has_credentials(need.requirement)]
    if installed:
        # The kernel has it already, perhaps from elsewhere; where it came from is looked at there.
        secret = [need for need in secret if not installed.find(need.name) or need.witness is Witness.USER]
    # What the user names with versions is not the kernel's to decide.
    chosen = [need for need in kept if need.witness is Witness.USER and _is_choice(need.requirement)]
    members = close(kept, installed, left_out).members if installed else {}
    refused = {
        name: one.distribution for name, one in members.items() if one.distribution.local or one.distribution.secret
    }
    refused = {name: one for name, one in refused.items() if name not in {need.name for need in chosen}}
    return _Roots(
        naming=naming,
        needs=kept,
        chosen=[need for need in chosen if need not in secret],
        left_out=left_out,
        refused=refused,
        why={name: members[name].why for name in refused},
        secret=secret,
    )


def _is_choice(requirement: str) -> bool:
    try:
        read = Requirement(requirement)
    except InvalidRequirement:
        return True
    return bool(read.specifier or read.url)


def _is_limit(requirement: str) -> bool:
    """Whether a resolver takes it as a constraint: versions, but neither extras nor an address."""
    try:
        read = Requirement(requirement)
    except InvalidRequirement:
        return False
    return bool(read.specifier) and not read.extras and not read.url


def _close(needs: list[Need], installed: Installed | None, leave_out: frozenset[str], loaded: Loaded) -> Closure:
    """The closure in the kernel, grown by what it has loaded as options and plug-ins of members."""
    if installed is None:
        return Closure(members={}, missing=tuple(need for need in needs if need.name not in leave_out))
    needs = list(needs)
    while True:
        closed = close(needs, installed, leave_out)
        more = [one for one in loaded.explained(closed.members, installed) if one.name not in leave_out]
        if not more:
            return closed
        needs += more


def _ask_index(resolver: Resolver, missing: list[Need], closed: Closure, *, binding: bool) -> Answer:
    """Pins for what the kernel lacks; when looking only, whatever can be said."""
    if binding:
        return resolver.complete(missing, closed)
    if resolver.installed and all(" @ " not in need.requirement for need in missing):
        try:
            return resolver.complete(missing, closed, binding=False)
        except (NotebookError, Unavailable):
            pass  # then at least each by itself, or its name
    return resolver.look(missing)


def _by_pipreqs(
    resolver: Resolver, found: Answer, missing: list[Need], closed: Closure, leave_out: frozenset[str], *, binding: bool
) -> tuple[Answer, list[Need]]:
    """Asks again with what pipreqs says of the imports that the index has no package for."""
    modules = [need for need in found.failed if need.module]
    tops = tuple(dict.fromkeys(need.module.partition(".")[0] for need in modules))
    if not tops:
        return found, missing
    resolver.report.say(Step.RESOLVE, f"asking pipreqs about {', '.join(tops)}")
    answers = ask_pipreqs(tops)
    second = []
    for need in modules:
        name = answers.get(need.module.partition(".")[0])
        if name and name != need.name and name not in leave_out:
            second.append(Need(name=name, requirement=name, witness=Witness.PIPREQS, why=need.why, module=need.module))
    if not second:
        return found, missing
    wanted = [*(need for need in missing if need not in found.failed), *second]
    again = _ask_index(resolver, wanted, closed, binding=binding)
    answered = {need.module for need in second} - {need.module for need in again.failed}
    failed = [need for need in found.failed if need.module not in answered]
    return dataclasses.replace(again, failed=tuple(failed)), wanted


def _said(roots: _Roots, installed: Installed | None, closed: Closure, loaded: Loaded) -> list[Finding]:
    said = remarks.refusals(roots.refused, roots.why) + remarks.of_credentials(roots.secret)
    said += remarks.of_missing(fact for fact in roots.naming.missing if _top(fact.module) not in roots.left_out)
    if installed:
        said += remarks.of_versions(roots.needs, closed.members)
        said += remarks.of_installed(closed.members, installed, roots.needs)
        said += remarks.of_loaded(loaded.names - set(closed.members) - roots.left_out - set(roots.refused))
    return said


def _unresolved(roots: _Roots, found: Answer) -> tuple[str, ...]:
    """Top-level names of imports, or distributions, that nothing can be put into a block for."""
    names = [_top(fact.module) for fact in roots.naming.missing]
    names += [_top(need.module) for need in found.failed if need.module]
    for name in (*sorted(roots.refused), *(need.name for need in roots.secret)):
        names.append(next((_top(need.module) for need in roots.needs if need.name == name and need.module), name))
    return tuple(name for name in dict.fromkeys(names) if canonicalize_name(name) not in roots.left_out)


def _top(module: str) -> str:
    return module.partition(".")[0]
