"""Blocks as folders: an image's own layers unpacked once, and made to run with this machine's Python.

``layers/<digest>`` holds what a layer puts below ``/opt/lentiq``; ``images/<digest>`` is that folder of one
image: links to the layers, so that a block published again costs its changed layer only.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from isal import igzip, igzip_lib

from ..errors import Invalid, LentiqError, Unavailable
from ..interfaces import Registry
from ..model import LABEL_BASE_LAYERS, ROOT, Block, Descriptor

_TOP = PurePosixPath(ROOT.lstrip("/")).parts
_ENVIRONMENTS = ("env", "runner")
_PYTHON = re.compile(r"python(\d+(\.\d+)?)?")
_GZIP = b"\x1f\x8b"
# Marks of removal in a layer (OCI image specification, layer.md).
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


class UnpackedImages:
    """A cache of unpacked images, by digest; several processes may use one folder.

    Parameters
    ----------
    interpreter : callable from ``X.Y`` to a Python of this machine
        Raises a LentiqError if there is none.
    """

    def __init__(self, folder: Path, registry: Registry, interpreter: Callable[[str], Path]) -> None:
        self._folder = folder
        self._registry = registry
        self._interpreter = interpreter

    def root(self, block: Block) -> Path:
        """The folder that is ``/opt/lentiq`` of that block; unpacked now if it was not.

        Raises
        ------
        NotFound
            If the image is gone.
        Invalid
            If a layer is damaged, or would write outside its folder.
        Unavailable
            If registry or disk do not answer, or this machine has no such Python.
        """
        image = self._folder / "images" / block.image_id.replace(":", "-")
        if _runs(image):
            return image
        with _errors(self._folder), self._locked():
            if not image.is_dir():
                layers = [self._layer(block, layer) for layer in self._own_layers(block)]
                with _building(image) as partial:
                    compose(layers, partial)
            if not _runs(image):
                # New here, or the Python it was made to run with is gone.
                python = self._interpreter(block.spec.python)
                for name in _ENVIRONMENTS:
                    _use_python(image / name, python, block.spec.python)
        return image

    def _own_layers(self, block: Block) -> list[Descriptor]:
        """The layers above the base image's."""
        repository, _, digest = block.image.partition("@")
        _, body = self._registry.get_manifest(repository, digest)
        manifest = json.loads(body)
        with self._registry.open_blob(repository, manifest["config"]["digest"]) as stream:
            labels = json.loads(stream.read()).get("config", {}).get("Labels") or {}
        # An incomplete image has none of its base's layers, whatever the label counts.
        base = int(labels.get(LABEL_BASE_LAYERS, 0)) if block.complete else 0
        return [
            Descriptor(media_type=one["mediaType"], digest=one["digest"], size=one["size"])
            for one in manifest["layers"][base:]
        ]

    def _layer(self, block: Block, layer: Descriptor) -> Path:
        folder = self._folder / "layers" / layer.digest.replace(":", "-")
        if folder.is_dir():
            return folder
        repository = block.image.partition("@")[0]
        with _building(folder) as partial, self._registry.open_blob(repository, layer.digest) as stream:
            hashed = _Hashed(stream)
            source = io.BufferedReader(hashed, 1 << 18)
            try:
                with _plain(source) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
                    extract(archive, partial)
                # What follows the archive's end belongs to the digest too.
                while source.read(1 << 18):
                    pass
            except (tarfile.TarError, EOFError, igzip.BadGzipFile, igzip_lib.IsalError) as error:  # type: ignore[misc]
                raise Invalid(f"A layer of {block.reference} is damaged", (str(error),), "Publish it again.") from error
            if hashed.digest() != layer.digest:
                raise Invalid(f"A layer of {block.reference} is damaged", ("wrong digest",), "Publish it again.")
        return folder

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def extract(archive: tarfile.TarFile, into: Path) -> None:
    """Write the members below ``/opt/lentiq``, marks of removal among them.

    Raises
    ------
    tarfile.FilterError
        For what would lie or point outside of `into`, and for special files.
    """
    for member in archive:
        parts = PurePosixPath(member.name.lstrip("/")).parts
        if parts[:2] != _TOP or len(parts) == 2:
            continue
        # The base image's Python is not here; this machine's takes its place.
        if len(parts) == 5 and parts[3] == "bin" and _PYTHON.fullmatch(parts[4]):
            continue
        member.name = str(PurePosixPath(*parts[2:]))
        if member.islnk():
            member.linkname = str(PurePosixPath(*PurePosixPath(member.linkname.lstrip("/")).parts[2:]))
        archive.extract(member, into, filter="data")


def compose(layers: list[Path], into: Path) -> None:
    """One folder of several layers, the later over the earlier.

    What one layer alone has becomes a link to it; what several share is merged from hard links.
    """
    owners: dict[str, list[Path]] = {}
    for layer in layers:
        for one in sorted(layer.iterdir()):
            if one.name == _OPAQUE:
                owners.clear()
            elif one.name.startswith(_WHITEOUT):
                owners.pop(one.name.removeprefix(_WHITEOUT), None)
        for one in sorted(layer.iterdir()):
            if not one.name.startswith(_WHITEOUT):
                owners.setdefault(one.name, []).append(layer)
    for name, found in owners.items():
        if len(found) == 1:
            (into / name).symlink_to(os.path.relpath(found[0] / name, into))
        else:
            for layer in found:
                _merge(layer / name, into / name)


def _merge(source: Path, target: Path) -> None:
    if source.is_symlink() or not source.is_dir():
        _remove(target)
        os.link(source, target, follow_symlinks=False)
        return
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        target.unlink()
    target.mkdir(exist_ok=True)
    inside = sorted(source.iterdir())
    if any(one.name == _OPAQUE for one in inside):
        for old in target.iterdir():
            _remove(old)
    for one in inside:
        if one.name.startswith(_WHITEOUT) and one.name != _OPAQUE:
            _remove(target / one.name.removeprefix(_WHITEOUT))
    for one in inside:
        if not one.name.startswith(_WHITEOUT):
            _merge(one, target / one.name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _runs(image: Path) -> bool:
    return all((image / name / "bin" / "python").exists() for name in _ENVIRONMENTS)


def _use_python(environment: Path, python: Path, version: str) -> None:
    """Let a virtual environment use the interpreter `python` of this machine."""
    base = python.resolve()
    for name in ("python", "python3", f"python{version}"):
        link = environment / "bin" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(base)
    config = environment / "pyvenv.cfg"
    text = f"home = {base.parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    # Never through a hard link that another image shares.
    config.unlink(missing_ok=True)
    config.write_text(text, encoding="utf-8")


class _Hashed(io.RawIOBase):
    """A stream that knows the digest of what was read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._stream.read(len(buffer))
        self._hash.update(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


@contextmanager
def _plain(source: io.BufferedReader[_Hashed]) -> Iterator[BinaryIO]:
    """The tar inside a layer, compressed with gzip or not; `source` stays open."""
    if source.peek(2)[:2] != _GZIP:
        yield cast(BinaryIO, source)
        return
    with igzip.GzipFile(fileobj=source) as plain:
        yield cast(BinaryIO, plain)


@contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that takes its name once it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    partial.chmod(0o755)
    try:
        yield partial
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except LentiqError:
        raise
    except OSError as error:
        raise Unavailable(
            f"A block cannot be unpacked in {folder}: {error}.", "Free space, or set LENTIQ_HOME."
        ) from error
