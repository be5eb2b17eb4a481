"""Everything that named distributions need in turn, as far as one environment has it. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from functools import lru_cache

from packaging.markers import Marker, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..model import Witness, record
from .installed import Distribution, Installed
from .naming import Need

# A marker that holds for an extra only.
_OPTIONAL = re.compile(r";(?!.* or ).*\bextra\s*==")


@record
class Member:
    """One installed distribution of the closure, with who needs it."""

    distribution: Distribution
    witness: Witness
    why: str


@record
class Closure:
    """`members` by normalised name; `missing` are needs that the environment does not meet."""

    members: dict[str, Member]
    missing: tuple[Need, ...]


def close(roots: Iterable[Need], installed: Installed, leave_out: frozenset[str] = frozenset()) -> Closure:
    """The roots and, by their metadata, everything they need; extras and markers are honoured.

    Parameters
    ----------
    leave_out : normalised names that neither stand in the result nor are followed
    """
    by_name: dict[str, Distribution] = {canonicalize_name(one.name): one for one in installed.distributions}
    members: dict[str, Member] = {}
    missing: dict[str, Need] = {}
    done: set[tuple[str, str]] = set()
    queue = deque(root for root in roots if root.name not in leave_out)
    while queue:
        need = queue.popleft()
        distribution = by_name.get(need.name)
        if distribution is None:
            missing.setdefault(need.name, need)
            continue
        members.setdefault(need.name, Member(distribution=distribution, witness=need.witness, why=need.why))
        for extra in ("", *sorted(_extras(need.requirement))):
            if (need.name, extra) in done:
                continue
            done.add((need.name, extra))
            for text in distribution.requires:
                wanted = _wanted(text, extra, installed.markers)
                if wanted and wanted[0] not in leave_out:
                    name, requirement = wanted
                    why = f"needed by {distribution.name}"
                    queue.append(Need(name=name, requirement=requirement, witness=Witness.DEPENDENCY, why=why))
    return Closure(members=members, missing=tuple(missing.values()))


def _wanted(text: str, extra: str, markers: dict[str, str]) -> tuple[str, str] | None:
    """Name and markerless form of a requirement line that holds when `extra` was asked for ("": none was)."""
    if not extra and _OPTIONAL.search(text):
        return None  # most lines are of this kind; reading them takes long
    read = _read(text)
    if read is None:
        return None
    name, requirement, marker = read
    try:
        holds = marker.evaluate({**markers, "extra": extra}) if marker else not extra
    except UndefinedEnvironmentName:
        return None
    return (name, requirement) if holds else None


@lru_cache(maxsize=16384)
def _read(text: str) -> tuple[str, str, Marker | None] | None:
    """Name, markerless form and marker of a requirement line; None if it is none."""
    try:
        read = Requirement(text)
    except InvalidRequirement:
        return None
    marker, read.marker = read.marker, None
    return canonicalize_name(read.name), str(read), marker


@lru_cache(maxsize=16384)
def _extras(text: str) -> frozenset[str]:
    try:
        return frozenset(Requirement(text).extras)
    except InvalidRequirement:
        return frozenset()
