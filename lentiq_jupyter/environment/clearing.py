"""What looking at environments keeps and may lose: answers of interpreters and of the package index."""

from __future__ import annotations

from pathlib import Path

from ..scratch import Swept, disk_bytes, last_used, remove, sweep
from .pipreqs import WORK as PIPREQS_WORK
from .uv_compile import WORK as UV_WORK


def sweep_answers(cache: Path, before: float, *, dry_run: bool = False) -> Swept:
    """Remove what was not used since `before` (seconds of the epoch), and what killed processes left half-written."""
    files = [
        one for folder in (cache / "environments", cache / "hashes") if folder.is_dir() for one in folder.iterdir()
    ]
    old = [one for one in files if last_used(one) < before]
    removed = remove(old, dry_run=dry_run)
    return Swept(removed.count, disk_bytes(files), removed.freed, removed.left)


def sweep_work(*, dry_run: bool = False) -> Swept:
    """Remove temporary folders of resolutions that were killed."""
    return sweep(UV_WORK, dry_run=dry_run) + sweep(PIPREQS_WORK, dry_run=dry_run)
