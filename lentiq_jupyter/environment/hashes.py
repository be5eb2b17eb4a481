"""Hashes of pinned distributions, asked for once and kept: the same pins need no network again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from ..errors import Unavailable
from ..model import Reporter, record
from .keeping import read_json, write_json
from .uv_compile import NoSolution, Pin, compile_pins, index_key

Pins = Mapping[str, str]  # normalised name to version


@record
class Answer:
    """Hashes by normalised name; what the index lacks for that Python, with uv's reason; whether it answered."""

    hashes: dict[str, tuple[str, ...]]
    unknown: dict[str, str] = field(default_factory=dict)
    reached: bool = True
    reason: str = ""


def hashes_of(
    pins: Pins,
    *,
    python: Path | str,
    python_version: str,
    cache: Path | None,
    platform: str | None = None,
    report: Reporter | None = None,
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
        learned, unknown = _ask(
            wanted,
            lambda lines: compile_pins(
                lines, python=python, python_version=python_version, platform=platform, follow=False, report=report
            ),
        )
    except Unavailable as error:
        return Answer(hashes=found, reached=False, reason=error.message)
    keep(cache, {name: (pins[name], hashes) for name, hashes in learned.items()})
    return Answer(hashes={**found, **learned}, unknown=unknown)


def _ask(pins: Pins, compiled: Callable[[list[str]], list[Pin]]) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Ask for all at once; if the index lacks one, halve until that one is found."""
    try:
        answer = compiled([f"{name}=={version}" for name, version in pins.items()])
        return {pin.name: pin.hashes for pin in answer if pin.hashes}, {}
    except NoSolution as error:
        names = list(pins)
        if len(names) == 1:
            return {}, {names[0]: error.message}
    learned: dict[str, tuple[str, ...]] = {}
    unknown: dict[str, str] = {}
    for half in (names[: len(names) // 2], names[len(names) // 2 :]):
        more, lacking = _ask({name: pins[name] for name in half}, compiled)
        learned.update(more)
        unknown.update(lacking)
    return learned, unknown


def keep(cache: Path | None, learned: Mapping[str, tuple[str, tuple[str, ...]]]) -> None:
    """Add hashes to the cache, by name with version. A cache that cannot be written is done without."""
    if cache is None or not learned:
        return
    new = {_key(name, version): hashes for name, (version, hashes) in learned.items() if hashes}
    write_json(_file(cache), {**_read(cache), **new})


def _read(cache: Path | None) -> dict[str, tuple[str, ...]]:
    kept = read_json(_file(cache) if cache else None)
    return {key: tuple(map(str, value)) for key, value in kept.items() if isinstance(value, list)}


def _file(cache: Path) -> Path:
    """One file for each index: another one may have other files of the same version."""
    return cache / f"hashes-{index_key()}.json"


def _key(name: str, version: str) -> str:
    return f"{name}=={version}"
