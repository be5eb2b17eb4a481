"""Layers to folders, and folders over each other. What a layer says about places is not trusted."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from ..model import ROOT

_TOP = PurePosixPath(ROOT.lstrip("/")).parts
_PYTHON = re.compile(r"python(\d+(\.\d+)?)?")
# Marks of removal in a layer (OCI image specification, layer.md).
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK_BYTES = 1 << 20


def extract(archive: tarfile.TarFile, into: Path) -> None:
    """Write the members below ``/opt/lentiq``, marks of removal among them.

    Raises
    ------
    tarfile.FilterError
        For what would lie or point outside of `into`, and for special files.
    """
    # Folders made here, so no links: what lies right below one, by a plain name, is inside of `into`.
    made = {""}
    for member in archive:
        parts = PurePosixPath(member.name.lstrip("/")).parts
        if parts[:2] != _TOP or len(parts) == 2:
            continue
        # The base image's Python is not here; this machine's takes its place.
        if len(parts) == 5 and parts[3] == "bin" and _PYTHON.fullmatch(parts[4]):
            continue
        parent, name = "/".join(parts[2:-1]), "/".join(parts[2:])
        plain = parent in made and parts[-1] != ".."
        if plain and member.isdir() and _make_folder(f"{into}/{name}", known=name in made):
            made.add(name)
        elif plain and member.isreg() and _write_new(archive, member, f"{into}/{name}"):
            continue
        else:
            made.discard(name)
            member.name = name
            if member.islnk():
                member.linkname = str(PurePosixPath(*PurePosixPath(member.linkname.lstrip("/")).parts[2:]))
            archive.extract(member, into, filter="data")


def compose(layers: list[Path], into: Path) -> None:
    """One folder of several layers, the later over the earlier.

    What one layer alone has becomes a link to it; what several share is merged from hard links.
    """
    owners: dict[str, list[Path]] = {}
    for layer in layers:
        for name in sorted(os.listdir(layer)):
            if name == _OPAQUE:
                owners.clear()
            elif name.startswith(_WHITEOUT):
                owners.pop(name.removeprefix(_WHITEOUT), None)
        for name in sorted(os.listdir(layer)):
            if not name.startswith(_WHITEOUT):
                owners.setdefault(name, []).append(layer)
    for name, found in owners.items():
        if len(found) == 1:
            (into / name).symlink_to(os.path.relpath(found[0] / name, into))
        else:
            for layer in found:
                _merge(f"{layer}/{name}", f"{into}/{name}", folder=_is_folder(f"{layer}/{name}"))


def _make_folder(path: str, *, known: bool) -> bool:
    """Make a folder as the filter of `tarfile` would; False if something else is there."""
    try:
        os.mkdir(path, 0o755)
    except FileExistsError:
        return known
    return True


def _write_new(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> bool:
    """Write a regular file as the filter of `tarfile` would; False if something is there."""
    try:
        descriptor = os.open(path, _NEW, 0o600)
    except FileExistsError:
        return False
    # Buffered: a raw file may take a part of what it is given, as a disk that is nearly full does, without an error.
    with open(descriptor, "wb") as out:
        content = archive.extractfile(member)
        if content is not None:
            shutil.copyfileobj(content, out, _CHUNK_BYTES)
        # Before the time is set: a later write would change it.
        out.flush()
        os.fchmod(descriptor, 0o755 & member.mode | 0o600 if member.mode & 0o100 else 0o644 & member.mode | 0o600)
        os.utime(descriptor, (member.mtime, member.mtime))
    return True


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _merge(source: str, target: str, *, folder: bool) -> None:
    if not folder:
        try:
            os.link(source, target, follow_symlinks=False)
        except FileExistsError:
            _remove(target)
            os.link(source, target, follow_symlinks=False)
        return
    try:
        os.mkdir(target)
    except FileExistsError:
        if not _is_folder(target):
            os.unlink(target)
            os.mkdir(target)
    with os.scandir(source) as found:
        inside = sorted((one.name, one.is_dir(follow_symlinks=False)) for one in found)
    if any(name == _OPAQUE for name, _ in inside):
        for old in os.listdir(target):
            _remove(f"{target}/{old}")
    for name, _ in inside:
        if name.startswith(_WHITEOUT) and name != _OPAQUE:
            _remove(f"{target}/{name.removeprefix(_WHITEOUT)}")
    for name, below in inside:
        if not name.startswith(_WHITEOUT):
            _merge(f"{source}/{name}", f"{target}/{name}", folder=below)


def _remove(path: str) -> None:
    if _is_folder(path):
        shutil.rmtree(path)
    else:
        Path(path).unlink(missing_ok=True)
