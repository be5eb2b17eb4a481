"""What is held stays; what a killed process left goes at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lentiq_jupyter.mortal import mortal
from lentiq_jupyter.scratch import Swept, abandoned, disk_bytes, hold_shared, remove, scratch_folder, sweep

MAKER = """
import sys, time
from pathlib import Path
from lentiq_jupyter.scratch import scratch_file, scratch_folder
parent = Path(sys.argv[1])
with scratch_folder("work-", parent) as folder:
    (folder / "file").write_bytes(bytes(100_000))
    descriptor, name = scratch_file("work-file-", parent)
    print("ready", flush=True)
    time.sleep(60)
"""


def test_work_of_a_living_process_is_kept_and_that_of_a_killed_one_is_swept(tmp_path: Path) -> None:
    maker = subprocess.Popen([sys.executable, "-c", MAKER, str(tmp_path)], stdout=subprocess.PIPE)
    assert maker.stdout is not None
    with maker.stdout as said:
        said.readline()
        assert abandoned("work-", tmp_path) == []
        maker.kill()
        maker.wait()
    assert len(abandoned("work-", tmp_path)) == 2
    found = sweep("work-", tmp_path, dry_run=True)
    assert found.count == 2
    assert found.freed >= 100_000
    assert len(list(tmp_path.iterdir())) == 2
    assert sweep("work-", tmp_path) == found
    assert list(tmp_path.iterdir()) == []
    assert sweep("work-", tmp_path) == Swept()


def test_folder_of_this_thread_is_held_against_this_process_too(tmp_path: Path) -> None:
    with scratch_folder("work-", tmp_path) as folder:
        assert abandoned("work-", tmp_path) == []
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_uses_is_not_removed(tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    with hold_shared(used), hold_shared(used):
        assert remove([used]) == Swept()
    assert remove([used]).count == 1
    with pytest.raises(FileNotFoundError), hold_shared(used):
        pass


def test_links_are_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (tmp_path / "work-link").symlink_to(precious)
    folder = tmp_path / "work-folder"
    folder.mkdir()
    (folder / "inner").symlink_to(precious)
    assert sweep("work-", tmp_path).count == 1
    assert (precious / "file").read_text() == "x"


def test_files_shared_with_others_free_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "file").write_bytes(bytes(1 << 20))
    (tmp_path / "two").mkdir()
    os.link(tmp_path / "one" / "file", tmp_path / "two" / "file")
    assert disk_bytes([tmp_path / "one"]) < 1 << 16
    assert disk_bytes([tmp_path / "one", tmp_path / "two"]) >= 1 << 20


def test_folders_without_rights_are_removed(tmp_path: Path) -> None:
    inner = tmp_path / "work-folder" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    inner.chmod(0o500)
    assert sweep("work-", tmp_path).count == 1
    assert list(tmp_path.iterdir()) == []


def test_makers_and_sweepers_at_once_lose_nothing(tmp_path: Path) -> None:
    lost: list[Path] = []
    end = time.monotonic() + 1.0

    def make() -> None:
        while time.monotonic() < end:
            with scratch_folder("work-", tmp_path) as folder:
                (folder / "file").write_text("x")
                if not (folder / "file").exists():
                    lost.append(folder)

    def clear() -> None:
        while time.monotonic() < end:
            sweep("work-", tmp_path)

    threads = [threading.Thread(target=work) for work in (make, make, clear, clear)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert lost == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(mortal(["sleep"]) == ["sleep"], reason="no setpriv of util-linux here")
def test_program_ends_with_a_killed_parent() -> None:
    script = (
        "import subprocess, sys, time\nfrom lentiq_jupyter.mortal import mortal\n"
        "child = subprocess.Popen(mortal(['sleep', '60']))\nprint(child.pid, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout as said:
        child = int(said.readline())
        time.sleep(0.1)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    end = time.monotonic() + 5
    while time.monotonic() < end and runs(child):
        time.sleep(0.01)
    assert not runs(child)


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except OSError:
        return False
    return state != b"Z"


def test_a_program_that_is_not_there_is_left_for_its_caller_to_miss() -> None:
    assert mortal(["no-such-program", "x"]) == ["no-such-program", "x"]
