"""Blocks as folders: an image's own layers unpacked once, and made to run with this machine's Python."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from isal import igzip, igzip_lib

from ..errors import Invalid, LentiqError, Unavailable
from ..interfaces import Registry
from ..model import LABEL_BASE_LAYERS, ROOT, Block, Descriptor

_TOP = ROOT.lstrip("/")
_WHITEOUT = ".wh."


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
        Unavailable
            If registry or disk do not answer.
        """
        image = self._folder / "images" / block.image_id.replace(":", "-")
        if image.is_dir():
            return image
        with _errors(self._folder), self._locked():
            if image.is_dir():
                return image
            layers = [self._layer(block, layer) for layer in self._own_layers(block)]
            python = self._interpreter(block.spec.python)
            with _building(image) as partial:
                _compose(layers, partial)
                for name in ("env", "runner"):
                    _use_python(partial / name, python, block.spec.python)
        return image

    def _own_layers(self, block: Block) -> list[Descriptor]:
        """The layers above the base image's."""
        repository, _, digest = block.image.partition("@")
        _, body = self._registry.get_manifest(repository, digest)
        manifest = json.loads(body)
        with self._registry.open_blob(repository, manifest["config"]["digest"]) as stream:
            labels = json.loads(stream.read()).get("config", {}).get("Labels") or {}
        base = int(labels.get(LABEL_BASE_LAYERS, 0))
        return [
            Descriptor(media_type=one["mediaType"], digest=one["digest"], size=one["size"])
            for one in manifest["layers"][base:]
        ]

    def _layer(self, block: Block, layer: Descriptor) -> Path:
        folder = self._folder / "layers" / layer.digest.replace(":", "-")
        if folder.is_dir():
            return folder
        with (
            _building(folder) as partial,
            self._registry.open_blob(block.image.partition("@")[0], layer.digest) as stream,
        ):
            try:
                with igzip.GzipFile(fileobj=stream) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
                    _extract(archive, partial)
            except (tarfile.TarError, EOFError, igzip.BadGzipFile, igzip_lib.IsalError) as error:  # type: ignore[misc]
                raise Invalid(f"A layer of {block.reference} is damaged", (str(error),), "Publish it again.") from error
        return folder

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


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


def _extract(archive: tarfile.TarFile, into: Path) -> None:
    """Write the members below ``/opt/lentiq``. Links out and special files are refused by tarfile's own filter."""
    for member in archive:
        parts = PurePosixPath(member.name.lstrip("/")).parts
        inner = (
            PurePosixPath(*parts[2:]) if PurePosixPath(*parts[:2]) == PurePosixPath(_TOP) and len(parts) > 2 else None
        )
        # The base image's Python is not here; this machine's takes its place afterwards.
        if inner is None or inner.name.startswith(_WHITEOUT) or _is_python(inner):
            continue
        member.name = str(inner)
        if member.islnk():
            target = PurePosixPath(member.linkname.lstrip("/"))
            member.linkname = str(PurePosixPath(*target.parts[2:]))
        archive.extract(member, into, filter="data")


def _is_python(path: PurePosixPath) -> bool:
    return len(path.parts) == 3 and path.parts[1] == "bin" and path.name.startswith("python")


def _compose(layers: list[Path], into: Path) -> None:
    """One folder of several layers; hard links, so that nothing is stored twice."""
    for layer in layers:
        shutil.copytree(layer, into, symlinks=True, dirs_exist_ok=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    if os.path.lexists(target):
        os.unlink(target)
    os.link(source, target, follow_symlinks=False)


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
    # Never through the hard link: the layer itself stays as it was.
    config.unlink(missing_ok=True)
    config.write_text(text, encoding="utf-8")
