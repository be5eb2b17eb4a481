"""A full disk, wherever and whenever in a publish, is one clear sentence and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest_road import Road
from publish_watch import left_behind, no_processes_are_left, road_of, small_notebook, whole_versions

pytestmark = [pytest.mark.network, pytest.mark.slow]

NAME = "full"
DISK = "400m"
# What of a failed publish may stay: answers of interpreter and package index, emptied folders.
CRUMBS = 400_000
KB, MB = 1000, 1_000_000


@pytest.fixture
def disk(short_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = short_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a tmpfs")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


@contextmanager
def filled(disk: Path, left: int) -> Iterator[None]:
    """The disk with so many bytes free, for the time of the block."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free(disk) - left)
    try:
        yield
    finally:
        filler.unlink()


def refused(road: Road, place: Path, notebook: Path, *words: str) -> None:
    """Publish in vain, with a sentence that names the place and what to do."""
    done = road.lentiq("publish", str(notebook), "--name", NAME, *words, code=10)
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("lentiq: The disk "), done.stderr
    assert f"{place}" in said, said
    assert " full" in said
    assert "Free some space" in said
    assert 'File "' not in done.stderr


def try_all(road: Road, disk: Path, place: Path, lefts: list[int], *words: str, kept: int = CRUMBS) -> None:
    """Publish with so many bytes free, one after the other; in the end, with room, it succeeds.

    `kept` bytes may stay on the disk: what was whole and makes the next publish quicker.
    """
    for number, left in enumerate(lefts):
        with filled(disk, left):
            before = free(disk)
            refused(road, place, small_notebook(disk.parent, f"no-{number}"), *words)
            assert free(disk) >= before - kept, left
            assert left_behind(road) == [], left
            assert whole_versions(road, NAME) == {}
            no_processes_are_left(road)
    road.lentiq("publish", str(small_notebook(disk.parent, "yes")), "--name", NAME, *words)
    assert list(whole_versions(road, NAME)) == ["1"]
    road.close()


def linked(road: Road, disk: Path, name: str) -> None:
    """Let a folder of the home lie on the disk."""
    road.home.mkdir()
    (disk / name).mkdir()
    (road.home / name).symlink_to(disk / name)


def test_home_on_a_full_disk(disk: Path) -> None:
    road = road_of(disk)
    road.environment["TMPDIR"] = str(disk.parent)
    # While folders are made; while uv installs the first and the second environment; packs; and the registry is filled.
    lefts = [0, 40 * KB, 400 * KB, 8 * MB, 45 * MB, 60 * MB, 76 * MB]
    try_all(road, disk, road.home, lefts, "--no-verify", kept=25 * MB)


def test_cache_on_a_full_disk(disk: Path, short_path: Path) -> None:
    road = road_of(short_path)
    linked(road, disk, "cache")
    try_all(road, disk, road.home / "cache", [0, 40 * KB, 20 * MB], "--no-verify", kept=25 * MB)


def test_registry_folder_on_a_full_disk(disk: Path, short_path: Path) -> None:
    road = road_of(short_path, str(disk / "registry"))
    # Before the first blob; among the small ones; among the large ones: nothing of them stays.
    try_all(road, disk, disk / "registry", [0, 200 * KB, 3 * MB, 15 * MB], "--no-verify")


def test_index_of_a_registry_folder_on_a_full_disk(disk: Path, short_path: Path) -> None:
    road = road_of(short_path, str(disk / "registry"))
    first, second = small_notebook(short_path, "first"), small_notebook(short_path, "second")
    road.lentiq("publish", str(first), "--name", NAME, "--no-verify")
    outcomes = set()
    # A second version needs some pages: its few blobs, then its manifest, then the index.
    for pages in range(0, 40, 4):
        before = whole_versions(road, NAME)
        with filled(disk, pages * 4096):
            done = subprocess.run(
                [sys.executable, "-m", "lentiq_jupyter.cli", "publish", str(second), "--name", NAME, "--no-verify"],
                env=road.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            after = whole_versions(road, NAME)
        said = done.stderr.strip().splitlines()[-1]
        outcomes.add(done.returncode)
        if done.returncode == 0:
            assert len(after) == len(before) + 1
            second = small_notebook(short_path, f"second-{pages}")
        else:
            assert done.returncode == 10, done.stderr
            assert str(disk / "registry") in said
            assert " full" in said
            # The version may stand where only what comes after it found no room.
            assert before.items() <= after.items()
        assert left_behind(road) == []
    assert outcomes == {0, 10}
    road.close()


def test_unpacking_for_the_proof_on_a_full_disk(disk: Path, short_path: Path) -> None:
    road = road_of(short_path)
    linked(road, disk, "process")
    try_all(road, disk, road.home / "process", [0, 100 * KB, 40 * MB], kept=45 * MB)


def test_folder_for_temporary_files_on_a_full_disk_does_no_harm(disk: Path, short_path: Path) -> None:
    road = road_of(short_path)
    road.environment["TMPDIR"] = str(disk)
    with filled(disk, 0):
        # Another folder for temporary files is taken by itself.
        road.lentiq("publish", str(small_notebook(short_path, "one")), "--name", NAME)
    assert list(whole_versions(road, NAME)) == ["1"]
    assert list(disk.iterdir()) == []
    road.close()


@pytest.mark.parametrize("left", [0, 20 * KB, 60 * KB])
def test_database_on_a_full_disk(disk: Path, left: int) -> None:
    road = road_of(disk)
    with filled(disk, left):
        done = road.lentiq("project", "create", "p", "--cpu", "1", "--memory", "1Gi", code=10)
        assert done.stderr.startswith("lentiq: ")
        assert " full" in done.stderr
        assert str(disk) in done.stderr
        assert len(done.stderr.splitlines()) == 1
    road.lentiq("project", "create", "p", "--cpu", "1", "--memory", "1Gi")
    road.close()
