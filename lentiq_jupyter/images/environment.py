"""The layers of one environment: from the cache, or installed, packed and kept; each is sent at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path

from ..errors import Conflict
from ..model import Recipe, Step, record
from .crew import Crew
from .disk import disk_errors, locked
from .installing import Installer
from .kept import KeptLayers
from .packing import ChangedFile, Packed, pack
from .sending import Sender
from .splitting import Wheel, members
from .wheels import key_of, pins, shared_out, words_of

# Raised by one when the bytes of a layer change for the same inputs.
_PACKER = "2"


Group = tuple[str, ...]


@record
class Layer:
    """A packed layer and what it is, in words."""

    packed: Packed
    words: str


class Environment:
    """A lock on its way into an image.

    Parameters
    ----------
    what : str
        What progress calls it ("environment").
    prefix : str
        Where it lies in the image, without a leading slash.
    lock : str
        The lock's text.
    together : names
        Packages that share one layer as far as the lock has them.
    sure : int
        So many packages may have a layer each without a look at the room there is.
    uv : str or None
        The uv program; None finds it.
    variables : mapping
        What to set for uv beside this process's own environment.
    """

    def __init__(
        self,
        *,
        what: str,
        prefix: str,
        lock: str,
        together: Collection[str] = (),
        sure: int,
        recipe: Recipe,
        crew: Crew,
        sender: Sender,
        kept: KeptLayers,
        uv: str | None,
        variables: Mapping[str, str],
    ) -> None:
        self._what = what
        self._sure = sure
        self._prefix = prefix
        self._recipe = recipe
        self._crew = crew
        self._sender = sender
        self._kept = kept
        self._pins = {pin.name: pin for pin in pins(lock, recipe.python, recipe.platform)}
        self._keys = {
            name: key_of(_PACKER, prefix, recipe.python, recipe.platform, pin.line) for name, pin in self._pins.items()
        }
        self._loose = frozenset(name for name, pin in self._pins.items() if not pin.fixed)
        self._together = tuple(name for name in self._pins if name in together and name not in self._loose)
        self._installer = Installer(
            python=recipe.python,
            platform=recipe.platform,
            uv=uv,
            variables=variables,
            what=what,
            report=crew.report,
        )

    def layers(self, folder: Path, room: Callable[[], int]) -> list[Layer]:
        """All layers, in order; of what is missing in the cache, one process at a time makes the same.

        Parameters
        ----------
        folder : Path
            For this build's work; removed after it.
        room : callable
            How many layers there may be; asked only where that matters.
        """
        with ExitStack() as stack:
            groups, kept = self._look(room)
            if groups is None or len(kept) < len(groups):
                name = key_of(*self._keys.values())
                stack.enter_context(locked(self._kept.folder / f"{name}.lock", self._wait))
                groups, kept = self._look(room)
            for one in kept.values():
                self._crew.start(self._send, one)
            made = self._made(groups, kept, folder, room)
            packed = kept | {group: one.result() for group, one in made.items()}
        named = {group: words_of([self._pins[name] for name in group]) for group in packed}
        return [Layer(packed=packed[group], words=named[group]) for group in sorted(packed)]

    def _look(self, room: Callable[[], int]) -> tuple[list[Group] | None, dict[Group, Packed]]:
        """Which packages share a layer, None if that cannot be told yet; and the layers that are here."""
        groups = self._groups({}, room)
        found = {group: self._kept.layer(self._key(group)) for group in groups or () if self._loose.isdisjoint(group)}
        return groups, {group: layer for group, layer in found.items() if layer is not None}

    def _groups(self, sizes: Mapping[str, int], room: Callable[[], int]) -> list[Group] | None:
        """Which packages share a layer; None while sizes matter that nobody knows."""
        first = [self._together] if self._together else []
        rest = [name for name in self._pins if name not in self._together]
        if len(first) + len(rest) <= self._sure or len(first) + len(rest) <= room():
            return [*first, *((name,) for name in rest)]
        known = {name: sizes.get(name, self._kept.unpacked(self._keys[name])) for name in rest}
        known |= dict.fromkeys(self._loose, 0)  # never in a layer with others
        told = {name: size for name, size in known.items() if size is not None}
        return [*first, *shared_out(told, self._loose, room() - len(first))] if len(told) == len(known) else None

    def _made(
        self, groups: list[Group] | None, kept: Mapping[Group, Packed], folder: Path, room: Callable[[], int]
    ) -> dict[Group, Future[Packed]]:
        """The layers that are not here, in the making, the big ones first."""
        wanted = list(self._pins) if groups is None else [name for one in groups if one not in kept for name in one]
        if not wanted:
            return {}
        wheels = self._installer.install([self._pins[name] for name in sorted(wanted)], folder)
        with disk_errors(folder):
            sizes = {name: wheel.unpacked() for name, wheel in wheels.items()}
        if len(self._pins) > self._sure:
            for name in sizes.keys() - self._loose:
                self._kept.keep_size(self._keys[name], sizes[name], folder)
        if groups is None:
            groups = self._groups(sizes, room) or []
        missing = [group for group in groups if group not in kept]
        missing.sort(key=lambda group: -sum(sizes[name] for name in group))
        return {group: self._crew.compute(self._make, group, wheels, sizes, folder) for group in missing}

    def _make(self, group: Group, wheels: Mapping[str, Wheel], sizes: Mapping[str, int], folder: Path) -> Packed:
        """Pack a layer, keep it, and have it sent."""
        key = self._key(group)
        target = folder / key
        chosen = [wheels[name] for name in group]
        try:
            made = self._pack(chosen, target)
        except ChangedFile:
            # Files of uv's cache were edited through a link to them, as in an environment of the user's.
            text = f"{self._what}: {', '.join(group)} was changed on this machine, installing it anew"
            self._crew.report.say(Step.BUILD, text)
            chosen = [self._installer.install_alone(self._pins[name], folder, fresh=True) for name in group]
            made = self._pack(chosen, target)
        if self._loose.isdisjoint(group):
            made = self._kept.keep(key, made, sum(sizes[name] for name in group))
        self._crew.start(self._send, made)
        return made

    def _pack(self, wheels: Sequence[Wheel], target: Path) -> Packed:
        with disk_errors(target):
            entries = [entry for wheel in wheels for entry in members(wheel, self._prefix)]
        return pack(entries, target, self._crew.report.check)

    def _send(self, layer: Packed) -> None:
        try:
            self._sender.send(layer.path, layer.descriptor)
        except Conflict:
            # The packed file is not what it was: the next build makes it anew.
            self._kept.forget(layer.path)
            raise

    def _key(self, group: Group) -> str:
        return self._keys[group[0]] if len(group) == 1 else key_of(*(self._keys[name] for name in group))

    def _wait(self, seconds: float) -> None:
        self._crew.report.check()
        time.sleep(seconds)
