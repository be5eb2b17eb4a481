"""Hashes of pinned distributions, asked for once and kept: the same pins need no network again."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import Unavailable
from ..model import Reporter, record
from .uv_compile import NoSolution, compile_pins

Pins = Mapping[str, str]  # normalised name to version


@record
class Answer:
    """Hashes by normalised name; names the index does not have; whether it could be asked."""

    hashes: dict[str, tuple[str, ...]]
    unknown: tuple[str, ...] = ()
    reached: bool = True
    reason: str = ""


def hashes_of(
    pins: Pins, *, python: Path | str, python_version: str, cache: Path | None, report: Reporter | None = None
) -> Answer:
    """The hashes of all files of each pin.

    Parameters
    ----------
    cache : Path or None
        A folder that keeps what was learned; None keeps nothing.
    """
    kept = _read(cache)
    found = {name: kept[_key(name, version)] for name, version in pins.items() if _key(name, version) in kept}
    wanted = {name: version for name, version in pins.items() if name not in found}
    if not wanted:
        return Answer(hashes=found)
    try:
        learned, unknown = _ask(wanted, python, python_version, report)
    except Unavailable as error:
        return Answer(hashes=found, reached=False, reason=error.message)
    keep(cache, {name: (pins[name], hashes) for name, hashes in learned.items()})
    return Answer(hashes={**found, **learned}, unknown=tuple(unknown))


def _ask(
    pins: Pins, python: Path | str, python_version: str, report: Reporter | None
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Ask for all at once; if the index lacks one, halve until that one is found."""
    lines = [f"{name}=={version}" for name, version in pins.items()]
    try:
        answer = compile_pins(lines, python=python, python_version=python_version, follow=False, report=report)
        return {pin.name: pin.hashes for pin in answer if pin.hashes}, []
    except NoSolution:
        names = list(pins)
        if len(names) == 1:
            return {}, names
        learned: dict[str, tuple[str, ...]] = {}
        unknown: list[str] = []
        for half in (names[: len(names) // 2], names[len(names) // 2 :]):
            more, lacking = _ask({name: pins[name] for name in half}, python, python_version, report)
            learned.update(more)
            unknown += lacking
        return learned, unknown


def keep(cache: Path | None, learned: Mapping[str, tuple[str, tuple[str, ...]]]) -> None:
    """Add hashes to the cache, by name with version. A cache that cannot be written is done without."""
    if cache is None or not learned:
        return
    kept = {**_read(cache), **{_key(name, version): hashes for name, (version, hashes) in learned.items() if hashes}}
    try:
        cache.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=cache, prefix=".hashes-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(kept, file, sort_keys=True)
        os.replace(made, cache / "hashes.json")
    except OSError:
        return


def _read(cache: Path | None) -> dict[str, tuple[str, ...]]:
    if cache is None:
        return {}
    try:
        document = json.loads((cache / "hashes.json").read_text("utf-8"))
        return {str(key): tuple(map(str, value)) for key, value in document.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _key(name: str, version: str) -> str:
    return f"{name}=={version}"
