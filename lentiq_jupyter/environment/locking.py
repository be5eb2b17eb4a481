"""Packages to the text of a lock. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import Lock, Package


def make_lock(packages: Iterable[Package], python: str, remark: str = "") -> Lock:
    """A lock of these packages, sorted by name.

    Its text has one pin a line, as pip and uv read it. Hashes stand there only if every pin has
    some: pip refuses a file in which a part of the pins has hashes. A package without a version, as
    there are when somebody only looks, is its name; `remark`, one line, then says why.
    """
    ordered = tuple(sorted(packages, key=lambda one: one.name))
    hashed = all(one.hashes for one in ordered)
    lines = [_line(one, hashed) for one in ordered]
    if remark:
        lines.insert(0, f"# {remark}")
    return Lock(python=python, packages=ordered, requirements="".join(f"{line}\n" for line in lines))


def _line(package: Package, hashed: bool) -> str:
    pin = f"{package.name}=={package.version}" if package.version else package.name
    pin = f"{package.name} @ {package.url}" if package.url else pin
    return " ".join([pin, *(f"--hash={one}" for one in package.hashes)]) if hashed else pin
