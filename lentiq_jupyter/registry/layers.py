"""Reads image layers (tar, plain or gzip) without trusting what they say about places.

Layers come from whoever may push to the registry. Nothing is written outside the folder asked for:
paths with ``..`` are refused, links that lead out and special files are left out. Whiteouts as in the
OCI Image specification, layer.md.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from isal import igzip, igzip_lib

from ..errors import Invalid, Unavailable

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@contextmanager
def _opened(stream: BinaryIO, media_type: str) -> Iterator[tarfile.TarFile]:
    if media_type.endswith("zstd"):
        raise Unavailable("A layer is compressed by zstd, which is not read here.", "Publish it with gzip.")
    try:
        if media_type.endswith("gzip"):
            with igzip.GzipFile(fileobj=stream) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
                yield archive
        else:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                yield archive
    except (tarfile.TarError, EOFError, igzip.BadGzipFile, igzip_lib.IsalError) as error:  # type: ignore[misc]  # its stub
        raise Invalid(
            "A layer is damaged", (f"{type(error).__name__}: {error}",), "Publish the block again."
        ) from error


def find_file(stream: BinaryIO, media_type: str, path: str) -> bytes | None:
    """The bytes of one regular file of a layer; None if it is not in it. `path` has no leading slash."""
    wanted = PurePosixPath(path)
    with _opened(stream, media_type) as archive:
        for member in archive:
            if member.isreg() and PurePosixPath(member.name.lstrip("/")) == wanted:
                content = archive.extractfile(member)
                return content.read() if content is not None else None
    return None


def files_below(stream: BinaryIO, media_type: str, top: str) -> Iterator[tuple[str, int, BinaryIO]]:
    """Path below `top`, size in bytes and content of each regular file of a layer; read it before the next one."""
    with _opened(stream, media_type) as archive:
        for member in archive:
            inner = _below(member.name, top)
            content = archive.extractfile(member) if inner is not None and member.isreg() else None
            if content is not None:
                yield str(inner), member.size, cast(BinaryIO, content)


def unpack(stream: BinaryIO, media_type: str, top: str, into: Path) -> None:
    """Write what a layer has below `top` (no leading slash) into the folder `into`, over what is there.

    Modification times are kept, since compiled Python files compare them; owners are not; set-user-id
    bits are dropped.

    Raises
    ------
    Invalid
        If the layer is damaged or names a path with ``..``; files before it are written then.
    Unavailable
        If the disk takes no more.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        root = Path(os.path.realpath(into))
        links: list[tuple[Path, str]] = []
        with _opened(stream, media_type) as archive:
            for member in archive:
                inner = _below(member.name, top)
                if inner is None:
                    continue
                if member.issym():
                    links.append((root / inner, member.linkname))
                else:
                    _write(archive, member, root, inner, top)
        # Links come last, so that no file is ever written through one of this layer.
        _link(root, links)
    except OSError as error:
        raise Unavailable(
            f"{into} cannot be written ({error.strerror}).", "Check its rights and free space."
        ) from error


def _below(name: str, top: str) -> PurePosixPath | None:
    """A member's path below `top`; None if it is elsewhere, or `top` itself."""
    path = PurePosixPath(name.lstrip("/"))
    if ".." in path.parts:
        raise Invalid("A layer has a path that leads out of it", (name[:200],), "Do not use this block.")
    try:
        inner = path.relative_to(top)
    except ValueError:
        return None
    return inner if inner.parts else None


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path, inner: PurePosixPath, top: str) -> None:
    target = root / inner
    if not _is_inside(root, target.parent):  # through a link of an earlier layer
        return
    if target.name == _OPAQUE:
        shutil.rmtree(target.parent, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        return
    if target.name.startswith(_WHITEOUT):
        _clear(target.with_name(target.name.removeprefix(_WHITEOUT)))
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.isdir():
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            target.unlink()
        target.mkdir(exist_ok=True)
        target.chmod((member.mode & 0o777) | 0o700)
    elif member.isreg():
        _clear(target)
        content = archive.extractfile(member)
        with target.open("wb") as out:
            if content is not None:
                shutil.copyfileobj(content, out, 1 << 20)
        target.chmod((member.mode & 0o777) | 0o600)
        os.utime(target, (member.mtime, member.mtime))
    elif member.islnk():
        origin = _below(member.linkname, top)
        source = root / origin if origin is not None else None
        if source is not None and source.is_file() and not source.is_symlink() and _is_inside(root, source):
            _clear(target)
            os.link(source, target)


def _link(root: Path, links: list[tuple[Path, str]]) -> None:
    made: list[Path] = []
    for place, leads_to in links:
        if _is_inside(root, place.parent) and not (place.is_dir() and not place.is_symlink()):
            place.parent.mkdir(parents=True, exist_ok=True)
            _clear(place)
            place.symlink_to(leads_to)
            made.append(place)
    # Where a link ends is known only when all are there. Taking one away may only shorten another's way.
    out = [place for place in made if not _is_inside(root, place)]
    while out:
        for place in out:
            place.unlink(missing_ok=True)
        made = [place for place in made if place not in out]
        out = [place for place in made if not _is_inside(root, place)]


def _is_inside(root: Path, path: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(root)


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
