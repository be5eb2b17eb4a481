"""The kernel's members and uv's pins as the packages of a lock, with hashes."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from ..model import Package, Witness
from .closure import Closure
from .hashes import Answer as Hashes
from .hashes import hashes_of, keep
from .naming import Need
from .resolver import Answer, Resolver
from .uv_compile import Pin

_DIGEST = re.compile(r"[#&](sha256)[=:]([0-9a-f]{64})(?:&|$)")


def make_packages(closed: Closure, found: Answer, missing: list[Need], left_out: frozenset[str]) -> list[Package]:
    """All packages, without hashes but for uv's. Where both know one, the kernel's version stays."""
    made = [
        Package(
            name=name,
            version=one.distribution.version,
            witness=one.witness,
            why=one.why,
            hashes=_hashes_of_url(one.distribution.url),
            url=one.distribution.url,
        )
        for name, one in closed.members.items()
    ]
    needs = {need.name: need for need in missing}
    for pin in found.pins:
        if pin.name not in closed.members and pin.name not in left_out:
            made.append(_pinned(pin, needs.get(pin.name)))
    return made + [_open(need) for need, _ in found.open if need.name not in closed.members]


def add_hashes(
    packages: list[Package], pins: tuple[Pin, ...], resolver: Resolver, cache: Path | None
) -> tuple[list[Package], Hashes]:
    """The packages with the hashes of all their files, and what the index said of them."""
    keep(cache, {pin.name: (pin.version, pin.hashes) for pin in pins if not pin.url})
    # uv's answer for something that the kernel has too brings its hashes along.
    brought = {(pin.name, pin.version): pin.hashes for pin in pins}
    asked = {one.name: one.version for one in packages if not one.url and not brought.get((one.name, one.version))}
    answer = hashes_of(
        asked,
        python=resolver.python,
        python_version=resolver.version,
        cache=cache,
        platform=resolver.platform,
        report=resolver.report,
    )
    known = {**{name: hashes for (name, _), hashes in brought.items()}, **answer.hashes}
    return [_with(one, known.get(one.name, ())) for one in packages], answer


def _with(package: Package, hashes: tuple[str, ...]) -> Package:
    return package if package.url or package.hashes or not hashes else dataclasses.replace(package, hashes=hashes)


def _pinned(pin: Pin, need: Need | None) -> Package:
    return Package(
        name=pin.name,
        version=pin.version,
        witness=need.witness if need else Witness.DEPENDENCY,
        why=need.why if need else f"needed by {pin.via or 'what the kernel lacks'}",
        hashes=pin.hashes,
        url=pin.url,
    )


def _open(need: Need) -> Package:
    """A package that no index was asked for: with the version or URL that its requirement names, if it names one."""
    try:
        read = Requirement(need.requirement)
    except InvalidRequirement:
        read = Requirement(need.name)
    exact = [one.version for one in read.specifier if one.operator == "==" and not one.version.endswith("*")]
    version = exact[0] if len(exact) == 1 else ""
    return Package(name=need.name, version=version, witness=need.witness, why=need.why, url=read.url)


def _hashes_of_url(url: str | None) -> tuple[str, ...]:
    found = _DIGEST.search(url or "")
    return (f"{found[1]}:{found[2]}",) if found else ()
