"""What the layers of a base image have of Python: their few names that matter, read once and kept by digest.

Nothing is unpacked: the tars stream by. The names of all layers together answer which file a path leads
to, with the links and deletions of later layers, as a container would see it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from isal import igzip, isal_zlib

from ..errors import Invalid, Unavailable
from ..interfaces import Registry
from ..model import Descriptor, decode, encode, record
from .disk import disk_errors, work_folder
from .packing import CHUNK_BYTES

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FORMAT = 1
_PYTHON = re.compile(r"(?:.*/)?s?bin/python(?:\d(?:\.\d+)?)?")
_LIBRARY = re.compile(r"(?:.*/)?lib(?:64)?/python3\.\d+/os\.py")
_C_LIBRARY = re.compile(r"(?:usr/)?lib(?:32|64)?/(?:[^/]+/)?(?:ld-musl-|ld-linux-)[^/]+")
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
# Links and folders deeper down lead to no interpreter.
_LINK_DEPTH, _FOLDER_DEPTH = 5, 3
_DAMAGED = cast(type[Exception], isal_zlib.error)  # its types call the class an instance
_LINK_LIMIT = 40  # as Linux has it


@record
class Names:
    """What one layer says: files and folders that matter, links by path, paths and contents of folders it deletes."""

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()


@record
class Tree:
    """What all layers together have: files and links by path without a leading slash."""

    files: frozenset[str]
    links: Mapping[str, str]

    def real(self, path: str) -> str | None:
        """The file that a path leads to through links; None if there is none that matters, or links go round."""
        found = self.folder(path)
        return found if found in self.files else None

    def folder(self, path: str) -> str:
        """Where a path leads through links, whether or not something is there; itself where links go round."""
        left, at, steps = _parts(path)[::-1], "", 0
        while left:
            part = left.pop()
            at = posixpath.dirname(at) if part == ".." else f"{at}/{part}".lstrip("/")
            if at in self.links:
                steps += 1
                if steps > _LINK_LIMIT:
                    return path
                target = self.links[at]
                at = "" if target.startswith("/") else posixpath.dirname(at)
                left += _parts(target)[::-1]
        return at


class Remote(Protocol):
    """Where an image's blobs are."""

    @property
    def registry(self) -> Registry: ...
    @property
    def repository(self) -> str: ...


class Unreadable(Exception):
    """A layer cannot be read; the words say why."""


def tree_of(base: Remote, layers: Sequence[Descriptor], cache: Path, check: Callable[[], None]) -> Tree:
    """What the layers of an image have; each is read at most once on this machine.

    Parameters
    ----------
    base : registry and repository
    check : callable
        Called often; may raise to stop.

    Raises
    ------
    Unreadable
        If a layer is compressed in a way that this program does not know, or is no tar.
    Unavailable, Denied
        If the registry does not answer or refuses, or a layer came damaged.
    """
    return merge(_kept(base, layer, cache, check) for layer in layers)


def merge(layers: Iterable[Names]) -> Tree:
    """The names of all layers in order, as they lie over each other (OCI Image specification, layer.md)."""
    files: set[str] = set()
    links: dict[str, str] = {}

    def drop(top: str, *, itself: bool) -> None:
        for known in (files, links):
            for path in [one for one in known if _below(one, top) or (itself and one == top)]:
                known.discard(path) if isinstance(known, set) else known.pop(path)

    for names in layers:
        for path in names.emptied:
            drop(path, itself=False)
        for path in names.deleted:
            drop(path, itself=True)
        for path in names.folders:
            files.discard(path)
            links.pop(path, None)
        for path, target in names.links.items():
            drop(path, itself=True)
            links[path] = target
        for path in names.files:
            # A layer may name a file by way of a link that an earlier one has made of the folder.
            folder = Tree(files=frozenset(), links=links).folder(posixpath.dirname(path))
            links.pop(path, None)
            files.add(f"{folder}/{posixpath.basename(path)}".lstrip("/"))
    return Tree(files=frozenset(files), links=links)


def names_of(stream: BinaryIO, media_type: str) -> Names:
    """The names in one layer that matter.

    Raises
    ------
    Unreadable
        If it is no tar of that media type.
    """
    files, folders, deleted, emptied = [], [], [], []
    links: dict[str, str] = {}
    try:
        for member in _members(stream, media_type):
            path = "/".join(_parts(member.name))
            folder, _, name = path.rpartition("/")
            depth = path.count("/") + 1
            if name == _OPAQUE:
                emptied.append(folder)
            elif name.startswith(_WHITEOUT):
                deleted.append(f"{folder}/{name.removeprefix(_WHITEOUT)}".lstrip("/"))
            elif member.issym() and depth <= _LINK_DEPTH and ".so" not in name:
                links[path] = member.linkname
            elif member.isdir():
                if depth <= _FOLDER_DEPTH:
                    folders.append(path)
            elif any(one.fullmatch(path) for one in (_PYTHON, _LIBRARY, _C_LIBRARY)):
                files.append(path)
    except (tarfile.TarError, EOFError, zlib.error, _DAMAGED, gzip.BadGzipFile) as error:
        raise Unreadable(f"is no readable tar ({error})") from error
    return Names(
        files=tuple(files), folders=tuple(folders), links=links, deleted=tuple(deleted), emptied=tuple(emptied)
    )


def _members(stream: BinaryIO, media_type: str) -> Iterator[tarfile.TarInfo]:
    if media_type.endswith("zstd"):
        raise Unreadable("is compressed by zstd")
    plain = igzip.IGzipFile(fileobj=stream) if media_type.endswith("gzip") else stream
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        yield from archive


class _Hashed(io.RawIOBase):
    """A stream that is hashed and watched while it is read."""

    def __init__(self, stream: BinaryIO, check: Callable[[], None]) -> None:
        self._stream, self._check = stream, check
        self._hasher = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._check()
        view = memoryview(buffer)
        chunk = self._stream.read(len(view))
        self._hasher.update(chunk)
        view[: len(chunk)] = chunk
        return len(chunk)

    def digest(self) -> str:
        """Of all bytes; those that nobody has read yet are read now."""
        while self.read(CHUNK_BYTES):
            pass
        return "sha256:" + self._hasher.hexdigest()


def _kept(base: Remote, layer: Descriptor, cache: Path, check: Callable[[], None]) -> Names:
    place = cache / f"names-{_FORMAT}-{layer.digest.replace(':', '-')}.json"
    try:
        return decode(Names, json.loads(place.read_bytes()))
    except (OSError, ValueError, Invalid):
        pass  # not read yet, or cut short: then it is read now
    with base.registry.open_blob(base.repository, layer.digest) as opened:
        stream = _Hashed(opened, check)
        fault: Unreadable | None = None
        try:
            names = names_of(cast(BinaryIO, stream), layer.media_type)
        except Unreadable as error:
            fault = error
        if stream.digest() != layer.digest:
            raise Unavailable(f"Layer {layer.digest} of the base image came damaged.", "Try again.") from fault
        if fault:
            raise Unreadable(f"layer {layer.digest} {fault}") from fault
    with work_folder(cache) as folder, disk_errors(place):
        (folder / "names").write_text(json.dumps(encode(names)))
        (folder / "names").replace(place)
    return names


def _parts(path: str) -> list[str]:
    return [one for one in path.split("/") if one not in ("", ".")]


def _below(path: str, top: str) -> bool:
    return not top or path.startswith(top + "/")
