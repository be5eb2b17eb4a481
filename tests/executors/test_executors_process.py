"""What the process executor promises beyond the contract."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_blocks import Bench, process_executor, wait_for

from lentiq_jupyter.errors import Invalid, NotFound, Unavailable
from lentiq_jupyter.executors.layering import compose, extract
from lentiq_jupyter.executors.unpacked import UnpackedImages
from lentiq_jupyter.model import Block, ExecutionState, Job, Resources, encode
from lentiq_jupyter.registry import LayoutRegistry

needs_index = pytest.mark.network
SLEEP = "import time\nprint('asleep', flush=True)\ntime.sleep(120)"
# Another process with an executor of its own: starts the job it reads, then does what its first argument says.
STARTER = """
import json, os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from executor_blocks import process_executor
from lentiq_jupyter.model import Job, decode
job = decode(Job, json.load(sys.stdin))
executor = process_executor(Path(sys.argv[2]))
print("ready", flush=True)
while not os.path.exists(sys.argv[3]):
    pass
executor.start(job)
print("started", flush=True)
time.sleep(float(sys.argv[4]))
"""


class Starter:
    """Such a process: ready when made, starts when told."""

    def __init__(self, job: Job, shop: Path, go: Path, stay_s: float = 0.0) -> None:
        words = [str(Path(__file__).parent), str(shop), str(go), str(stay_s)]
        self.child = subprocess.Popen(
            [sys.executable, "-c", STARTER, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(encode(job)).encode())
        self.child.stdin.close()

    def says(self, line: bytes) -> None:
        assert self.child.stdout is not None
        assert self.child.stdout.readline() == line

    def ended(self, *, kill: bool = False) -> int:
        if kill:
            self.child.send_signal(signal.SIGKILL)
        code = self.child.wait(60)
        assert self.child.stdout is not None
        self.child.stdout.close()
        return code


def processes(word: str) -> list[int]:
    """Ids of processes whose environment holds `word`."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and word.encode() in Path(f"/proc/{name}/environ").read_bytes():
                found.append(int(name))
        except OSError:
            continue
    return found


def supervisor_of(folder: Path) -> int:
    """The process that holds the lock of a job."""
    inode = (folder / "lock").stat().st_ino
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    (pid,) = [int(line[4]) for line in lines if line[1] == "FLOCK" and line[5].endswith(f":{inode}")]
    return pid


def with_word(word: str) -> list[int]:
    """Processes with that word in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


@needs_index
def test_two_processes_that_start_at_once_run_it_once(process_bench: Bench, shop: Path, tmp_path: Path) -> None:
    job = process_bench.job("print('ran')")
    starters = [Starter(job, shop, tmp_path / "go") for _ in range(2)]
    for one in starters:
        one.says(b"ready\n")
    (tmp_path / "go").touch()
    assert [one.ended() for one in starters] == [0, 0]
    assert process_bench.ended(job.name).starts == 1
    assert process_bench.executor.log(job.name).count(b"ran\n") == 1


@needs_index
def test_job_survives_the_death_of_who_started_it(process_bench: Bench, shop: Path, tmp_path: Path) -> None:
    job = process_bench.job("import time\nprint('asleep', flush=True)\ntime.sleep(2)\nprint('woke')")
    (tmp_path / "go").touch()
    starter = Starter(job, shop, tmp_path / "go", stay_s=100)
    starter.says(b"ready\n")
    starter.says(b"started\n")
    process_bench.says(job.name, "asleep\n")
    assert starter.ended(kill=True) == -signal.SIGKILL
    told: list[str] = []
    executor = process_executor(shop)
    unsubscribe = executor.subscribe(process_bench.pool, told.append)
    assert executor.find(process_bench.pool)[job.name].state is ExecutionState.RUNNING
    end = process_bench.ended(job.name)
    assert (end.state, end.starts) == (ExecutionState.SUCCEEDED, 1)
    assert b"woke\n" in executor.log(job.name)
    wait_for("word", lambda: told == [job.name], 3)
    unsubscribe()


@needs_index
def test_job_whose_supervisor_is_killed_is_lost_and_gone(process_bench: Bench, shop: Path) -> None:
    told: list[str] = []
    unsubscribe = process_executor(shop).subscribe(process_bench.pool, told.append)
    name = process_bench.start(SLEEP)
    process_bench.says(name, "asleep\n")
    folder = shop / "process" / "jobs" / name
    assert len(processes(str(folder))) >= 2, "a runner and its kernel"
    os.kill(supervisor_of(folder), signal.SIGKILL)
    end = process_bench.ended(name, 5)
    assert (end.state, end.starts, end.reason) == (
        ExecutionState.LOST,
        1,
        "its supervisor was killed; it neither runs nor left a result",
    )
    wait_for("quiet", lambda: not processes(str(folder)), 5)
    wait_for("word", lambda: told == [name], 3)
    # What was started once is never started again.
    process_bench.executor.start(process_bench.job(name=name))
    assert process_bench.state(name) is ExecutionState.LOST
    unsubscribe()


@needs_index
def test_nothing_of_a_job_outlives_it(process_bench: Bench) -> None:
    mark = f"30{os.getpid()}.{time.monotonic_ns()}"
    name = process_bench.start(
        "import os, subprocess, sys\n"
        "subprocess.Popen(['sleep', code_mark], start_new_session=True, env={})\n"
        "twice = 'import os, sys; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); '\n"
        "twice += 'os.execve(sys.argv[1], [sys.argv[1], sys.argv[2]], {})'\n"
        "subprocess.run([sys.executable, '-c', twice, '/bin/sleep', code_mark])\n"
        "print('begun', flush=True)".replace("code_mark", repr(mark))
    )
    process_bench.says(name, "begun\n")
    assert process_bench.ended(name).state is ExecutionState.SUCCEEDED
    assert with_word(mark) == []


@needs_index
def test_job_gets_as_many_processors_as_it_asks_for(process_bench: Bench) -> None:
    code = "import os\nprint('cpus', len(os.sched_getaffinity(0)))"
    name = process_bench.start(code, resources=Resources(cpu_millicores=300, memory_bytes=2**29))
    assert process_bench.ended(name).state is ExecutionState.SUCCEEDED
    assert b"cpus 1\n" in process_bench.executor.log(name)


@needs_index
def test_peak_of_memory_is_measured(process_bench: Bench) -> None:
    name = process_bench.start("import time\nkept = b'x' * 150_000_000\ntime.sleep(0.5)")
    peak = process_bench.ended(name).peak_memory_bytes
    assert peak is not None
    assert 150_000_000 < peak < 400_000_000


@needs_index
def test_environment_is_clean_and_secrets_are_on_no_disk(
    process_bench: Bench, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_HOST", "private")
    code = "import os\nprint(sorted(os.environ))\nimport time\ntime.sleep(0.5)"
    name = process_bench.start(code, secrets={"TOKEN": "hunter2-and-more"})
    folder = shop / "process" / "jobs" / name
    process_bench.says(name, "TOKEN")
    (runner, *_) = processes(str(folder))
    assert b"hunter2" not in Path(f"/proc/{runner}/cmdline").read_bytes()
    assert process_bench.ended(name).state is ExecutionState.SUCCEEDED
    assert b"OF_THE_HOST" not in process_bench.executor.log(name)
    holding = [path for path in folder.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert holding == []
    assert json.loads((folder / "exit.json").read_bytes())["network"] == "open"


@needs_index
def test_unpacked_layers_are_shared_and_damage_is_refused(copy_of_shop: Path, local_block: Block) -> None:
    registry = LayoutRegistry(copy_of_shop / "registry")
    manifest = json.loads(registry.get_manifest("does", local_block.image.partition("@")[2])[1])
    layer = manifest["layers"][-1]["digest"]
    blob = next(path for path in copy_of_shop.rglob(layer.partition(":")[2]))
    whole = blob.read_bytes()
    images = UnpackedImages(copy_of_shop / "process", registry, lambda _: Path(sys.executable))
    for broken in (whole[:-20], whole[:200] + b"\0" * 40 + whole[240:]):
        blob.chmod(0o644)
        blob.write_bytes(broken)
        with pytest.raises(Invalid, match="A layer of does@1 is damaged"):
            images.root(local_block)
    assert not (copy_of_shop / "process" / "images").exists()
    blob.unlink()
    with pytest.raises(NotFound):
        images.root(local_block)
    blob.write_bytes(whole)
    root = images.root(local_block)
    assert sorted(os.listdir(root)) == [".origin.json", "block", "env", "runner"]
    # Each lies in several layers, and is merged from them file by file.
    assert not [name for name in ("block", "env", "runner") if os.path.islink(root / name)]
    assert {"does.ipynb", "runner.lock"} <= set(os.listdir(root / "block"))
    (shared,) = (root / "env").glob("lib/python*/site-packages/ipykernel_launcher.py")
    assert shared.stat().st_nlink == 2
    # A Python of this machine that went away is replaced.
    (root / "env/bin/python").unlink()
    assert images.root(local_block) == root
    assert (root / "env/bin/python").resolve() == Path(sys.executable).resolve()


@pytest.mark.network
def test_folder_that_cannot_be_written_is_said(local_block: Block, tmp_path: Path) -> None:
    (tmp_path / "process").write_text("a file")
    job = Job(
        name="lentiq-x-y-1",
        pool="p",
        block=local_block,
        inputs={},
        resources=Resources(cpu_millicores=1, memory_bytes=1),
        environment={},
    )
    with pytest.raises(Unavailable, match="set LENTIQ_HOME"):
        process_executor(tmp_path).start(job)


def layer_of(folder: Path, *members: tuple[str, str | None]) -> Path:
    """A layer unpacked from a tar of (name, text or None for a folder; ``->`` in the text for a link)."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        for name, text in members:
            member = tarfile.TarInfo(name)
            if text is None:
                member.type = tarfile.DIRTYPE
            elif text.startswith("->"):
                member.type, member.linkname = tarfile.SYMTYPE, text[2:]
            else:
                member.size = len(text)
            archive.addfile(member, io.BytesIO((text or "").encode()) if member.isreg() else None)
    body.seek(0)
    folder.mkdir()
    with tarfile.open(fileobj=body, mode="r|") as archive:
        extract(archive, folder)
    return folder


@pytest.fixture
def file_size_limit() -> Iterator[int]:
    """Files take so many bytes and no more: of a write beyond them a part, of the next one nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = 300_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_file_that_is_written_by_half_is_an_error(tmp_path: Path, file_size_limit: int) -> None:
    with pytest.raises(OSError, match="large"):
        layer_of(tmp_path / "1", ("opt/lentiq/env/lib", "x" * (file_size_limit + 1)))
    fits = layer_of(tmp_path / "2", ("opt/lentiq/env/lib", "x" * file_size_limit))
    assert (fits / "env/lib").stat().st_size == file_size_limit


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for top in folder.iterdir()
        for path in sorted([top, *Path(os.path.realpath(top)).rglob("*")])
        if path.is_file() and not path.is_symlink() and path.is_relative_to(folder)
    }


def test_layers_are_laid_over_each_other_with_their_removals(tmp_path: Path) -> None:
    first = layer_of(
        tmp_path / "1",
        ("opt/lentiq/block/a", "old"),
        ("opt/lentiq/block/b", "b"),
        ("opt/lentiq/block/sub/x", "x"),
        ("opt/lentiq/block/all/y", "y"),
        ("opt/lentiq/env/lib", "l"),
        ("etc/passwd", "no"),
    )
    second = layer_of(
        tmp_path / "2",
        ("./opt/lentiq/block/a", "new"),
        ("./opt/lentiq/block/.wh.b", ""),
        ("./opt/lentiq/block/sub/.wh.x", ""),
        ("./opt/lentiq/block/all/.wh..wh..opq", ""),
        ("./opt/lentiq/block/all/z", "z"),
    )
    (tmp_path / "image").mkdir()
    compose([first, second], tmp_path / "image")
    assert files_of(tmp_path / "image") == {"block/a": "new", "block/all/z": "z"}
    assert (tmp_path / "image/env").is_symlink()
    assert (tmp_path / "image/env/lib").read_text() == "l"
    assert (first / "block/a").read_text() == "old"


@pytest.mark.parametrize(
    "member",
    [
        ("opt/lentiq/../../../../out", "x"),
        ("opt/lentiq/block/link", "->/etc/passwd"),
        ("opt/lentiq/block/link", "->../../../../etc/passwd"),
    ],
)
def test_layer_that_leads_outside_is_refused(tmp_path: Path, member: tuple[str, str]) -> None:
    with pytest.raises(tarfile.FilterError):
        layer_of(tmp_path / "layer", member)
    assert os.listdir(tmp_path / "layer") == []
