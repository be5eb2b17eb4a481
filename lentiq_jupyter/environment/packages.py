"""The kernel's members and uv's pins as the packages of a lock, with hashes and what is to be said of them."""

from __future__ import annotations

from pathlib import Path

from ..model import Package, Witness
from .closure import Closure
from .hashes import Answer, hashes_of, keep
from .naming import Need
from .resolver import Resolver
from .uv_compile import Pin


def make_packages(
    closed: Closure,
    pins: list[Pin],
    missing: list[Need],
    left_out: frozenset[str],
    resolver: Resolver,
    cache: Path | None,
) -> tuple[list[Package], list[str]]:
    """All packages, and notes about those without hashes. Where both know one, the kernel's version stays."""
    keep(cache, {pin.name: (pin.version, pin.hashes) for pin in pins if not pin.url})
    kernel = {name: one.distribution.version for name, one in closed.members.items() if not one.distribution.url}
    # uv's answer for something that the kernel has too brings its hashes along.
    brought = {pin.name: pin.hashes for pin in pins if kernel.get(pin.name) == pin.version and pin.hashes}
    asked = {name: version for name, version in kernel.items() if name not in brought}
    answer = hashes_of(
        asked, python=resolver.python, python_version=resolver.version, cache=cache, report=resolver.report
    )
    hashes = {**brought, **answer.hashes}
    made = [
        Package(
            name=name,
            version=one.distribution.version,
            witness=one.witness,
            why=one.why,
            hashes=hashes.get(name, ()),
            url=one.distribution.url,
        )
        for name, one in closed.members.items()
    ]
    needs = {need.name: need for need in missing}
    for pin in pins:
        if pin.name not in closed.members and pin.name not in left_out:
            made.append(_package(pin, needs.get(pin.name)))
    return made, _notes(made, answer)


def _package(pin: Pin, need: Need | None) -> Package:
    return Package(
        name=pin.name,
        version=pin.version,
        witness=need.witness if need else Witness.DEPENDENCY,
        why=need.why if need else f"needed by {pin.via or 'what the kernel lacks'}",
        hashes=pin.hashes,
        url=pin.url,
    )


def _notes(made: list[Package], answer: Answer) -> list[str]:
    notes = []
    if not answer.reached:
        notes.append(f"The lock has no hashes: {answer.reason} Publish again where it can be reached to get them.")
    versions = {one.name: one.version for one in made}
    for name in answer.unknown:
        notes.append(
            f"{name} {versions[name]} is installed in the kernel, but no package index has that version. "
            f"Install a version that one has, or choose it with --add '{name}==VERSION'."
        )
    urls = [one.name for one in made if one.url]
    if urls:
        notes.append(f"The lock has no hashes, because of {', '.join(urls)}, installed from a URL or version control.")
    return notes
