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


@record
class Entry:
    """One member of a layer.

    `name` is relative to the image's root, without a leading slash. `source` is the host file or the
    bytes of a file; None makes a folder of it, unless `link` says where a symbolic link points.
    `owner` is user and group. `sha256`, where given, is what the file's bytes must still be.
    """

    name: str
    source: Path | bytes | None = None
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


class _Sink:
    """Compresses and hashes what is written to it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _WBITS_GZIP)
        self._tar = hashlib.sha256()
        self._gzip = hashlib.sha256()
        self.tar_bytes = 0
        self.size = 0

    def write(self, chunk: bytes) -> None:
        self._tar.update(chunk)
        self.tar_bytes += len(chunk)
        self._emit(self._compressor.compress(chunk))

    def _emit(self, chunk: bytes) -> None:
        if chunk:
            self._gzip.update(chunk)
            self._stream.write(chunk)
            self.size += len(chunk)

    def finish(self, path: Path) -> Packed:
        self._emit(self._compressor.flush())
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
    info = tarfile.TarInfo(entry.name)
    info.uid = info.gid = entry.owner
    info.mtime = 0
    if entry.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        sink.write(_header(info))
        return
    if entry.source is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        sink.write(_header(info))
        return
    info.mode = 0o755 if entry.executable else 0o644
    with _opened(entry.source) as (size, chunks):
        info.size = size
        sink.write(_header(info))
        hasher = hashlib.sha256()
        left = size
        for chunk in chunks:
            left -= len(chunk)
            hasher.update(chunk)
            if left < 0:
                break
            sink.write(chunk)
        if left or (entry.sha256 and hasher.hexdigest() != entry.sha256):
            raise Conflict(f"{entry.source!s} changed while it was packed.", "Publish again.")
    sink.write(bytes(-size % tarfile.BLOCKSIZE))


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


@contextmanager
def _opened(source: Path | bytes) -> Iterator[tuple[int, Iterator[bytes]]]:
    if isinstance(source, bytes):
        yield len(source), (source[at : at + CHUNK_BYTES] for at in range(0, len(source), CHUNK_BYTES))
        return
    try:
        stream = source.open("rb")
    except OSError as error:
        raise Unavailable(f"{source} cannot be read ({error.strerror}).", "Check that it exists.") from error
    with stream:
        yield os.fstat(stream.fileno()).st_size, iter(lambda: stream.read(CHUNK_BYTES), b"")
