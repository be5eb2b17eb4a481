"""What the docker executor promises beyond the contract."""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import pytest
from executor_blocks import Bench, wait_for

from lentiq_jupyter.errors import BadInput, NotFound, Unavailable
from lentiq_jupyter.executors import DockerExecutor
from lentiq_jupyter.executors import docker as docker_module
from lentiq_jupyter.executors.container import Told, container_options, execution_of
from lentiq_jupyter.model import Block, BlockKind, BlockSpec, Cause, Execution, ExecutionState, Job, Resources
from lentiq_jupyter.registry import DistributionRegistry, LayoutRegistry

NOW = datetime(2026, 11, 1, tzinfo=UTC)
BLOCK = Block(
    spec=BlockSpec(name="does"),
    version="1",
    image="does@sha256:" + "a" * 64,
    digest="sha256:" + "a" * 64,
    image_id="sha256:" + "b" * 64,
    created=NOW,
)
JOB = Job(
    name="lentiq-r-t-1",
    pool="pool",
    block=BLOCK,
    inputs={"rows": 3, "name": "é"},
    resources=Resources(cpu_millicores=500, memory_bytes=2**28),
    environment={"LENTIQ_TASK": "t"},
    secrets={"TOKEN": "s"},
    allow_network=False,
)
STATE: dict[str, Any] = {
    "Status": "exited",
    "StartedAt": "2026-11-01T00:00:00.123456789Z",
    "FinishedAt": "2026-11-01T00:00:02.5Z",
    "ExitCode": 0,
    "OOMKilled": False,
    "Dead": False,
    "Error": "",
}


def seen(said: str = "", *, stopped: bool = False, **state: object) -> Execution | None:
    attributes = {"State": {**STATE, **state}, "RestartCount": 0, "HostConfig": {"Memory": 2**28}}
    return execution_of("j", attributes, Told(said, stopped, 2**20, 1.5))


def test_options_of_a_notebook_block() -> None:
    assert container_options(JOB, "host/does@sha256:a") == {
        "image": "host/does@sha256:a",
        "name": "lentiq-r-t-1",
        "labels": {"io.lentiq.pool": "pool", "io.lentiq.job": "lentiq-r-t-1"},
        "environment": {
            "LENTIQ_TASK": "t",
            "TOKEN": "s",
            "LENTIQ_INPUTS": '{"rows": 3, "name": "é"}',
            "LENTIQ_RESULTS": "/lentiq/results",
        },
        "nano_cpus": 500_000_000,
        "mem_limit": 2**28,
        "memswap_limit": 2**28,
        "pids_limit": 4096,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "init": True,
        "tmpfs": {"/tmp": "rw,exec,nosuid,nodev,mode=1777"},
        "volumes": ["/lentiq/results"],
        "log_config": {"Type": "json-file", "Config": {"max-size": "134217728", "max-file": "8"}},
        "restart_policy": {"Name": "no"},
        "auto_remove": False,
        "detach": True,
        "network_mode": "none",
    }


def test_image_block_gets_its_command_and_plain_inputs() -> None:
    spec = dataclasses.replace(BLOCK.spec, kind=BlockKind.IMAGE, command=("echo", "a b"))
    job = dataclasses.replace(JOB, block=dataclasses.replace(BLOCK, spec=spec), allow_network=True)
    options = container_options(job, "busybox")
    assert (options["command"], options["read_only"], "tmpfs" in options, "network_mode" in options) == (
        ["echo", "a b"],
        False,
        False,
        False,
    )
    assert options["environment"]["LENTIQ_INPUT_ROWS"] == "3"
    assert options["environment"]["LENTIQ_INPUT_NAME"] == "é"


def test_ends_are_told_apart() -> None:
    started, ended = datetime.fromisoformat(STATE["StartedAt"]), datetime.fromisoformat(STATE["FinishedAt"])
    running = Execution(
        name="j",
        state=ExecutionState.RUNNING,
        starts=1,
        started_at=started,
        peak_memory_bytes=2**20,
        cpu_s=1.5,
    )
    done = dataclasses.replace(running, state=ExecutionState.SUCCEEDED, ended_at=ended, exit_code=0)

    def failed(code: int, cause: Cause, reason: str, **more: Any) -> Execution:
        return dataclasses.replace(
            done, state=ExecutionState.FAILED, exit_code=code, cause=cause, reason=reason, **more
        )

    killed = "killed: used more than 256Mi of memory"
    outside = "from outside: Docker was shut down, or somebody ended the container"
    assert seen() == done
    assert seen(Status="created", StartedAt="0001-01-01T00:00:00Z") is None
    assert seen(Status="running") == running
    assert seen(ExitCode=1) == failed(1, Cause.EXIT_CODE, "exit code 1")
    assert seen("E: x (cell 2)", ExitCode=1) == failed(1, Cause.CELL_FAILED, "E: x (cell 2)")
    assert seen(ExitCode=2) == failed(2, Cause.BAD_INPUT, "its inputs were refused; see its log")
    assert seen(ExitCode=3, OOMKilled=True) == failed(3, Cause.OUT_OF_MEMORY, killed, peak_memory_bytes=2**28)
    assert seen("E: x (cell 2)", ExitCode=1, OOMKilled=True) == failed(
        1, Cause.OUT_OF_MEMORY, f"{killed} (E: x (cell 2))", peak_memory_bytes=2**28
    )
    assert seen(ExitCode=143, stopped=True) == failed(143, Cause.CANCELLED, "exit code 143", stopped=True)
    assert seen(ExitCode=143) == failed(143, Cause.SIGNAL, f"stopped {outside}")
    assert seen(ExitCode=137) == failed(137, Cause.SIGNAL, f"killed {outside}")
    assert seen(ExitCode=139) == failed(139, Cause.SIGNAL, "killed by SIGSEGV")
    assert seen(ExitCode=255) == dataclasses.replace(
        done, state=ExecutionState.LOST, exit_code=255, cause=Cause.LOST, reason="the Docker Engine lost it"
    )


def test_engine_that_does_not_answer_is_said(tmp_path: Any) -> None:
    executor = DockerExecutor(
        LayoutRegistry(tmp_path), lambda: docker.DockerClient("tcp://127.0.0.1:1", version="1.41")
    )
    with pytest.raises(Unavailable, match="Start Docker"):
        executor.start(JOB)
    with pytest.raises(Unavailable, match="Start Docker"):
        executor.find("pool")


@pytest.mark.docker
def test_incomplete_and_local_blocks_need_the_process_executor(tmp_path: Any) -> None:
    executor = DockerExecutor(LayoutRegistry(tmp_path))
    with pytest.raises(BadInput, match="--executor process"):
        executor.start(JOB)
    with pytest.raises(BadInput, match="has no base layers"):
        executor.start(dataclasses.replace(JOB, block=dataclasses.replace(BLOCK, complete=False)))


@pytest.mark.docker
@pytest.mark.registry
def test_missing_image_is_said(docker_registry: DistributionRegistry) -> None:
    with pytest.raises(NotFound, match="Publish the block again"):
        DockerExecutor(docker_registry).start(JOB)


@pytest.mark.docker
@pytest.mark.registry
def test_image_block_runs_its_own_program(registry_host: str, docker_registry: DistributionRegistry) -> None:
    spec = BlockSpec(
        name="greets",
        kind=BlockKind.IMAGE,
        base=f"{registry_host}/library/busybox:latest",
        command=("sh", "-c", 'echo "rows $LENTIQ_INPUT_ROWS"'),
    )
    block = dataclasses.replace(BLOCK, spec=spec)
    executor = DockerExecutor(docker_registry)
    bench = Bench(executor, block, lambda: executor)
    name = bench.start(inputs={"rows": 3})
    assert bench.ended(name).state is ExecutionState.SUCCEEDED
    assert executor.log(name) == b"rows 3\n"
    nonsense = dataclasses.replace(block, spec=dataclasses.replace(spec, command=("no-such-program",)))
    job = bench.job(block=nonsense)
    with pytest.raises(BadInput, match="no-such-program"):
        executor.start(job)
    assert executor.inspect(job.name) is None
    bench.close()


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.network
def test_container_created_but_not_started_is_started(docker_bench: Bench) -> None:
    job = docker_bench.job("print('ran')")
    with closing(docker.from_env()) as client:
        executor = docker_bench.executor
        assert isinstance(executor, DockerExecutor)
        image = f"{executor._registry.location}/{job.block.image}"
        client.images.pull(image)
        client.containers.create(**container_options(job, image))
        assert executor.inspect(job.name) is None
        executor.start(job)
        assert docker_bench.ended(job.name).starts == 1
        limits = client.containers.get(job.name).attrs["HostConfig"]
        assert (limits["NanoCpus"], limits["Memory"], limits["MemorySwap"]) == (10**9, 2**29, 2**29)
        volumes = {one["Name"] for one in client.containers.get(job.name).attrs["Mounts"] if one["Type"] == "volume"}
        assert len(volumes) == 1
        executor.remove(job.name)
        wait_for("volume to go", lambda: volumes.isdisjoint(one.name for one in client.volumes.list()))


class Wire:
    """A line to the engine that can be cut; what listens is the real engine."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.whole = True
        self.ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.whole:
                near.close()
                continue
            engine = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
            if engine.scheme == "unix":
                far = socket.socket(socket.AF_UNIX)
                far.connect(engine.path)
            else:
                far = socket.create_connection((engine.hostname or "", engine.port or 2375))
            self.ends += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self.whole = False
        for one in self.ends:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for one in self.ends:
            one.close()
        self.ends = []

    def close(self) -> None:
        self.cut()
        # Wakes the thread that accepts.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    found = Wire()
    yield found
    found.close()


@pytest.fixture
def shell_bench(registry_host: str, tmp_path: Path) -> Iterator[Callable[[str], Bench]]:
    """Benches of image blocks that run a line of shell: ends in a second, needs no kernel."""
    made: list[Bench] = []

    def bench(script: str) -> Bench:
        spec = BlockSpec(
            name="does",
            kind=BlockKind.IMAGE,
            base=f"{registry_host}/library/busybox:latest",
            command=("sh", "-c", script),
        )
        registry = LayoutRegistry(tmp_path / "none")
        block = dataclasses.replace(BLOCK, spec=spec)
        made.append(Bench(DockerExecutor(registry), block, lambda: DockerExecutor(registry)))
        return made[-1]

    yield bench
    for one in made:
        one.close()


def listeners(pool: str) -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == f"docker-events-{pool}"]


@pytest.mark.docker
@pytest.mark.parametrize("listened_s", [0, 0.001, 0.01, 0.2])
def test_unsubscribing_ends_the_thread_at_once_whenever_it_comes(listened_s: float, tmp_path: Path) -> None:
    executor = DockerExecutor(LayoutRegistry(tmp_path))
    pool = f"listened-{listened_s}"
    for _ in range(5):
        unsubscribe = executor.subscribe(pool, lambda name: None)
        time.sleep(listened_s)
        began = time.monotonic()
        unsubscribe()
        assert time.monotonic() - began < 30  # without, it would end with the engine
        assert listeners(pool) == []


@pytest.mark.docker
@pytest.mark.registry
def test_end_while_the_engine_was_away_is_told_afterwards(
    wire: Wire, shell_bench: Callable[[str], Bench], tmp_path: Path
) -> None:
    bench = shell_bench("sleep 2")
    far = DockerExecutor(LayoutRegistry(tmp_path), lambda: docker.DockerClient(f"tcp://127.0.0.1:{wire.port}"))
    told: list[str] = []
    unsubscribe = far.subscribe(bench.pool, told.append)
    name = bench.start(inputs={})
    wire.cut()
    bench.ended(name)
    assert told == []
    wire.whole = True
    wait_for("word", lambda: told, 10)
    assert told == [name]
    unsubscribe()
    assert listeners(bench.pool) == []


@pytest.mark.docker
@pytest.mark.registry
def test_container_survives_the_death_of_who_started_it(shell_bench: Callable[[str], Bench], tmp_path: Path) -> None:
    bench = shell_bench("echo begin; sleep 3; echo woke")
    job = bench.job(inputs={})
    code = (
        "import pickle, pathlib, sys, time\n"
        "from lentiq_jupyter.executors import DockerExecutor\n"
        "from lentiq_jupyter.registry import LayoutRegistry\n"
        "DockerExecutor(LayoutRegistry(pathlib.Path(sys.argv[1]))).start(pickle.load(sys.stdin.buffer))\n"
        "print('started', flush=True)\n"
        "time.sleep(100)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        starter.stdin.write(pickle.dumps(job))
        starter.stdin.close()
        assert starter.stdout.readline() == b"started\n"
        starter.send_signal(signal.SIGKILL)
        assert starter.wait(10) == -signal.SIGKILL
    executor = bench.again()
    assert executor.find(bench.pool)[job.name].state is ExecutionState.RUNNING
    executor.start(job)
    end = bench.ended(job.name)
    assert (end.state, end.starts) == (ExecutionState.SUCCEEDED, 1)
    assert executor.log(job.name) == b"begin\nwoke\n"


@pytest.mark.docker
@pytest.mark.registry
def test_other_files_in_the_results_folder_are_not_fetched(shell_bench: Callable[[str], Bench], tmp_path: Path) -> None:
    bench = shell_bench(
        "cd $LENTIQ_RESULTS; echo {} > outputs.json; ln -s /etc/passwd error.json; mkdir progress.json;"
        " head -c 100000000 /dev/zero > data.bin"
    )
    name = bench.start(inputs={})
    assert bench.ended(name).state is ExecutionState.SUCCEEDED
    tracemalloc.start()
    try:
        bench.executor.collect(name, tmp_path / "into")
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
    assert {path.name: path.read_bytes() for path in (tmp_path / "into").iterdir()} == {"outputs.json": b"{}\n"}


@pytest.mark.docker
@pytest.mark.registry
def test_result_file_over_the_limit_stays_where_it_is(
    shell_bench: Callable[[str], Bench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_module, "RESULT_LIMIT_BYTES", 1000)
    bench = shell_bench("cd $LENTIQ_RESULTS; echo {} > outputs.json; head -c 1001 /dev/zero > notebook.ipynb")
    name = bench.start(inputs={})
    bench.ended(name)
    bench.executor.collect(name, tmp_path / "into")
    assert {path.name: path.read_bytes() for path in (tmp_path / "into").iterdir()} == {"outputs.json": b"{}\n"}
