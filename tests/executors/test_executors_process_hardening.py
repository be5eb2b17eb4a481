"""The process executor when jobs, disks and signals do their worst. Its jobs are shell scripts here."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_blocks import wait_for
from executor_programs import Programs

from lentiq_jupyter.errors import Unavailable
from lentiq_jupyter.executors import results
from lentiq_jupyter.executors.clearing import sweep_work
from lentiq_jupyter.model import Block, Cause, ExecutionState, encode

pytestmark = pytest.mark.network
MIB = 1 << 20
# A scheduler of its own: starts a job, and says so.
SCHEDULER = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from executor_programs import Programs
from lentiq_jupyter.model import Block, decode
folder, registry, block, script = json.load(sys.stdin)
programs = Programs(Path(folder), Path(registry), decode(Block, block))
print(programs.start(script), flush=True)
time.sleep(100)
"""


@pytest.fixture
def programs(shop: Path, unpacked_block: Block) -> Iterator[Programs]:
    programs = Programs(shop / "process", shop / "registry", unpacked_block)
    yield programs
    programs.close()


def test_end_is_told_with_its_cause(programs: Programs) -> None:
    def end_of(script: str) -> tuple[int | None, Cause | None, str]:
        end = programs.ended(programs.start(script))
        return end.exit_code, end.cause, end.reason

    assert end_of("exit 7") == (7, Cause.EXIT_CODE, "exit code 7")
    assert end_of("kill -SEGV $$") == (139, Cause.SIGNAL, "killed by SIGSEGV")
    assert end_of("kill -KILL $$") == (137, Cause.SIGNAL, "killed by SIGKILL")
    assert end_of("true") == (0, None, "")


def test_program_that_is_missing_is_said(shop: Path, unpacked_block: Block) -> None:
    programs = Programs(shop / "process", shop / "registry", unpacked_block)
    programs.executor._command = lambda root: ["/nowhere/python"]
    end = programs.ended(programs.start(""))
    assert (end.state, end.exit_code, end.cause) == (ExecutionState.FAILED, 127, Cause.START_FAILED)
    assert end.reason == "could not start: [Errno 2] No such file or directory"
    programs.close()


def test_fifty_jobs_at_once_each_run_once_and_are_told_once(programs: Programs) -> None:
    told: list[str] = []
    unsubscribe = programs.executor.subscribe(programs.pool, told.append)
    jobs = [programs.job("echo ran; sleep 0.2") for _ in range(50)]
    threads = [threading.Thread(target=programs.executor.start, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = sorted(job.name for job in jobs)
    wait_for("all words", lambda: len(told) >= 50)
    unsubscribe()
    assert sorted(told) == names
    ends = [programs.executor.inspect(name) for name in names]
    assert {(end.state, end.starts) for end in ends if end} == {(ExecutionState.SUCCEEDED, 1)}
    assert {programs.executor.log(name) for name in names} == {b"ran\n"}


def test_end_is_told_within_milliseconds(programs: Programs) -> None:
    told: dict[str, float] = {}
    unsubscribe = programs.executor.subscribe(programs.pool, lambda name: told.setdefault(name, time.time()))
    late = []
    for _ in range(9):
        name = programs.start("true")
        wait_for("word", lambda name=name: name in told)
        end = programs.executor.inspect(name)
        assert end is not None
        assert end.ended_at is not None
        late.append(told[name] - end.ended_at.timestamp())
    unsubscribe()
    # Most of them: this machine has other work, too.
    assert sorted(late)[4] < 0.03


def test_job_survives_the_process_group_of_its_scheduler(shop: Path, programs: Programs) -> None:
    words = [sys.executable, "-c", SCHEDULER, str(Path(__file__).parent)]
    scheduler = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert scheduler.stdin is not None
    assert scheduler.stdout is not None
    with scheduler.stdin, scheduler.stdout:
        task = [str(shop / "process"), str(shop / "registry"), encode(programs.block), "sleep 1; echo woke"]
        scheduler.stdin.write(json.dumps(task).encode())
        scheduler.stdin.close()
        name = scheduler.stdout.readline().decode().strip()
    programs.started.append(name)
    told: list[str] = []
    unsubscribe = programs.executor.subscribe(programs.pool, told.append)
    launchers = _children(scheduler.pid)
    assert launchers
    os.killpg(scheduler.pid, signal.SIGKILL)
    for pid in launchers:
        os.kill(pid, signal.SIGKILL)
    scheduler.wait()
    end = programs.ended(name)
    assert (end.state, end.starts) == (ExecutionState.SUCCEEDED, 1)
    assert programs.executor.log(name) == b"woke\n"
    wait_for("word", lambda: told == [name])
    unsubscribe()


def test_launcher_that_was_killed_is_replaced(programs: Programs) -> None:
    told: list[str] = []
    unsubscribe = programs.executor.subscribe(programs.pool, told.append)
    first = programs.start("sleep 0.5; echo first")
    for pid in _children(os.getpid(), b"supervision.launcher"):
        os.kill(pid, signal.SIGKILL)
    assert programs.run("echo second") == "second\n"
    assert programs.ended(first).state is ExecutionState.SUCCEEDED
    wait_for("words", lambda: sorted(told) == sorted(programs.started))
    unsubscribe()


def test_launcher_ends_with_its_executor(shop: Path, unpacked_block: Block) -> None:
    before = set(_children(os.getpid(), b"supervision.launcher"))
    programs = Programs(shop / "process", shop / "registry", unpacked_block)
    programs.run("true")
    programs.close()
    assert len(set(_children(os.getpid(), b"supervision.launcher")) - before) == 1
    del programs
    wait_for("its end", lambda: set(_children(os.getpid(), b"supervision.launcher")) <= before, 5)


def test_log_beyond_its_bound_keeps_beginning_and_end(shop: Path, unpacked_block: Block) -> None:
    programs = Programs(shop / "process", shop / "registry", unpacked_block, log_limit_bytes=MIB)
    name = programs.start("echo begin; yes 1234567 | head -c 400000000; sleep 0.5; echo; echo end; sleep 0.5; exit 1")
    log = shop / "process" / "jobs" / name / "log"
    read = b""
    while programs.executor.inspect(name).state is ExecutionState.RUNNING:  # type: ignore[union-attr]
        read += programs.executor.log(name, len(read))
        time.sleep(0.05)
    assert len(read) == MIB
    while more := programs.executor.log(name, len(read)):
        read += more
    assert read.startswith(b"begin\n1234567\n")
    assert read.endswith(b"1234567\n\nend\n")
    left_out = 6 + 400_000_000 + 5 - 2 * MIB
    assert read[MIB:].startswith(f"\n[{left_out} bytes are left out here: the log has a bound]\n".encode())
    assert read == log.read_bytes()
    assert log.stat().st_blocks * 512 < 4 * MIB
    programs.close()


def test_log_gives_back_disk_while_the_job_prints(shop: Path, unpacked_block: Block) -> None:
    programs = Programs(shop / "process", shop / "registry", unpacked_block, log_limit_bytes=MIB)
    name = programs.start("yes | head -c 100000000; sleep 100")
    log = shop / "process" / "jobs" / name / "log"
    wait_for("all of it", lambda: log.exists() and log.stat().st_size == 100_000_000)
    wait_for("holes", lambda: log.stat().st_blocks * 512 < 4 * MIB, 5)
    programs.close()


def test_results_are_plain_files_or_nothing(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RESULT_LIMIT_BYTES", 1000)
    (tmp_path / "private").write_text('{"private": 1}')
    name = programs.start(
        f"cd $LENTIQ_RESULTS; ln -s {tmp_path}/private outputs.json; mkfifo progress.json;"
        " head -c 1001 /dev/zero > notebook.ipynb; head -c 1000 /dev/zero > error.json; exit 1"
    )
    assert programs.ended(name).reason == "exit code 1"
    programs.executor.collect(name, tmp_path / "into")
    assert {path.name: path.stat().st_size for path in (tmp_path / "into").iterdir()} == {"error.json": 1000}


def test_full_disk_is_said_before_a_start_and_does_not_lose_an_end(unpacked_block: Block, shop: Path) -> None:
    words = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        sys.executable,
        "-c",
        FULL_DISK,
        str(Path(__file__).parent),
    ]
    done = subprocess.run(
        words,
        input=json.dumps([str(shop), encode(unpacked_block)]),
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare:" in done.stderr:
        pytest.skip("this system lets nobody make namespaces")
    assert done.returncode == 0, done.stderr
    refused, end, starts = json.loads(done.stdout)
    assert "Free space" in refused
    assert (end, starts) == ("SUCCEEDED", 1)


FULL_DISK = """
import json, os, subprocess, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
end_s = time.monotonic() + 60
from executor_programs import Programs
from lentiq_jupyter.errors import Unavailable
from lentiq_jupyter.model import Block, decode
shop, block = json.load(sys.stdin)
jobs = Path(shop, "process", "jobs")
jobs.mkdir(parents=True, exist_ok=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(jobs)], check=True)
programs = Programs(jobs.parent, Path(shop, "registry"), decode(Block, block))
name = programs.start("touch $LENTIQ_RESULTS/up; while [ ! -e $LENTIQ_RESULTS/go ]; do sleep 0.05; done")
while not (jobs / name / "results" / "up").exists():
    assert time.monotonic() < end_s
    time.sleep(0.02)
(jobs / name / "results" / "go").symlink_to("/")
filler = open(jobs / "filler", "wb", buffering=0)
try:
    while filler.write(b"x" * 4096):
        pass
except OSError:
    pass
end = programs.ended(name)
try:
    programs.executor.start(programs.job("true"))
    refused = ""
except Unavailable as error:
    refused = str(error)
programs.started.pop()
json.dump([refused, end.state, end.starts], sys.stdout)
"""


def test_forbidden_jobs_are_cleared_away_after_a_week(shop: Path, programs: Programs, tmp_path: Path) -> None:
    programs = Programs(tmp_path / "process", shop / "registry", programs.block)
    old, new = (programs.job("true").name for _ in range(2))
    for name in (old, new):
        assert programs.executor.forbid(name, programs.pool)
    then = time.time() - 8 * 24 * 3600
    os.utime(tmp_path / "process" / "jobs" / old, (then, then))
    sweep_work(tmp_path / "process")
    assert [path.name for path in (tmp_path / "process" / "jobs").iterdir()] == [new]


def test_memory_of_all_processes_of_a_job_counts(programs: Programs) -> None:
    grow = f"{sys.executable} -c \"x = b'x' * 60_000_000; import time; time.sleep(60)\""
    end = programs.ended(programs.start(f"{grow} & {grow} & wait", memory_bytes=100 * MIB))
    assert (end.exit_code, end.cause, end.reason) == (
        137,
        Cause.OUT_OF_MEMORY,
        "killed: used more than 100Mi of memory",
    )


def test_job_that_cannot_be_noted_is_said(shop: Path, programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("a file")
    broken = Programs(tmp_path, shop / "registry", programs.block)
    with pytest.raises(Unavailable, match="set LENTIQ_HOME"):
        broken.executor.forbid("lentiq-a-b-1", "pool")


def _children(pid: int, word: bytes = b"") -> list[int]:
    """Children of a process with that word in their command."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((path / "stat").read_bytes().rpartition(b")")[2].split()[1])
            if parent == pid and word in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found
