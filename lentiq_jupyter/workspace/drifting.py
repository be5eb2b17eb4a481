"""How a notebook file stands to the block that was made of it: the same, or what differs."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import NotFound
from ..model import Block, BlockKind, Change, Drift, Inspection, Witness, slug
from .comparing import compare_notebooks, runnable_cells, same_cells


def published(blocks: Iterable[Block], path: Path, author: str) -> Block | None:
    """The newest version of the block that was made of a notebook of that name; None if there is none.

    The block that a publish would name so by itself comes first, then those of `author`, then what is newest.
    """
    made = [one for one in blocks if one.spec.kind is BlockKind.NOTEBOOK and Path(one.spec.notebook).name == path.name]
    own = slug(path.name)
    return max(made, key=lambda one: (one.spec.name == own, one.author == author, one.created), default=None)


def drift(
    path: Path,
    block: Block | None,
    *,
    stored: Callable[[Block], bytes],
    inspect: Callable[[], Inspection] | None = None,
) -> Drift:
    """What differs between a notebook file and a block.

    Parameters
    ----------
    stored : callable giving the bytes of a block's notebook
    inspect : callable
        Says what publishing would pin; None where nobody asked for packages.

    Raises
    ------
    NotFound
        If there is no such file.
    """
    if block is None:
        return Drift()
    try:
        now = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"There is no notebook {path.name}.", "Save it first.") from error
    packages = None if inspect is None else changed_packages(block, inspect())
    if hashlib.sha256(now).hexdigest() == block.spec.notebook_sha256:
        return Drift(block=block, same=True, packages=packages)
    was = stored(block)
    if same_cells(was, now):
        return Drift(block=block, same=True, packages=packages)
    changed = _count_changed(runnable_cells(was), runnable_cells(now))
    return Drift(block=block, changed_cells=changed, cells=compare_notebooks(was, now), packages=packages)


def changed_packages(block: Block, inspection: Inspection) -> tuple[Change, ...]:
    """Packages that publishing now would pin otherwise, by name.

    What only other packages need is left to them: their versions are not what a user chose.
    """
    old = {one.name: one for one in block.spec.packages}
    pins = {one.name: one for one in (inspection.lock.packages if inspection.lock else ())}
    new = {name: one for name, one in pins.items() if one.witness is not Witness.DEPENDENCY}
    found = [
        Change(name=name, old=old[name].version if name in old else None, new=one.version)
        for name, one in new.items()
        if name not in old or old[name].version != one.version
    ]
    found += [
        Change(name=name, old=one.version)
        for name, one in old.items()
        if one.witness != Witness.DEPENDENCY and name not in pins
    ]
    return tuple(sorted(found, key=lambda one: one.name))


def _count_changed(old: list[str], new: list[str]) -> int:
    moves = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return sum(max(to - start, until - begin) for move, start, to, begin, until in moves if move != "equal")
