"""Blocks as folders: an image's own layers unpacked once, and made to run with this machine's Python.

``layers/<digest>`` holds what a layer puts below ``/opt/lentiq``; ``images/<digest>`` is that folder of one
image: links to the layers, so that a block published again costs its changed layer only.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from isal import igzip, igzip_lib

from ..errors import Invalid, LentiqError, Unavailable
from ..interfaces import Registry
from ..model import LABEL_BASE_LAYERS, Block, Descriptor
from ..scratch import hold_shared, scratch_folder
from .layering import compose, extract

# Inside the cache, and in an image's folder: where it comes from.
IMAGES, LAYERS, PARTIAL, LOCK = "images", "layers", ".partial-", "lock"
ORIGIN = ".origin.json"
_ENVIRONMENTS = ("env", "runner")
_GZIP = b"\x1f\x8b"


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
        image = self._folder / IMAGES / block.image_id.replace(":", "-")
        if _runs(image):
            return image
        with _errors(self._folder), self._locked():
            if not image.is_dir():
                layers = self._layers(block)
                with _building(image) as partial:
                    compose(layers, partial)
                    origin = {"registry": self._registry.location, "layers": [one.name for one in layers]}
                    (partial / ORIGIN).write_text(json.dumps(origin), encoding="utf-8")
            if not _runs(image):
                # New here, or the Python it was made to run with is gone.
                python = self._interpreter(block.spec.python)
                for name in _ENVIRONMENTS:
                    _use_python(image / name, python, block.spec.python)
        return image

    @contextmanager
    def held(self, block: Block) -> Iterator[tuple[Path, int]]:
        """What `root` gives, and a descriptor: while it or a copy of it is open, the folder is not cleared away."""
        with ExitStack() as stack:
            descriptor = None
            while descriptor is None:
                image = self.root(block)
                with _errors(self._folder), suppress(FileNotFoundError):
                    descriptor = stack.enter_context(hold_shared(image))
            with suppress(OSError):
                os.utime(image)
            yield image, descriptor

    def places(self, root: Path) -> list[str]:
        """All real folders that a block's files lie in, its interpreters' among them."""
        inside = [root / name for name in os.listdir(root)]
        linked = [os.path.realpath(one) for one in inside if one.is_symlink()]
        pythons = {os.path.realpath(root / name / "bin" / "python") for name in _ENVIRONMENTS}
        return [os.path.realpath(root), *linked, *sorted(str(Path(one).parents[1]) for one in pythons)]

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

    def _layers(self, block: Block) -> list[Path]:
        """The folders of the image's own layers; those that are not here are unpacked at the same time."""
        wanted = self._own_layers(block)
        pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="lentiq-unpack")
        try:
            return list(pool.map(lambda layer: self._layer(block, layer), wanted))
        finally:
            pool.shutdown(cancel_futures=True)

    def _layer(self, block: Block, layer: Descriptor) -> Path:
        folder = self._folder / LAYERS / layer.digest.replace(":", "-")
        if folder.is_dir():
            with suppress(OSError):
                os.utime(folder)
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
        with (self._folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


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
    with scratch_folder(PARTIAL, folder.parent) as partial:
        partial.chmod(0o755)
        yield partial
        partial.rename(folder)


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except LentiqError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "Free some space, with lentiq prune for one, and try again."
            raise Unavailable(f"The disk that holds {folder} is full; a block is unpacked there.", hint) from error
        raise Unavailable(
            f"A block cannot be unpacked in {folder}: {error}.", "Make it writable for you, or set LENTIQ_HOME."
        ) from error
