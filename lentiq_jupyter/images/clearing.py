"""What building keeps and may lose: packed layers, and the work of builds that were killed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..scratch import Swept, disk_bytes, last_used, not_held, remove, sweep
from .disk import WORK


def sweep_packed(cache: Path, before: float, *, dry_run: bool = False) -> Swept:
    """Remove packed layers that were not used since `before`, in seconds of the epoch.

    While a build is at work none is removed, since it may be sending any of them.
    """
    with not_held(cache) as free:
        groups = _groups(cache)
        held = Swept(0, disk_bytes(path for group in groups for path in group))
        if not groups:
            return held
        if not free:
            return held + Swept(left=("Packed layers: a publish or a prune is at work; all were left.",))
        count, removed = 0, Swept()
        for group in groups:
            if max(map(last_used, group)) >= before:
                continue
            # Without its note a layer does not count, whatever else is left of it.
            group.sort(key=lambda one: one.suffix != ".json")
            found = remove(group, dry_run=dry_run)
            removed += found
            count += any(one.suffix != ".lock" for one in group) and found.count > 0
    return Swept(count, held.before, removed.freed, removed.left)


def _groups(cache: Path) -> list[list[Path]]:
    """The files of each layer: they differ in what follows their key."""
    groups: dict[str, list[Path]] = {}
    if cache.is_dir():
        for one in cache.iterdir():
            if one.is_file() and not one.name.startswith("."):
                groups.setdefault(one.name.partition(".")[0], []).append(one)
    return list(groups.values())


def sweep_builds(cache: Path, *, dry_run: bool = False) -> Swept:
    """Remove work folders of builds that were killed, in the cache and among temporary files."""
    total = Swept()
    for folder in (cache, Path(tempfile.gettempdir())):
        total += sweep(WORK, folder, dry_run=dry_run)
    return total
