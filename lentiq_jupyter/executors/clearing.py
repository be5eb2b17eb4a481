"""What the process executor keeps and may lose: unpacked blocks, compiled files, what killed jobs left.

Runs are not touched: a job that ended is its run's until the scheduler has taken it in.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ..scratch import Swept, abandoned, disk_bytes, not_held, remove, sweep
from .process import BYTECODE, JOBS
from .supervision.claim import FORBIDDEN, STARTED, is_locked
from .supervision.shelter import leave, shelter
from .unpacked import IMAGES, LAYERS, LOCK, ORIGIN, PARTIAL

_GONE = ".gone-"
_JOB_TEMPORARY = "lentiq-job-"
_HOUR_S = 3600.0
# Longer than anybody is frozen in the middle of starting something.
_FORBIDDEN_S = 7 * 24 * _HOUR_S


def sweep_unpacked(folder: Path, before: float, is_gone: Callable[[str, str], bool], *, dry_run: bool = False) -> Swept:
    """Remove blocks that were not used since `before` (seconds of the epoch), and layers that no other block has.

    Parameters
    ----------
    folder : Path
        The executor's.
    is_gone : callable from an image's id and the registry it came from to bool
        Whether no block has that image any more; it goes then, unless it was used within the hour.
    """
    images, layers = folder / IMAGES, folder / LAYERS
    held = Swept(0, disk_bytes([images, layers]))
    if not held.before:
        return held
    with not_held(folder / LOCK) as free:
        if not free:
            return held + Swept(left=("Unpacked blocks: one is being unpacked, or a prune is at work; all were left.",))
        used: set[str] = set()
        cleared: list[Path] = []
        left: list[str] = []

        def clear(one: Path, keep: Callable[[Path], bool]) -> bool:
            removed = remove([one], keep=keep, dry_run=dry_run)
            cleared.extend([one] * removed.count)
            left.extend(removed.left)
            return bool(removed.count)

        def keep(image: Path) -> bool:
            at = image.stat().st_mtime
            if at < time.time() - _HOUR_S and is_gone(image.name.replace("-", ":", 1), _origin(image)[0]):
                return False
            return at >= before

        for image in _visible(images):
            own = _origin(image)[1]
            if not clear(image, keep):
                used |= own
        for layer in _visible(layers):
            if layer.name not in used:
                clear(layer, lambda one: one.stat().st_mtime >= before)
    # What images share with their layers by hard links is only free when both are gone.
    freed = disk_bytes(cleared) if dry_run else held.before - disk_bytes([images, layers])
    return Swept(len(cleared), held.before, freed, tuple(left))


def sweep_compiled(folder: Path, *, everything: bool = False, dry_run: bool = False) -> Swept:
    """Remove compiled files of folders that are gone, or all: a run makes those that it needs again."""
    root = folder / BYTECODE
    held = disk_bytes([root])
    stale = _below(root) if everything else _all_stale(root, folder / IMAGES)
    removed = remove(stale, dry_run=dry_run)
    return Swept(removed.count, held, removed.freed, removed.left)


def sweep_work(folder: Path, *, dry_run: bool = False) -> Swept:
    """Remove what killed processes left: half-unpacked layers, jobs that ended with their callers, temporary files."""
    total = Swept()
    for prefix in (PARTIAL, _GONE):
        for inner in (IMAGES, LAYERS, JOBS, BYTECODE):
            total += sweep(prefix, folder / inner, dry_run=dry_run)
    jobs = [one for one in abandoned("", folder / JOBS) if _is_deserted(one)]
    total += remove(jobs, dry_run=dry_run)
    for parent in (None, Path(shelter(tempfile.gettempdir()))):
        total += sweep(_JOB_TEMPORARY, parent, dry_run=dry_run)
    if not dry_run:
        leave(tempfile.gettempdir())
    return total


def _visible(folder: Path) -> list[Path]:
    return [one for one in _below(folder) if not one.name.startswith(".")]


def _origin(image: Path) -> tuple[str, set[str]]:
    """The registry that an unpacked image came from ("" if that is not known), and the names of its layers."""
    linked = {
        Path(os.readlink(one)).parent.name for one in image.iterdir() if one.is_symlink() and LAYERS in os.readlink(one)
    }
    try:
        noted = json.loads((image / ORIGIN).read_bytes())
        return str(noted["registry"]), linked | {str(one) for one in noted["layers"]}
    except (OSError, ValueError, KeyError, TypeError):
        return "", linked


def _below(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def _all_stale(root: Path, images: Path) -> Iterator[Path]:
    """Files compiled for an image that is gone, and in those of others what was compiled from what is gone."""
    for one in _below(root):
        if not one.name.startswith("sha256-"):
            # Shared by all images, as an earlier release had it.
            if (Path("/") / one.name).is_dir():
                yield from _stale(one, Path("/") / one.name)
            else:
                yield one
        elif (images / one.name).is_dir():
            yield from _stale(one, Path("/"))
        else:
            yield one


def _stale(compiled: Path, source: Path) -> Iterator[Path]:
    """The highest folders below `compiled` whose sources are gone."""
    for one in _below(compiled):
        if one.is_dir() and not one.is_symlink():
            if (source / one.name).is_dir():
                yield from _stale(one, source / one.name)
            else:
                yield one


def _is_deserted(job: Path) -> bool:
    """Whether a job ended, or never began, and was of use only to a process that is gone; or was forbidden long ago."""
    if is_locked(str(job)):
        return False
    if (job / FORBIDDEN).exists():
        return job.stat().st_mtime < time.time() - _FORBIDDEN_S
    try:
        noted = json.loads((job / "job.json").read_bytes())
    except FileNotFoundError:
        # Killed at the very first step; one that is being made is younger.
        return not (job / STARTED).exists() and job.stat().st_mtime < time.time() - _HOUR_S
    except (OSError, ValueError):
        return False
    return isinstance(noted, dict) and noted.get("bound") is True
