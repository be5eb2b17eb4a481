"""What is in a registry, asked for as seldom as is safe.

Manifests and configurations never change, so a block once read is kept, in memory and for other processes
in one file. Which versions there are may change: `changes` tells, by one question, whether it did and
where; once a minute everything is looked at. Losing the file costs requests, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ..errors import BadInput, Invalid, NotFound
from ..interfaces import Registry
from ..model import Block, check_name
from ..scratch import scratch_file
from .changes import Hint, Stateful, read_hint
from .compact import Compactor, read_checked, write_checked
from .documents import Documents
from .manifest import block_of, with_reason
from .shelf import Deprecation, Entry, Shelf, deprecation_of, entry_of, split_tags
from .tags import deprecation_tag

INCOMING = ".incoming-"
TRUST_S = 60.0
_PARALLEL = 8
_log = logging.getLogger(__name__)
_A = TypeVar("_A")
_B = TypeVar("_B")


class Listing:
    """Blocks of one registry.

    Parameters
    ----------
    registry : Registry
    folder : Path or None
        Where the file is, shared by registries and processes; None keeps to memory.

    Attributes
    ----------
    documents : Documents
    """

    def __init__(self, registry: Registry, folder: Path | None) -> None:
        self._registry = registry
        self.documents = Documents(registry)
        key = hashlib.sha256(registry.location.encode()).hexdigest()[:16]
        self._file = folder / f"{key}.json" if folder is not None else None
        self._looking = threading.Lock()
        self._lock = threading.Lock()  # of what is kept; never held while something is asked for
        self._shelves: dict[str, Shelf] = {}
        self._seen: dict[str, float] = {}  # when a shelf was last compared with the registry, by time.monotonic
        self._blocks: dict[str, Block] = {}
        self._packed: dict[str, dict[str, Any]] = {}
        self._compactor = Compactor()
        self._warned: set[str] = set()
        self._moved: set[str] = set()  # what this process changed itself
        self._looked: tuple[str, float] | None = None  # the hint at the last look at everything, and the time
        self._loaded = self._file is None

    # everything
    def blocks(self) -> list[Block]:
        """The newest version of every block, by name."""
        with self._looking:
            self._load()
            hint = read_hint(self._registry)
            names = self._stale(hint)
            if names is None:
                names = {one for one in self._registry.repositories() if is_block_name(one)}
                for gone in self._shelves.keys() - names:
                    del self._shelves[gone]
                looked = hint.state, time.time()
            else:
                looked = hint.state, self._looked[1] if self._looked else time.time()
            if names:
                moved, self._moved = self._moved, set()
                try:
                    self._map(self._renew, sorted(names))
                except BaseException:
                    self._moved |= moved
                    raise
            changed, self._looked = bool(names) or looked != self._looked, looked
            found = [block for name in sorted(self._shelves) if (block := self._newest(name)) is not None]
            if changed:
                self._save()
            return found

    def _stale(self, hint: Hint) -> set[str] | None:
        """Blocks that may have changed since the last look; None for all of them."""
        if self._looked is None:
            return None
        state, at = self._looked
        if not hint.exact and not 0 <= time.time() - at < TRUST_S:
            return None
        said = hint.since(state)
        if said is None:
            return None
        return {name for name in said if is_block_name(name)} | self._moved  # a hint may say anything

    # one block
    def versions(self, name: str) -> list[Block]:
        """All versions, newest first; empty if there is no such block."""
        shelf = self.shelf(name)
        ranked = shelf.ranked()
        loaded = self._map(lambda tag: self._load_or_drop(name, shelf, tag), ranked)
        return [one for one in loaded if one is not None]

    def newest_digest(self, name: str) -> tuple[str, str] | None:
        """Version and digest of the newest version by the tags now; None if there is none."""
        shelf = self._look(name, confirm=False, each=self._map)
        for tag in shelf.ranked():
            if self._load_or_drop(name, shelf, tag) is not None:
                return tag, shelf.entries[tag].digest
        return None

    def shelf(self, name: str) -> Shelf:
        """What there is of a block, by its tags now; versions known are confirmed once a minute."""
        self._load()
        return self._look(name, confirm=not self._is_certain(name), each=self._map)

    def reason(self, name: str, version: str, digest: str) -> str | None:
        """Why a version is deprecated, as known within the last minute."""
        shelf = self._shelves.get(name)
        if shelf is None or version not in shelf.entries or not self._is_certain(name):
            shelf = self.shelf(name)
        return shelf.reason(version, digest)

    def learn(self, name: str, version: str, digest: str, manifest: bytes) -> None:
        """This process made that version."""
        self.documents.keep(digest, manifest)
        self.forget(name)
        with self._lock:
            shelf = self._shelves.setdefault(name, Shelf())
            shelf.entries[version] = entry_of(version, digest, manifest)

    def forget(self, name: str) -> None:
        """This process changed that block."""
        with self._lock:
            self._moved.add(name)
            self._seen.pop(name, None)

    def _is_certain(self, name: str) -> bool:
        """Whether a block was looked at so lately that a foreign hand's changes need not be in it yet."""
        at = self._seen.get(name)
        return at is not None and time.monotonic() - at < TRUST_S and not isinstance(self._registry, Stateful)

    def load(self, name: str, digest: str) -> Block | None:
        """The block of a manifest; None if it is none. Raises Invalid or NotFound if it is a damaged one."""
        known = self._blocks.get(digest)
        if known is not None:
            return known
        with self._lock:
            packed = self._packed.get(digest)
            if packed is not None:
                self._blocks[digest] = self._compactor.unpack(packed)
                return self._blocks[digest]
        body = self.documents.manifest(name, digest)
        config = json.loads(body).get("config")
        if not isinstance(config, dict) or not str(config.get("digest", "")).startswith("sha256:"):
            return None  # an index, or an artifact of another kind
        if "image" not in str(config.get("mediaType", "")):
            return None
        block = block_of(body, self.documents.config(name, str(config["digest"])))
        if block is not None:
            self._blocks[digest] = block
        return block

    # looking
    def _renew(self, name: str) -> None:
        """Look at one block, and read its newest version."""
        self._look(name, confirm=True, each=lambda call, items: [call(one) for one in items])
        self._newest(name)

    def _look(
        self,
        name: str,
        *,
        confirm: bool,
        each: Callable[[Callable[[str], Any], list[str]], list[Any]],
    ) -> Shelf:
        """Compare what is known with the tags; with `confirm` also what the newest, and deprecations, are now."""
        versions, deprecated = split_tags(self._registry.tags(name))
        known = self._shelves.get(name, Shelf())
        entries = {tag: known.entries[tag] for tag in versions if tag in known.entries}
        old = Shelf(entries).ranked()[:1] if confirm else []
        unknown = [tag for tag in versions if tag not in entries]
        fresh = dict(zip(old + unknown, each(lambda tag: self._see(name, tag), old + unknown), strict=True))
        if any(fresh[tag] != entries[tag] for tag in old):
            # The version was made anew behind our back; others of it may have been, too.
            rest = [tag for tag in versions if tag not in fresh]
            fresh |= dict(zip(rest, each(lambda tag: self._see(name, tag), rest), strict=True))
        entries |= {tag: entry for tag, entry in fresh.items() if entry is not None}
        for tag in [tag for tag, entry in fresh.items() if entry is None]:
            entries.pop(tag, None)
        shelf = Shelf({tag: entries[tag] for tag in versions if tag in entries})
        kept = {} if confirm else known.deprecations
        asked = [version for version in deprecated if version not in kept]
        reasons = each(lambda version: self._deprecation(name, version), asked)
        found = dict(zip(asked, reasons, strict=True)) | {tag: kept[tag] for tag in deprecated if tag in kept}
        shelf.deprecations = {tag: one for tag, one in found.items() if one is not None}
        if versions:
            self._shelves[name] = shelf
            if confirm:
                self._seen[name] = time.monotonic()
        else:
            self._shelves.pop(name, None)
        return shelf

    def _see(self, name: str, tag: str) -> Entry | None:
        """What a tag names now; None if it is gone."""
        try:
            digest, body = self.documents.resolve(name, tag)
        except NotFound:  # removed between the list and now
            return None
        try:
            return entry_of(tag, digest, body)
        except Invalid as error:
            self._warn(name, tag, digest, error)
            return Entry(digest, None)

    def _deprecation(self, name: str, version: str) -> Deprecation | None:
        try:
            return deprecation_of(*self.documents.resolve(name, deprecation_tag(version)))
        except NotFound:
            return None

    def _newest(self, name: str) -> Block | None:
        shelf = self._shelves.get(name)
        for tag in shelf.ranked() if shelf is not None else ():
            found = self._load_or_drop(name, shelf, tag) if shelf is not None else None
            if found is not None:
                return found
        return None

    def _load_or_drop(self, name: str, shelf: Shelf, tag: str) -> Block | None:
        """A version as a block; one that is damaged or no block is not counted as a version from then on."""
        digest = shelf.entries[tag].digest
        try:
            block = self.load(name, digest)
        except (Invalid, NotFound) as error:
            self._warn(name, tag, digest, error)
            block = None
        if block is None or block.version != tag or block.spec.name != name:
            shelf.entries[tag] = Entry(digest, None)
            return None
        return with_reason(block, shelf.reason(tag, digest))

    def _warn(self, name: str, tag: str, digest: str, error: Exception) -> None:
        if digest not in self._warned:
            self._warned.add(digest)
            _log.warning("Block %s@%s in %s is left out: %s", name, tag, self._registry.location, error)

    def _map(self, call: Callable[[_A], _B], items: Iterable[_A]) -> list[_B]:
        given = list(items)
        if len(given) < 2:
            return [call(one) for one in given]
        with ThreadPoolExecutor(min(_PARALLEL, len(given))) as pool:
            return list(pool.map(call, given))

    # the file
    def _load(self) -> None:
        with self._lock, suppress(OSError, ValueError, KeyError, TypeError):
            if self._loaded or self._file is None:
                return
            self._loaded = True
            document = read_checked(self._file.read_bytes())
            if document is None:
                return
            shelves = {name: Shelf.of(one) for name, one in document["shelves"].items()}
            self._compactor = Compactor(document["packages"])
            self._packed, self._shelves = document["blocks"], shelves | self._shelves
            self._looked = document["hint"], document["at"]

    def _save(self) -> None:
        """Keep the newest of each block for other processes; a folder that cannot be written costs only time."""
        if self._file is None or self._looked is None:
            return
        packed = {}
        for shelf in self._shelves.values():
            for tag in shelf.ranked()[:1]:
                digest = shelf.entries[tag].digest
                if digest in self._blocks or digest in self._packed:
                    packed[digest] = self._packed.get(digest) or self._compactor.pack(self._blocks[digest])
        with self._lock:
            self._packed = packed
        document = {
            "hint": self._looked[0],
            "at": self._looked[1],
            "shelves": {name: shelf.document for name, shelf in self._shelves.items()},
            "blocks": packed,
            "packages": self._compactor.packages,
        }
        write_quietly(self._file, write_checked(document))


def write_quietly(path: Path, body: bytes) -> None:
    """In one step; a folder that cannot be written costs only time, so it is no error."""
    name = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = scratch_file(INCOMING, path.parent)
        with open(descriptor, "wb") as stream:
            stream.write(body)
            stream.flush()
            os.replace(name, path)  # while it is held: a free one would be swept away
    except OSError as error:
        _log.debug("%s cannot be kept (%s).", path, error.strerror)
        if name:
            with suppress(OSError):
                os.unlink(name)


def is_block_name(repository: str) -> bool:
    """Whether a repository may hold a block."""
    try:
        check_name(repository)
    except BadInput:
        return False
    return True
