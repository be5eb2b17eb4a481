"""What a registry and the catalogue's cache keep and may lose."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..errors import NotFound
from ..interfaces import Registry
from ..scratch import Swept, disk_bytes, last_used, remove, sweep
from .catalogue import Catalogue
from .layout import INCOMING, LayoutRegistry
from .listing import INCOMING as CACHE_INCOMING


def sweep_claims(catalogue: Catalogue, *, dry_run: bool = False) -> Swept:
    """Remove claims on versions whose publish died, and what else no version needs."""
    return Swept() if dry_run else Swept(len(catalogue.tidy()))


def sweep_work(registry: Registry, cache: Path, *, dry_run: bool = False) -> Swept:
    """Remove half-written files of processes that were killed."""
    total = Swept()
    if isinstance(registry, LayoutRegistry):
        for folder in (registry.folder, registry.folder / "blobs" / "sha256"):
            total += sweep(INCOMING, folder, dry_run=dry_run)
    return total + sweep(CACHE_INCOMING, cache, dry_run=dry_run)


def sweep_cache(cache: Path, before: float, *, dry_run: bool = False) -> Swept:
    """Remove what was read from registries and kept before `before` (seconds of the epoch); it is asked for again."""
    files = [one for one in cache.rglob("*") if one.is_file()]
    removed = remove((one for one in files if last_used(one) < before), dry_run=dry_run)
    return Swept(removed.count, disk_bytes(files), removed.freed, removed.left)


def image_ids(catalogue: Catalogue) -> set[str]:
    """Image ids of all versions of all blocks. Raises as the registry does."""
    found = set()
    for name in sorted({one.spec.name for one in catalogue.blocks()}):
        with suppress(NotFound):
            found |= {one.image_id for one in catalogue.versions(name)}
    return found
