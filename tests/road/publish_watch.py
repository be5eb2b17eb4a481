"""What must hold of a registry, a home and this machine whatever happened to a publish."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest_road import Road, wait_for, write_notebook

from lentiq_jupyter.model import Block
from lentiq_jupyter.workspace import Workspace, load_settings

_READ: set[tuple[str, str]] = set()
WORK = ("lentiq-build-*", ".incoming-*", ".partial-*", ".gone-*")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose name leaves room for the sockets of kernels, of which the system allows 107 characters."""
    with tempfile.TemporaryDirectory(prefix="lk", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def small_notebook(folder: Path, mark: str, slow: bool = False) -> Path:
    """A notebook of two small packages; `mark` makes it one of its own."""
    cells = [("parameters", "x: int = 1"), (None, f"import six, packaging\nprint({mark!r}, six.__version__, x)")]
    if slow:
        cells.append((None, "import subprocess, time\nsubprocess.Popen(['sleep', '30'])\ntime.sleep(1)"))
    return write_notebook(folder / f"{mark}.ipynb", cells)  # type: ignore[arg-type]


def road_of(folder: Path, registry: str = "", base: str = "") -> Road:
    """A home with a folder for temporary files of its own."""
    road = Road(folder / "home", "process", registry, base)
    (folder / "temporary").mkdir(exist_ok=True)
    road.environment["TMPDIR"] = str(folder / "temporary")
    return road


def fresh(road: Road) -> Workspace:
    """The home as another process sees it, without what this one remembers."""
    words = {name.removeprefix("LENTIQ_").lower(): road.environment[name] or None for name in
             ("LENTIQ_REGISTRY", "LENTIQ_BASE")}  # fmt: skip
    return Workspace(load_settings(home=str(road.home), executor="process", **words))


def whole_versions(road: Road, name: str) -> dict[str, Block]:
    """All versions of a block; each must be whole to its last byte, and be what its tag names."""
    office = fresh(road)
    try:
        found = {}
        for tag in office.registry.tags(name):
            if tag.isdigit():
                found[tag] = office.block(f"{name}@{tag}")
                check_whole(office, found[tag])
        if found:
            assert [one.version for one in office.block_versions(name)] == sorted(found, key=int, reverse=True)
        return found
    finally:
        office.close()


def check_whole(office: Workspace, block: Block) -> None:
    """Manifest, configuration and every layer of the block are there with the right digests.

    A layer whose bytes were read before in this process need only be there.
    """
    repository, _, digest = block.image.partition("@")
    described, body = office.registry.get_manifest(repository, digest)
    assert described.digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
    document = json.loads(body)
    for one in (document["config"], *document["layers"]):
        if (office.registry.location, one["digest"]) in _READ:
            assert office.registry.has_blob(repository, one["digest"])
            continue
        with office.registry.open_blob(repository, one["digest"]) as stream:
            read = hashlib.file_digest(stream, "sha256")  # type: ignore[arg-type]
        assert f"sha256:{read.hexdigest()}" == one["digest"]
        _READ.add((office.registry.location, one["digest"]))
    with office.registry.open_blob(repository, document["config"]["digest"]) as stream:
        assert json.loads(stream.read())["rootfs"]["type"] == "layers"


def processes_of(road: Road) -> list[str]:
    """Command lines of living processes whose environment or command names the home."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        place = Path("/proc", pid)
        try:
            words = place.joinpath("cmdline").read_bytes()
            state = place.joinpath("stat").read_bytes().rpartition(b")")[2].split()[0]
            known = os.fsencode(road.home.parent)
            if state != b"Z" and int(pid) != os.getpid() and known in place.joinpath("environ").read_bytes() + words:
                found.append(words.replace(b"\0", b" ").decode(errors="replace")[:200])
        except OSError:  # it ended between two looks
            continue
    return found


def no_processes_are_left(road: Road) -> None:
    """Whatever the killed publish had started ends by itself."""
    wait_for("end of the publish's children", lambda: not processes_of(road), 20)


def left_behind(road: Road) -> list[str]:
    """Work that nobody will finish: in the home, in a layout folder, among temporary files."""
    places = [path for pattern in WORK for path in road.home.rglob(pattern)]
    places += [one for one in (road.home.parent / "temporary").iterdir() if one.name.startswith("lentiq-")]
    jobs = road.home / "process" / "jobs"
    places += list(jobs.iterdir()) if jobs.is_dir() else []
    return sorted(str(one.relative_to(road.home.parent)) for one in places)
