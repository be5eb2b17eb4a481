"""Files to a layer: a deterministic tar, gzipped and hashed in one pass.

Equal entries give equal bytes: sorted names, no times, no user names, modes of two kinds. The digest
of the tar itself (the diff id) depends on nothing else; that of the gzip also on the compressor.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from ..errors import Conflict, Unavailable
from ..model import Descriptor, record
from .disk import disk_errors

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
CHUNK_BYTES = 1 << 20
_LEVEL = 1
_WBITS_GZIP = 31
_SHORT = 100  # bytes of a name that a plain header holds
_SMALL = 8 << 30  # bytes of a file whose size it holds
# A header after its checksum and type: no link, the format's mark, no user and group, no device, no prefix.
_BACK = bytes(100) + b"ustar\x0000" + bytes(64) + b"\0" * 16 + bytes(155) + bytes(12)


@record
class Entry:
    """One member of a layer.

    `name` is relative to the image's root, without a leading slash. `source` is the host file (a path)
    or the bytes of a file; None makes a folder of it, unless `link` says where a symbolic link points.
    `owner` is user and group. `sha256`, where given, is what the file's bytes must still be.
    """

    name: str
    source: Path | str | bytes | None = None
    link: str = ""
    executable: bool = False
    owner: int = 0
    sha256: str = ""


@record
class Packed:
    """A layer in a file, ready to be sent. `diff_id` is the digest of the tar inside the gzip."""

    path: Path
    digest: str
    diff_id: str
    size: int

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(media_type=LAYER_TYPE, digest=self.digest, size=self.size)


class ChangedFile(Conflict):
    """A file's bytes are not those that were expected."""


class _Sink:
    """Compresses and hashes what is written to it, in chunks of one size.

    Where chunks end depends on the tar's bytes alone, so those of the gzip do, too. Long calls into
    compressor and hash also let other threads go on meanwhile.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _WBITS_GZIP)
        self._tar = hashlib.sha256()
        self._gzip = hashlib.sha256()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.tar_bytes = 0
        self.size = 0

    def write(self, chunk: bytes) -> None:
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        self.tar_bytes += len(chunk)
        if self._held_bytes >= CHUNK_BYTES:
            held = memoryview(b"".join(self._held))
            whole = len(held) - len(held) % CHUNK_BYTES
            for at in range(0, whole, CHUNK_BYTES):
                self._take(held[at : at + CHUNK_BYTES])
            self._held = [bytes(held[whole:])]
            self._held_bytes = len(held) - whole

    def _take(self, chunk: bytes | memoryview) -> None:
        self._tar.update(chunk)
        self._emit(self._compressor.compress(chunk))

    def _emit(self, chunk: bytes) -> None:
        if chunk:
            self._gzip.update(chunk)
            self._stream.write(chunk)
            self.size += len(chunk)

    def finish(self, path: Path) -> Packed:
        self._take(b"".join(self._held))
        self._emit(self._compressor.flush())
        self._stream.flush()
        return Packed(
            path=path,
            digest="sha256:" + self._gzip.hexdigest(),
            diff_id="sha256:" + self._tar.hexdigest(),
            size=self.size,
        )


def with_folders(entries: Iterable[Entry]) -> list[Entry]:
    """The entries sorted by name, with every folder above them; the same name twice counts once, the last one."""
    named = {one.name: one for one in entries}
    for name in list(named):
        while "/" in name:
            name = name.rpartition("/")[0]
            named.setdefault(name, Entry(name=name))
    return [named[name] for name in sorted(named)]


def pack(entries: Iterable[Entry], target: Path, check: Callable[[], None] = lambda: None) -> Packed:
    """Write the layer of these entries to `target`; `check` is called often and may raise to stop.

    Raises
    ------
    Unavailable
        If a file cannot be read, or the disk is full.
    Conflict
        If a file's bytes are no longer those its `sha256` names.
    """
    with disk_errors(target), target.open("wb") as stream:
        sink = _Sink(stream)
        for entry in with_folders(entries):
            check()
            _write(entry, sink)
        # POSIX: two zero blocks end an archive; GNU tar pads to records of 20 blocks, tools expect that.
        sink.write(bytes(2 * tarfile.BLOCKSIZE + -(sink.tar_bytes + 2 * tarfile.BLOCKSIZE) % tarfile.RECORDSIZE))
        return sink.finish(target)


def compress(chunks: Iterable[bytes], target: Path, check: Callable[[], None] = lambda: None) -> Packed:
    """Write a ready tar, given in chunks, as a layer to `target`."""
    with disk_errors(target), target.open("wb") as stream:
        sink = _Sink(stream)
        for chunk in chunks:
            check()
            sink.write(chunk)
        return sink.finish(target)


def _write(entry: Entry, sink: _Sink) -> None:
    if entry.link:
        sink.write(_header(entry, tarfile.SYMTYPE, 0o777, 0))
        return
    if entry.source is None:
        sink.write(_header(entry, tarfile.DIRTYPE, 0o755, 0))
        return
    hasher = hashlib.sha256() if entry.sha256 else None
    with _opened(entry.source) as (size, chunks):
        sink.write(_header(entry, tarfile.REGTYPE, 0o755 if entry.executable else 0o644, size))
        left = size
        for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                break
            if hasher is not None:
                hasher.update(chunk)
            sink.write(chunk)
        if left or (hasher is not None and hasher.hexdigest() != entry.sha256):
            raise ChangedFile(f"{entry.source!s} changed while it was packed.", "Publish again.")
    sink.write(bytes(-size % tarfile.BLOCKSIZE))


def _header(entry: Entry, kind: bytes, mode: int, size: int) -> bytes:
    """A member's header (POSIX.1-2001, pax interchange format); the same as `tarfile` makes, in a tenth of the time."""
    name = entry.name + "/" if kind == tarfile.DIRTYPE else entry.name
    if not name.isascii() or len(name) > _SHORT or entry.link or size >= _SMALL:
        info = tarfile.TarInfo(entry.name)
        info.type, info.linkname, info.mode, info.size = kind, entry.link, mode, size
        info.uid = info.gid = entry.owner
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    owner = b"%07o\0" % entry.owner
    front = name.encode().ljust(100, b"\0") + b"%07o\0" % mode + owner + owner + b"%011o\0%011o\0" % (size, 0)
    back = kind + _BACK
    # The sum counts its own field as eight blanks.
    return front + b"%06o\0 " % (sum(front) + sum(back) + 8 * 32) + back


@contextmanager
def _opened(source: Path | str | bytes) -> Iterator[tuple[int, Iterator[bytes]]]:
    if isinstance(source, bytes):
        yield len(source), iter((source,))
        return
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Unavailable(f"{source} cannot be read ({error.strerror}).", "Check that it exists.") from error
    try:
        size = os.fstat(descriptor).st_size
        # One byte more than there should be, so that a file which grew is seen.
        yield size, iter(lambda: os.read(descriptor, min(size + 1, CHUNK_BYTES)), b"")
    finally:
        os.close(descriptor)
