"""Files to layers: the same bytes for the same entries."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from lentiq_jupyter.errors import Cancelled, Conflict, Unavailable
from lentiq_jupyter.images.packing import Entry, compress, pack
from lentiq_jupyter.model import Reporter


def entries(folder: Path, mtime: int) -> list[Entry]:
    folder.mkdir()
    (folder / "x").write_bytes(b"program")
    os.utime(folder / "x", (mtime, mtime))
    return [
        Entry(name="opt/bin/x", source=folder / "x", executable=True),
        Entry(name="opt/text", source=b"text"),
        Entry(name="opt/link", link="bin/x"),
        Entry(name="results", owner=1000),
        Entry(name="opt/" + "n" * 200 + "/é.txt", source=b""),
    ]


def test_layer_lists_members_sorted_with_their_folders(tmp_path: Path) -> None:
    packed = pack(entries(tmp_path / "a", 5), tmp_path / "layer")
    with tarfile.open(packed.path) as archive:
        found = [(one.name, one.type, one.mode, one.uid, one.gid, one.mtime, one.linkname) for one in archive]
    folder, file, link = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.SYMTYPE
    assert found == [
        ("opt", folder, 0o755, 0, 0, 0, ""),
        ("opt/bin", folder, 0o755, 0, 0, 0, ""),
        ("opt/bin/x", file, 0o755, 0, 0, 0, ""),
        ("opt/link", link, 0o777, 0, 0, 0, "bin/x"),
        ("opt/" + "n" * 200, folder, 0o755, 0, 0, 0, ""),
        ("opt/" + "n" * 200 + "/é.txt", file, 0o644, 0, 0, 0, ""),
        ("opt/text", file, 0o644, 0, 0, 0, ""),
        ("results", folder, 0o755, 1000, 1000, 0, ""),
    ]


def test_same_entries_give_the_same_bytes(tmp_path: Path) -> None:
    one = pack(entries(tmp_path / "a", 5), tmp_path / "one")
    two = pack(reversed(entries(tmp_path / "b", 99)), tmp_path / "two")
    assert one.path.read_bytes() == two.path.read_bytes()


def test_digests_are_those_of_the_gzip_and_of_the_tar_inside(tmp_path: Path) -> None:
    packed = pack(entries(tmp_path / "a", 5), tmp_path / "layer")
    body = packed.path.read_bytes()
    assert (packed.digest, packed.size) == ("sha256:" + hashlib.sha256(body).hexdigest(), len(body))
    assert packed.diff_id == "sha256:" + hashlib.sha256(gzip.decompress(body)).hexdigest()


def test_ready_tar_keeps_its_digest(tmp_path: Path) -> None:
    packed = compress([b"a" * 1000, b"b"], tmp_path / "layer")
    assert packed.diff_id == "sha256:" + hashlib.sha256(b"a" * 1000 + b"b").hexdigest()


def test_file_that_changed_since_it_was_hashed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"new")
    entry = Entry(name="x", source=tmp_path / "x", sha256=hashlib.sha256(b"old").hexdigest())
    with pytest.raises(Conflict, match="changed while it was packed"):
        pack([entry], tmp_path / "layer")


def test_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="gone cannot be read"):
        pack([Entry(name="x", source=tmp_path / "gone")], tmp_path / "layer")


def test_full_disk_is_said_so() -> None:
    with pytest.raises(Unavailable, match="disk that holds /dev is full"):
        pack([Entry(name="x", source=os.urandom(1 << 20))], Path("/dev/full"))


def test_packing_stops_when_asked(tmp_path: Path) -> None:
    report = Reporter()
    report.cancel()
    with pytest.raises(Cancelled):
        pack([Entry(name="x", source=b"")], tmp_path / "layer", report.check)
