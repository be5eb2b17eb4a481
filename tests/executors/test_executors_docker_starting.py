"""What the docker executor does when something is in the way of a start, or the engine goes away in the middle."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
import pytest
from executor_blocks import Bench, wait_for

from lentiq_jupyter.errors import BadInput, Conflict, NotFound
from lentiq_jupyter.executors import DockerExecutor
from lentiq_jupyter.executors import docker as docker_module
from lentiq_jupyter.executors.container import LABEL_JOB, LABEL_POOL, container_options
from lentiq_jupyter.executors.docker_clearing import sweep_unstarted
from lentiq_jupyter.executors.docker_marks import Mark, has_mark, put_mark, sweep_marks
from lentiq_jupyter.model import Block, BlockKind, BlockSpec, Cause, ExecutionState, Resources
from lentiq_jupyter.registry import LayoutRegistry

pytestmark = [pytest.mark.docker, pytest.mark.registry]
Shell = Callable[..., Bench]


def shell_block(image: str, script: str) -> Block:
    """An image block that runs a line of shell."""
    return Block(
        spec=BlockSpec(name="does", kind=BlockKind.IMAGE, base=image, command=("sh", "-c", script)),
        version="1",
        image="does@sha256:" + "a" * 64,
        digest="sha256:" + "a" * 64,
        image_id="sha256:" + "b" * 64,
        created=datetime(2026, 11, 1, tzinfo=UTC),
    )


def saved_image(name: str, machine: str) -> bytes:
    """What ``docker save`` gives for an image for that machine with nothing in it."""
    layer = io.BytesIO()
    tarfile.open(fileobj=layer, mode="w").close()
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = {"architecture": machine, "os": "linux", "config": {}, "history": [{}]}
    config["rootfs"] = {"type": "layers", "diff_ids": [f"sha256:{digest}"]}
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    files = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, body in {**files, "layer.tar": layer.getvalue()}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return packed.getvalue()


@pytest.fixture
def busybox(registry_host: str) -> str:
    return f"{registry_host}/library/busybox:latest"


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    with closing(docker.from_env()) as client:
        yield client


@pytest.fixture
def shell(busybox: str, tmp_path: Path) -> Iterator[Shell]:
    """Benches of image blocks that run a line of shell."""
    made: list[Bench] = []

    def bench(script: str = "true", image: str = busybox) -> Bench:
        registry = LayoutRegistry(tmp_path / "none")
        block = shell_block(image, script)
        made.append(Bench(DockerExecutor(registry), block, lambda: DockerExecutor(registry)))
        return made[-1]

    yield bench
    for one in made:
        one.close()


class At:
    """Does something at one point of the executor's work, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, what: Callable[[], object]) -> None:
        self.results: list[object] = []
        plain = getattr(place, name)

        def wrapped(*given: Any, **named: Any) -> Any:
            if not self.results:
                self.results.append(what())
            return plain(*given, **named)

        monkeypatch.setattr(place, name, wrapped)


# -- forbidding


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A starter that is at it and does not go on."""
    monkeypatch.setattr(docker_module, "_FORBID_S", 0.1)


@pytest.mark.usefixtures("frozen")
def test_forbidden_while_its_container_is_made(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = shell()
    job = bench.job(inputs={})
    # The container is there, the starter has not looked for the mark yet.
    at = At(monkeypatch, docker_module, "has_mark", lambda: bench.again().forbid(job.name, bench.pool))
    with pytest.raises(Conflict, match="may not start any more"):
        bench.executor.start(job)
    assert at.results == [True]
    assert bench.executor.inspect(job.name) is None


@pytest.mark.usefixtures("frozen")
def test_forbidden_between_the_look_for_the_mark_and_the_start(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = shell()
    job = bench.job(inputs={})
    at = At(monkeypatch, docker_module, "open_folder", lambda: bench.again().forbid(job.name, bench.pool))
    with pytest.raises(Conflict, match="may not start any more"):
        bench.executor.start(job)
    assert at.results == [True]
    assert bench.executor.inspect(job.name) is None


@pytest.mark.parametrize("script", ["true", "sleep 60"])
def test_started_between_the_look_and_the_removal_is_not_forbidden(
    script: str, shell: Shell, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = shell(script)
    job = bench.job(inputs={})
    container = engine.containers.create(**container_options(job, bench.block.spec.base))

    def start() -> None:
        container.start()
        if script == "true":
            container.wait()

    At(monkeypatch, docker_module.Container, "remove", start)
    assert bench.executor.forbid(job.name, bench.pool) is False
    monkeypatch.undo()
    # What has run to its end meanwhile is gone, but nobody is told that it never ran.
    assert (bench.executor.inspect(job.name) is None) == (script == "true")


def test_many_that_start_and_forbid_agree(shell: Shell) -> None:
    bench = shell()
    for _ in range(6):
        job = bench.job(inputs={})
        outcomes: dict[str, object] = {}

        def start(job: Any = job, outcomes: dict[str, object] = outcomes) -> None:
            try:
                bench.again().start(job)
                outcomes["started"] = True
            except Conflict:
                outcomes["started"] = False

        thread = threading.Thread(target=start)
        thread.start()
        time.sleep(0.02 * len(bench.names))
        forbidden = bench.again().forbid(job.name, bench.pool)
        thread.join()
        assert outcomes["started"] is not forbidden
        assert (bench.executor.inspect(job.name) is None) is forbidden


def test_removing_forgets_what_was_said_of_a_job(shell: Shell, engine: docker.DockerClient) -> None:
    bench = shell()
    job = bench.job(inputs={})
    assert bench.executor.forbid(job.name, bench.pool) is True
    assert bench.executor.forbid(job.name, bench.pool) is True
    bench.executor.remove(job.name)
    assert not has_mark(engine, Mark.FORBIDDEN, job.name)
    put_mark(engine, Mark.FORBIDDEN, job.name, bench.pool)
    # Others may have left older ones on this engine.
    sweep_marks(engine, time.time() - 600)
    assert sweep_marks(engine, time.time() + 600, dry_run=True) >= 1
    assert has_mark(engine, Mark.FORBIDDEN, job.name)
    bench.executor.remove(job.name)


# -- what is in the way


def test_container_of_a_stranger_is_left_alone(shell: Shell, engine: docker.DockerClient, busybox: str) -> None:
    bench = shell()
    job = bench.job(inputs={})
    stranger = engine.containers.run(busybox, ["sleep", "60"], name=job.name, detach=True)
    try:
        with pytest.raises(BadInput, match=r"is not this job, and it is left alone\. Rename or remove"):
            bench.executor.start(job)
        executor = bench.executor
        assert executor.inspect(job.name) is None
        executor.stop(job.name, 0)
        executor.remove(job.name)
        with pytest.raises(NotFound):
            executor.log(job.name)
        stranger.reload()
        assert stranger.status == "running"
    finally:
        stranger.remove(force=True)


def test_image_removed_between_pull_and_create_is_pulled_again(
    shell: Shell, engine: docker.DockerClient, registry_host: str, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry_host}/lentiq-test/fleeting"
    engine.images.get(busybox).tag(name, "1")
    engine.api.push(name, "1")
    bench = shell("echo ran", f"{name}:1")
    job = bench.job(inputs={})
    at = At(monkeypatch, bench.executor, "_create", lambda: engine.images.remove(f"{name}:1"))
    bench.executor.start(job)
    assert len(at.results) == 1
    assert bench.ended(job.name).state is ExecutionState.SUCCEEDED
    bench.executor.remove(job.name)
    engine.images.remove(f"{name}:1")


def test_image_that_never_stays_is_missing(
    shell: Shell, engine: docker.DockerClient, registry_host: str, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry_host}/lentiq-test/fleeting"
    engine.images.get(busybox).tag(name, "1")
    engine.api.push(name, "1")
    bench = shell("echo ran", f"{name}:1")
    plain = bench.executor._create  # type: ignore[attr-defined]

    def create(*given: Any) -> Any:
        engine.images.remove(f"{name}:1")
        return plain(*given)

    monkeypatch.setattr(bench.executor, "_create", create)
    with pytest.raises(NotFound, match="was removed from Docker while its job was being started"):
        bench.executor.start(bench.job(inputs={}))


def test_image_for_another_machine_is_refused(shell: Shell, engine: docker.DockerClient) -> None:
    name = "lentiq-test-other-machine:1"
    engine.images.load(saved_image(name, "s390x"))
    try:
        bench = shell("true", name)
        job = bench.job(inputs={})
        with pytest.raises(BadInput, match=r"is made for linux/s390x; Docker here runs linux/\w+\. Publish it for"):
            bench.executor.start(job)
        assert bench.executor.inspect(job.name) is None
    finally:
        engine.images.remove(name)


def test_container_nobody_started_goes_after_an_hour(shell: Shell, engine: docker.DockerClient) -> None:
    bench = shell("sleep 60")
    made, running = bench.job(inputs={}), bench.start(inputs={})
    engine.containers.create(**container_options(made, bench.block.spec.base))
    assert sweep_unstarted(engine, bench.pool) == 0
    assert set(bench.executor.find(bench.pool)) == {running}
    assert sweep_unstarted(engine, bench.pool, older_s=-10) == 1
    listed = engine.containers.list(all=True, filters={"label": f"{LABEL_POOL}={bench.pool}"})
    assert [one.labels[LABEL_JOB] for one in listed] == [running]


# -- how it ends


def test_block_that_takes_too_much_memory_says_so(shell: Shell) -> None:
    bench = shell("tail /dev/zero")
    name = bench.start(inputs={}, resources=Resources(cpu_millicores=1000, memory_bytes=2**25))
    end = bench.ended(name)
    assert (end.state, end.cause, end.reason, end.peak_memory_bytes) == (
        ExecutionState.FAILED,
        Cause.OUT_OF_MEMORY,
        "killed: used more than 32Mi of memory",
        2**25,
    )


def test_figures_of_a_running_block_are_looked_at_and_kept(shell: Shell) -> None:
    bench = shell("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo begin; sleep 60")
    name = bench.start(inputs={})
    bench.says(name, "begin\n")
    live = bench.executor.inspect(name)
    assert live is not None
    assert live.peak_memory_bytes is not None
    assert live.cpu_s is not None
    assert 0 < live.peak_memory_bytes < 2**28
    assert 0 < live.cpu_s < 60
    bench.executor.stop(name, 0)
    end = bench.ended(name)
    assert (end.cause, end.stopped) == (Cause.CANCELLED, True)
    assert end.peak_memory_bytes is not None
    assert end.peak_memory_bytes >= live.peak_memory_bytes


def test_container_ended_by_others_is_told_from_one_that_was_stopped(shell: Shell, engine: docker.DockerClient) -> None:
    bench = shell("echo begin; sleep 60")
    name = bench.start(inputs={})
    bench.says(name, "begin\n")
    engine.containers.get(name).kill()
    end = bench.ended(name)
    assert (end.state, end.cause, end.stopped, end.reason) == (
        ExecutionState.FAILED,
        Cause.SIGNAL,
        False,
        "killed from outside: Docker was shut down, or somebody ended the container",
    )


def test_job_sees_nothing_of_the_host(shell: Shell, engine: docker.DockerClient) -> None:
    name = shell().start(inputs={})
    found = engine.containers.get(name).attrs
    assert [one["Type"] for one in found["Mounts"]] == ["volume"]
    assert (found["HostConfig"]["Privileged"], found["HostConfig"]["PidMode"], found["HostConfig"]["IpcMode"]) == (
        False,
        "",
        "private",
    )


# -- the engine goes away

# Where no engine answers, the SDK drops its sockets unclosed.
restarting = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


class SecondEngine:
    """A Docker engine of this test's own, in a network namespace of its own, that can be ended and started again."""

    def __init__(self, folder: Path, runtime: tuple[str, str]) -> None:
        self.folder = folder
        self.runtime = runtime
        self.url = f"unix://{folder}/s"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> str:
        """Start it; why it does not answer, "" if it does."""
        name, path = self.runtime
        for stale in ("pid", "exec/containerd/containerd.pid"):
            (self.folder / stale).unlink(missing_ok=True)
        extra = ["--add-runtime", f"{name}={path}", "--default-runtime", name] if name != "runc" else []
        options = [f"--host={self.url}", f"--pidfile={self.folder}/pid", "--bridge=none", "--iptables=false"]
        options += [f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec", "--storage-driver=vfs"]
        with (self.folder / "log").open("ab") as output:
            self.process = subprocess.Popen(
                # Without a network of its own it would take the other engine's bridge away.
                ["unshare", "--net", "dockerd", *options, *extra, *words],
                stdout=output,
                stderr=output,
            )
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(docker.errors.DockerException, OSError), closing(docker.DockerClient(self.url)) as client:
                client.ping()
                return ""
            time.sleep(0.1)
        return (self.folder / "log").read_text()[-500:]

    def end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None


@pytest.fixture
def second(engine: docker.DockerClient, busybox: str) -> Iterator[SecondEngine]:
    if os.getuid() or not all(map(shutil.which, ("dockerd", "unshare"))):
        pytest.skip("a second Docker engine needs root, dockerd and unshare")
    folder = Path("/tmp") / f"lentiq-engine-{os.getpid()}"
    folder.mkdir()
    info = engine.info()
    runtime = info["DefaultRuntime"]
    found = SecondEngine(folder, (runtime, info["Runtimes"][runtime]["path"]))
    reason = found.start()
    try:
        if reason:
            pytest.skip(f"a second Docker engine does not start here: {reason}")
        with closing(docker.DockerClient(found.url)) as client:
            client.images.load(b"".join(engine.images.get(busybox).save(named=True)))
        yield found
        with closing(docker.DockerClient(found.url)) as client:
            for one in client.containers.list(all=True):
                one.remove(force=True)
    finally:
        gc.collect()
        found.end(signal.SIGTERM)
        for line in Path("/proc/mounts").read_text().splitlines():
            if line.split()[1].startswith(f"{folder}/"):
                subprocess.run(["umount", line.split()[1]], check=False)
        shutil.rmtree(folder, ignore_errors=True)


@restarting
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_engine_restart_in_the_middle_is_told(
    ending: signal.Signals, second: SecondEngine, busybox: str, tmp_path: Path
) -> None:
    def executor() -> DockerExecutor:
        return DockerExecutor(LayoutRegistry(tmp_path), lambda: docker.DockerClient(second.url, timeout=10))

    script = "trap 'echo asked; exit 143' TERM; echo begin; while true; do sleep 0.1; done"
    bench = Bench(executor(), shell_block(busybox, script), executor)
    told: list[str] = []
    unsubscribe = bench.executor.subscribe(bench.pool, told.append)
    name = bench.start(inputs={}, allow_network=False)
    bench.says(name, "begin\n")
    second.end(ending)
    assert second.start() == ""
    end = bench.ended(name)
    assert (end.state, end.cause, end.stopped, end.starts) == (ExecutionState.FAILED, Cause.SIGNAL, False, 1)
    assert end.reason.endswith("from outside: Docker was shut down, or somebody ended the container")
    assert bench.executor.log(name) == b"begin\nasked\n"
    # Whoever listened hears of what ends from now on.
    later = bench.job(inputs={}, allow_network=False, block=shell_block(busybox, "true"))
    wait_for("word", lambda: later.name in told if bench.executor.start(later) is None else None)
    unsubscribe()
    bench.close()


@restarting
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_container_survives_a_restart_of_an_engine_that_lets_it(
    ending: signal.Signals, second: SecondEngine, busybox: str, tmp_path: Path
) -> None:
    second.end(signal.SIGTERM)
    assert second.start("--live-restore") == ""

    def executor() -> DockerExecutor:
        return DockerExecutor(LayoutRegistry(tmp_path), lambda: docker.DockerClient(second.url, timeout=10))

    script = "echo begin; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo end"
    bench = Bench(executor(), shell_block(busybox, script), executor)
    told: list[str] = []
    unsubscribe = bench.executor.subscribe(bench.pool, told.append)
    job = bench.job(inputs={}, allow_network=False)
    bench.executor.start(job)
    bench.says(job.name, "begin\n")
    second.end(ending)
    assert second.start("--live-restore") == ""
    assert bench.again().find(bench.pool)[job.name].state is ExecutionState.RUNNING
    bench.again().start(job)
    with closing(docker.DockerClient(second.url)) as client:
        client.containers.get(job.name).exec_run(["sh", "-c", ": > /tmp/go"])
    end = bench.ended(job.name)
    assert (end.state, end.starts) == (ExecutionState.SUCCEEDED, 1)
    assert bench.executor.log(job.name) == b"begin\nend\n"
    wait_for("word", lambda: told == [job.name])
    unsubscribe()
    bench.close()
