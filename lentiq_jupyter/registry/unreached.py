"""Blobs of a layout folder that no tag reaches: which they are, how they go, and who holds them meanwhile.

A publish sends blobs first and their manifest last, so for a while nothing reaches what it sent. It holds
the folder for that time; whoever writes less is done within `FRESH_S`, and touches what it finds there.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import LentiqError, Unavailable
from ..interfaces import Registry
from ..scratch import Swept, disk_bytes, hold_shared, not_held
from .content import digest_of, manifest_document, referenced_digests
from .layout import LayoutRegistry

FRESH_S = 60.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DOCUMENT_LIMIT = 256 << 20


@contextmanager
def publishing(registry: Registry) -> Iterator[None]:
    """Hold a layout folder while blobs are sent to it; where its disk was too small for them, they go again."""
    if not isinstance(registry, LayoutRegistry):
        yield
        return
    began = time.time()
    try:
        with ExitStack() as stack:
            with suppress(OSError):  # sending will say it better
                registry.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(hold_shared(registry.folder))
            yield
    except LentiqError as error:
        if _is_full(error):
            with suppress(LentiqError, OSError):
                sweep_blobs(registry, since=began - 2)
        raise


def sweep_blobs(registry: Registry, *, dry_run: bool = False, since: float | None = None) -> Swept:
    """Remove what no tag reaches from a layout folder, unless somebody is publishing to it.

    Parameters
    ----------
    since : float or None
        Seconds of the epoch: only blobs written since then, however fresh. None: all but the fresh.

    Raises
    ------
    Unavailable
        If the index or a manifest is damaged, so that nobody knows what it reached; nothing is removed then.
    """
    if not isinstance(registry, LayoutRegistry):
        return Swept(left=(f"{registry.location} collects its own garbage: see its garbage-collect command.",))
    held = disk_bytes([registry.folder])
    if not (registry.folder / "index.json").exists():
        return Swept(0, held)
    with not_held(registry.folder) as free:
        if not free:
            return Swept(0, held, 0, (f"{registry.location}: a publish or a prune is at work; all blobs were left.",))
        with _index_locked(registry.folder):
            unused = _unreached(registry)
            gone = [one for one in unused if _may_go(one, since)]
            freed = disk_bytes(gone)
            if not dry_run:
                for one in gone:
                    one.unlink(missing_ok=True)
    fresh = len(unused) - len(gone) if since is None else 0
    left = (f"{registry.location}: {fresh} blobs are younger than a minute and were left.",) if fresh else ()
    return Swept(len(gone), held, freed, left)


def _may_go(blob: Path, since: float | None) -> bool:
    at = blob.stat().st_mtime
    return at < time.time() - FRESH_S if since is None else at >= since


def _unreached(registry: LayoutRegistry) -> list[Path]:
    """Blobs that no entry of the index leads to. A manifest that is missing leads nowhere."""
    registry.repositories()  # raises where the index is damaged
    index = json.loads((registry.folder / "index.json").read_bytes())
    blobs = registry.folder / "blobs" / "sha256"
    todo = [str(one.get("digest", "")) for one in index["manifests"]]
    reached: set[str] = set()
    while todo:
        name = todo.pop().removeprefix("sha256:")
        if name not in reached and "/" not in name:
            reached.add(name)
            todo += _inside(blobs / name)
    return sorted(one for one in blobs.iterdir() if one.name not in reached and not one.name.startswith("."))


def _inside(blob: Path) -> list[str]:
    """Digests of what a manifest or index needs; none for a blob that is neither."""
    try:
        with blob.open("rb") as stream:
            # Layers are compressed, or archives: no document begins like them.
            body = stream.read(_DOCUMENT_LIMIT) if stream.peek(1)[:1] == b"{" else b""
    except FileNotFoundError:
        return []
    if body and digest_of(body) != f"sha256:{blob.name}":
        # Nobody knows what it led to.
        raise Unavailable(f"{blob} is damaged.", "Remove the version it belongs to and publish it again, then prune.")
    document = manifest_document(body)
    return referenced_digests(document) if document is not None else []


@contextmanager
def _index_locked(folder: Path) -> Iterator[None]:
    """The lock of `LayoutRegistry`: nobody adds a tag meanwhile."""
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__
    return False
