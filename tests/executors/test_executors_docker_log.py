"""Logs of containers, of any length, are read once, in bounded memory, without secrets."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
import pytest
from executor_blocks import Bench, wait_for

from lentiq_jupyter.executors import DockerExecutor, container, docker_log
from lentiq_jupyter.model import Block, BlockKind, BlockSpec, ExecutionState, Input
from lentiq_jupyter.registry import LayoutRegistry

pytestmark = [pytest.mark.docker, pytest.mark.registry]


@pytest.fixture
def shell(registry_host: str, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Benches of image blocks that run a line of shell."""
    made: list[Bench] = []

    def bench(script: str, *secrets: str) -> Bench:
        spec = BlockSpec(
            name="prints",
            kind=BlockKind.IMAGE,
            base=f"{registry_host}/library/busybox:latest",
            command=("sh", "-c", script),
            inputs=tuple(Input(name=one, secret=True) for one in secrets),
        )
        block = Block(
            spec=spec,
            version="1",
            image="prints@sha256:" + "a" * 64,
            digest="sha256:" + "a" * 64,
            image_id="sha256:" + "b" * 64,
            created=datetime(2026, 11, 1, tzinfo=UTC),
        )
        registry = LayoutRegistry(tmp_path / "none")
        made.append(Bench(DockerExecutor(registry), block, lambda: DockerExecutor(registry)))
        return made[-1]

    yield bench
    for one in made:
        one.close()


class Counted:
    """Counts what is asked of the engine, and how many records it gave."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = 0
        self.records = 0
        stream = docker_log._stream

        def counted(*given: Any) -> Iterator[Any]:
            self.opened += 1
            for one in stream(*given):
                self.records += 1
                yield one

        monkeypatch.setattr(docker_log, "_stream", counted)


def read_all(bench: Bench, name: str, limit: int) -> tuple[int, int, bytes]:
    """Bytes and calls it took, and the last bytes, of a log read piece by piece."""
    at, calls, last = 0, 0, b""
    while piece := bench.executor.log(name, at, limit):
        assert len(piece) <= limit
        last = (last + piece)[-100:]
        at, calls = at + len(piece), calls + 1
    return at, calls, last


def test_large_log_is_read_once_in_little_memory(shell: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    line, lines = "x" * 8000, 25_000
    bench = shell(f"yes {line} | head -n {lines}; echo end")
    name = bench.start(inputs={})
    assert bench.ended(name, 120).state is ExecutionState.SUCCEEDED
    counted = Counted(monkeypatch)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size, calls, last = read_all(bench, name, 1 << 20)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 2**10
    assert (size, last[-4:]) == (lines * 8001 + 4, b"end\n")
    assert (calls, counted.opened) == (191, 2)
    assert counted.records < lines + 100
    assert bench.executor.log(name, size) == b""
    assert counted.opened == 2


def test_reader_of_a_growing_log_gets_what_is_new_from_its_end(
    shell: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = shell("seq 1 30000; echo half; while [ ! -e /tmp/go ]; do sleep 0.05; done; seq 1 10; echo end; sleep 60")
    name = bench.start(inputs={})
    bench.says(name, "half\n")
    at = 0
    while piece := bench.executor.log(name, at):
        at += len(piece)
    whole = bench.executor.log(name, 0)
    assert len(whole) == at
    counted = Counted(monkeypatch)
    assert bench.executor.log(name, at) == b""
    client = docker.from_env()
    client.containers.get(name).exec_run(["sh", "-c", ": > /tmp/go"])
    client.close()
    fresh = wait_for("more", lambda: bench.executor.log(name, at) if time.sleep(0.3) is None else b"")
    assert fresh == b"".join(b"%d\n" % one for one in range(1, 11)) + b"end\n"
    # A second reader of the same place is served as well.
    assert bench.executor.log(name, at) == fresh
    assert counted.records < 70 * counted.opened


def test_readers_anywhere_get_the_same_bytes(shell: Callable[..., Bench]) -> None:
    bench = shell("seq 1 20000; printf 'no line end'")
    name = bench.start(inputs={})
    bench.ended(name)
    whole = b"".join(b"%d\n" % one for one in range(1, 20001)) + b"no line end"
    assert bench.executor.log(name) == whole
    assert bench.executor.log(name, 10) == whole[10:]
    assert bench.again().log(name, 70_001, 7) == whole[70_001:70_008]
    assert bench.executor.log(name, len(whole) + 5) == b""
    wrong: list[int] = []

    def read(step: int) -> None:
        at = 0
        while piece := bench.executor.log(name, at, step):
            if piece != whole[at : at + step]:
                wrong.append(at)
            at += len(piece)
        if at != len(whole):
            wrong.append(at)

    threads = [threading.Thread(target=read, args=(step,)) for step in (1000, 1000, 3333, 50_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_secret_across_pieces_and_records_stays_hidden(shell: Callable[..., Bench]) -> None:
    secret = "s3cret-" * 3000  # longer than one record of the engine
    bench = shell('echo "a $TOKEN b"; printf "half ${TOKEN%-*}"; sleep 1; echo "-"; printf "$SHORT"', "token", "short")
    name = bench.start(inputs={}, secrets={"token": secret, "short": "pass"})
    found = b""
    while not found.endswith(b"\n***"):
        found += bench.executor.log(name, len(found), 5)
        assert b"s3cret" not in found
    assert found == b"a *** b\nhalf ***\n***"
    assert bench.ended(name).state is ExecutionState.SUCCEEDED
    assert bench.again().log(name, 3) == found[3:]


def test_log_beyond_its_bound_says_what_is_lost(shell: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "LOG_FILE_BYTES", 100_000)
    monkeypatch.setattr(container, "LOG_FILES", 2)
    bench = shell("echo begin; while [ ! -e /tmp/go ]; do sleep 0.05; done; seq 1 100000; echo end")
    name = bench.start(inputs={})
    bench.says(name, "begin\n")
    client = docker.from_env()
    client.containers.get(name).exec_run(["sh", "-c", ": > /tmp/go"])
    client.close()
    bench.ended(name)
    rest = b""
    while piece := bench.executor.log(name, 6 + len(rest)):
        rest += piece
    said, _, kept = rest.partition(b"\n")
    assert said == b"[lentiq] What was printed here is gone: the log had no room for it."
    assert kept.endswith(b"100000\nend\n")
    assert len(kept) < 200_000
    assert bench.again().log(name) == kept


def test_many_readers_hold_few_connections(shell: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    bench = shell("seq 1 20000")
    name = bench.start(inputs={})
    bench.ended(name)
    executor = bench.executor
    assert isinstance(executor, DockerExecutor)
    for at in range(40_000, 0, -4_000):
        executor.log(name, at, 10)
    assert len(executor._logs._streams) == docker_log._STREAMS
    executor.remove(name)
    assert len(executor._logs._streams) == 0
    assert len(executor._logs._places) == 0
