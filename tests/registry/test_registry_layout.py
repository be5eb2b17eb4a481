"""The folder as a registry: what other tools read, what happens when the disk or another process is in the way."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from lentiq_jupyter.errors import Unavailable
from lentiq_jupyter.registry import LayoutRegistry

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_folder_is_an_oci_image_layout(tmp_path: Path) -> None:
    registry = LayoutRegistry(tmp_path)
    config = b"{}"
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(config), "size": 2}
    body = json.dumps({"schemaVersion": 2, "config": described, "layers": []}).encode()
    registry.put_blob("clean", config, digest_of(config))
    digest = registry.put_manifest("clean", "1", OCI_MANIFEST, body)

    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads((tmp_path / "index.json").read_text()) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                "mediaType": OCI_MANIFEST,
                "digest": digest,
                "size": len(body),
                "annotations": {"org.opencontainers.image.ref.name": "clean:1"},
            }
        ],
    }
    blobs = [f"blobs/sha256/{one.removeprefix('sha256:')}" for one in (digest, digest_of(config))]
    assert files(tmp_path) == sorted([".lock", "index.json", "oci-layout", *blobs])


def test_entries_of_other_tools_are_kept(tmp_path: Path) -> None:
    foreign = {"mediaType": OCI_MANIFEST, "digest": digest_of(b"x"), "size": 1}
    (tmp_path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [foreign]}))
    registry = LayoutRegistry(tmp_path)
    registry.put_manifest("clean", "1", OCI_MANIFEST, b'{"schemaVersion": 2, "layers": []}')
    registry.delete_tag("clean", "1")
    assert json.loads((tmp_path / "index.json").read_text())["manifests"] == [foreign]
    assert registry.repositories() == []


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    registry = LayoutRegistry(tmp_path / "none")
    assert (registry.repositories(), registry.tags("a"), registry.has_blob("a", digest_of(b""))) == ([], [], False)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("below", [".", "deeper/still"])
def test_file_in_place_of_the_folder_is_said_plainly(tmp_path: Path, below: str) -> None:
    (tmp_path / "registry").write_text("a file")
    registry = LayoutRegistry(tmp_path / "registry" / below)
    with pytest.raises(Unavailable, match="file in its way"):
        registry.put_blob("clean", b"x", digest_of(b"x"))


def test_folder_that_takes_no_files_is_said_plainly() -> None:
    with pytest.raises(Unavailable, match="cannot be written"):
        LayoutRegistry(Path("/proc/lentiq-registry")).put_blob("clean", b"x", digest_of(b"x"))


def test_damaged_index_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"manifests": ')
    registry = LayoutRegistry(tmp_path)
    with pytest.raises(Unavailable, match=r"index\.json is damaged"):
        registry.tags("clean")
    with pytest.raises(Unavailable, match=r"index\.json is damaged"):
        registry.put_manifest("clean", "1", OCI_MANIFEST, b'{"schemaVersion": 2, "layers": []}')
    assert (tmp_path / "index.json").read_text() == '{"manifests": '


def test_full_disk_is_said_plainly_and_leaves_nothing(tmp_path: Path) -> None:
    code = """
    import hashlib, resource, sys
    from pathlib import Path
    from lentiq_jupyter.errors import Unavailable
    from lentiq_jupyter.registry import LayoutRegistry
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    body = b"x" * 3_000_000
    try:
        LayoutRegistry(Path(sys.argv[1])).put_blob("clean", body, "sha256:" + hashlib.sha256(body).hexdigest())
    except Unavailable as error:
        print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said == (
        f"The disk of the registry folder {tmp_path} is full (File too large)."
        " Free some space and try again; nothing half-written was left.\n"
    )
    assert files(tmp_path) == [".lock", "index.json", "oci-layout"]


def test_killed_writer_leaves_no_torn_blob_and_is_swept_up_later(tmp_path: Path) -> None:
    code = """
    import hashlib, sys, time
    from pathlib import Path
    from lentiq_jupyter.registry import LayoutRegistry
    body = b"x" * 3_000_000
    def report(size):
        print(size, flush=True)
        time.sleep(60)
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    LayoutRegistry(Path(sys.argv[1])).put_blob("clean", body, digest, report=report)
    """
    body = b"x" * 3_000_000
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    registry = LayoutRegistry(tmp_path)
    assert not registry.has_blob("clean", digest_of(body))
    (left,) = tmp_path.glob("blobs/sha256/.incoming-*")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(left, (two_days_ago, two_days_ago))

    assert registry.put_blob("clean", body, digest_of(body)) == len(body)
    assert not left.exists()


def test_writers_in_many_processes_lose_no_tag(tmp_path: Path) -> None:
    code = """
    import sys
    from pathlib import Path
    from lentiq_jupyter.registry import LayoutRegistry
    registry = LayoutRegistry(Path(sys.argv[1]))
    for number in range(10):
        body = b'{"schemaVersion": 2, "layers": []}'
        registry.put_manifest("clean", f"{sys.argv[2]}.{number}", "application/vnd.oci.image.manifest.v1+json", body)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    writers = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [one.wait() for one in writers] == [0, 0, 0, 0]
    expected = {f"{writer}.{number}" for writer in range(4) for number in range(10)}
    assert set(LayoutRegistry(tmp_path).tags("clean")) == expected
