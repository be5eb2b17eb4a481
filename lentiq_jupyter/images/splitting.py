"""An installed environment as members of layers: which file is whose, by the lists of files (PEP 376, PEP 627)."""

from __future__ import annotations

import base64
import binascii
import csv
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

from ..model import record
from .packing import Entry

_ORIGIN = "direct_url.json"
# uv's own, about the state of its cache: with times.
_NOTES = ("uv_cache.json", "uv_build.json")
_INFO = ".dist-info"


@record
class Venv:
    """An environment on this host. `own` are paths in it, relative, that are there without any package."""

    folder: Path
    own: frozenset[str]
    python: str

    @property
    def site(self) -> str:
        """Where packages lie, relative to the folder."""
        return f"lib/python{self.python}/site-packages"


@record
class Wheel:
    """One installed distribution: its files and links in `venv` by path, with their SHA-256 where it is listed.

    `infos` are the folders of its notes.
    """

    venv: Venv
    infos: tuple[str, ...]
    files: Mapping[str, str]

    def unpacked(self) -> int:
        """Bytes of its files."""
        return sum(os.lstat(f"{self.venv.folder}/{path}").st_size for path in self.files)


def inside(folder: Path) -> Iterator[str]:
    """Every file and link below a folder, relative to it; compiled files are left out."""
    todo = [""]
    while todo:
        at = todo.pop()
        with os.scandir(folder / at) as found:
            for one in found:
                path = f"{at}/{one.name}" if at else one.name
                if not one.is_dir(follow_symlinks=False):
                    yield path
                elif one.name != "__pycache__":
                    todo.append(path)


def split(venv: Venv, names: Iterable[str]) -> tuple[dict[str, Wheel], set[str]]:
    """Each distribution's files, and the names of those for which that cannot be told here.

    Those have a file that another has, too, or no list at all. If there are files that nobody lists, it
    can be told for none.
    """
    listed = {_name(info): (info, _listed(venv, info)) for info in _infos(venv)}
    owners: dict[str, str] = {}
    unclear = {name for name in names if name not in listed}
    for name, (_, files) in listed.items():
        for path in files:
            other = owners.setdefault(path, name)
            if other != name:
                unclear |= {name, other}
    present = set(inside(venv.folder)) - venv.own
    if not present <= owners.keys():
        return {}, set(names)
    wheels = {
        name: Wheel(venv=venv, infos=(info,), files={path: files[path] for path in files if path in present})
        for name, (info, files) in listed.items()
        if name not in unclear
    }
    return wheels, unclear


def whole(venv: Venv) -> Wheel:
    """All that was installed into an environment, as one distribution's; its bytes are what they are."""
    files = dict.fromkeys(set(inside(venv.folder)) - venv.own, "")
    return Wheel(venv=venv, infos=tuple(_infos(venv)), files=files)


def members(wheel: Wheel, prefix: str) -> list[Entry]:
    """A distribution as members of a layer, below `prefix` (no leading slash).

    Left out are notes about this host.
    """
    venv = wheel.venv
    left_out = {f"{info}/{name}" for info in wheel.infos for name in _NOTES}
    left_out |= {f"{info}/{_ORIGIN}" for info in wheel.infos if _is_local(venv, info)}
    records = {f"{info}/RECORD" for info in wheel.infos}
    entries = []
    for path, digest in wheel.files.items():
        if path in left_out:
            continue
        source = f"{venv.folder}/{path}"
        mode = os.lstat(source).st_mode
        name = f"{prefix}/{path}"
        if stat.S_ISLNK(mode):
            entries.append(Entry(name=name, link=os.readlink(source)))
        elif path in records:
            entries.append(Entry(name=name, source=_record(venv, path, left_out)))
        else:
            entries.append(Entry(name=name, source=source, executable=bool(mode & 0o111), sha256=digest))
    return entries


def _infos(venv: Venv) -> list[str]:
    with os.scandir(venv.folder / venv.site) as found:
        return sorted(f"{venv.site}/{one.name}" for one in found if one.name.endswith(_INFO))


def _name(info: str) -> str:
    return canonicalize_name(info.rpartition("/")[2].partition("-")[0])


def _listed(venv: Venv, info: str) -> dict[str, str]:
    """Paths and SHA-256 in hexadecimal, or "", of the files in a distribution's list."""
    try:
        with open(venv.folder / info / "RECORD", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except FileNotFoundError:
        return {}
    return {
        os.path.normpath(f"{venv.site}/{row[0]}") if ".." in row[0] else f"{venv.site}/{row[0]}": _hex(*row[1:2])
        for row in rows
    }


def _hex(written: str = "") -> str:
    """A hash as lists have it (``sha256=`` and base64 without padding) in hexadecimal; "" for others."""
    algorithm, _, text = written.partition("=")
    if algorithm != "sha256":
        return ""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    except (binascii.Error, ValueError):
        return ""


def _is_local(venv: Venv, info: str) -> bool:
    """Whether a note names a folder of this host as the package's origin (PEP 610)."""
    try:
        url = json.loads((venv.folder / info / _ORIGIN).read_bytes()).get("url", "")
    except (OSError, ValueError, AttributeError):
        return False
    return str(url).startswith("file:")


def _record(venv: Venv, path: str, left_out: set[str]) -> bytes:
    """The list of installed files, sorted, without those that the layer leaves out."""
    gone = {os.path.relpath(one, venv.site) for one in left_out}
    lines = (venv.folder / path).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    kept = sorted(line for line in lines if line.split(",")[0] not in gone and "__pycache__/" not in line)
    return ("\n".join(kept) + "\n").encode("utf-8", "surrogateescape")
