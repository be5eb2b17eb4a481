"""What a job of the process executor can see and do, with namespaces and without."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from executor_programs import MODES, Programs, can_limit, in_mode, share_images

from lentiq_jupyter.model import Block

pytestmark = pytest.mark.network
EXPECTED = {"namespaces": "namespaces", "ordinary user": "namespaces", "landlock": "landlock"}


PRIVATE = ("lentiq.sqlite", "secrets/token", "registry/private", "process/jobs/other/results/outputs.json")
MARK = f"30{os.getpid()}.{time.time_ns()}"


@pytest.fixture(scope="module")
def home(shop: Path, unpacked_block: Block) -> Path:
    """The folder of a service, with what is private in it and another job that ended."""
    for name in PRIVATE:
        (shop / name).parent.mkdir(parents=True, exist_ok=True)
        (shop / name).write_text("private")
    return shop


@pytest.fixture
def programs(home: Path, unpacked_block: Block) -> Iterator[Programs]:
    programs = Programs(home / "process", home / "registry", unpacked_block, private=home)
    yield programs
    programs.close()


@pytest.fixture(scope="module", params=MODES)
def seen(request: pytest.FixtureRequest, home: Path, unpacked_block: Block) -> dict[str, dict[str, Any]]:
    """What scripts find out, as root or whoever tests, as an ordinary user, and where namespaces are not allowed."""
    if not can_limit():
        pytest.skip("this system has no unshare, or lets nobody use it")
    scripts = {
        "private": f"cd {home}; cat {' '.join(PRIVATE)} 2>/dev/null; echo no 2>/dev/null > process/jobs/other/new",
        "own": "cat $LENTIQ_ROOT/block/block.json >/dev/null && echo block;"
        " for place in $LENTIQ_RESULTS/outputs.json $PYTHONPYCACHEPREFIX/x $TMPDIR/x $LENTIQ_ROOT/block/new; do"
        " echo written 2>/dev/null > $place && cat $place; done",
        "rights": "grep -E 'CapEff|CapPrm|NoNew' /proc/self/status",
        "processes": f"cat /proc/{os.getpid()}/environ >/dev/null 2>&1 || echo unseen;"
        f" kill -0 {os.getpid()} 2>/dev/null || echo safe",
        "children": f"(setsid sleep {MARK} &) ; sleep 0.2; exit 3",
    }
    found = in_mode(request.param, home, unpacked_block, scripts)
    assert {one["isolation"] for one in found.values()} == {EXPECTED[request.param]}
    return found


def test_job_reads_nothing_private(seen: dict[str, dict[str, Any]], home: Path) -> None:
    assert seen["private"]["log"] == ""
    assert not (home / "process/jobs/other/new").exists()


def test_job_reads_its_block_and_writes_its_results(seen: dict[str, dict[str, Any]], home: Path) -> None:
    assert seen["own"]["log"] == "block\nwritten\nwritten\nwritten\n"
    assert not list(home.glob("process/images/*/block/new"))


def test_job_has_no_privileges(seen: dict[str, dict[str, Any]]) -> None:
    assert seen["rights"]["log"].split() == ["CapPrm:", "0" * 16, "CapEff:", "0" * 16, "NoNewPrivs:", "1"]


def test_job_reaches_no_process_but_its_own(seen: dict[str, dict[str, Any]]) -> None:
    assert seen["processes"]["log"] == "unseen\nsafe\n"


def test_nothing_of_a_job_outlives_it_in_any_mode(seen: dict[str, dict[str, Any]]) -> None:
    assert seen["children"]["code"] == 3
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if MARK.encode() in _bytes(path).split(b"\0")]
    assert left == []


def test_temporary_files_of_other_jobs_are_out_of_sight(programs: Programs) -> None:
    other = programs.start("echo private > $TMPDIR/x; echo $TMPDIR; sleep 100")
    programs.says(other, "\n")
    place = programs.executor.log(other).decode().strip()
    assert Path(place, "x").read_text() == "private\n"
    assert programs.run(f"cat {place}/x 2>/dev/null || echo unseen; ls {Path(place).parent} | wc -l") == "unseen\n1\n"


def test_what_is_kept_beside_the_home_is_as_it_was(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("1")
    said = programs.run(f"cat {tmp_path}/data.csv; echo 2 > {tmp_path}/out.csv; ls {tmp_path}")
    assert said.split() == ["1data.csv", "out.csv"]
    assert (tmp_path / "out.csv").read_text() == "2\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_job_runs_as_the_user_of_the_setting(shop: Path, unpacked_block: Block) -> None:
    outer = Path(tempfile.mkdtemp(prefix="lentiq-test-"))
    outer.chmod(0o755)
    try:
        share_images(shop, outer / "home")
        programs = Programs(outer / "home", shop / "registry", unpacked_block, user="65534:65534")
        said = programs.run(
            "id -u; id -G; echo '{}' > $LENTIQ_RESULTS/outputs.json;"
            " echo x > $PYTHONPYCACHEPREFIX/x; echo x > $TMPDIR/x;"
            " head -c 20 $LENTIQ_ROOT/block/block.json | wc -c; grep CapEff /proc/self/status"
        )
        assert said.split() == ["65534", "65534", "20", "CapEff:", "0" * 16]
        (name,) = programs.started
        programs.executor.collect(name, outer / "results")
        assert (outer / "results" / "outputs.json").read_text() == "{}\n"
        programs.close()
    finally:
        shutil.rmtree(outer)


def test_user_that_does_not_exist_is_said(home: Path, unpacked_block: Block) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may become somebody else")
    programs = Programs(home / "process", home / "registry", unpacked_block, user="nobody-of-that-name")
    end = programs.ended(programs.start("true"))
    assert end.exit_code == 127
    assert "nobody-of-that-name" in end.reason
    programs.close()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
