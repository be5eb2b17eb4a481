"""Seconds from the trigger of a workflow to its end, and what a scheduler costs that has nothing to do.

Peers run in environments of their own, in the same run, round by round, and medians count. Every task of
everybody is the same program, `trivial_task.py`, which writes down when it begins and ends: all times but the
trigger's are read from there, so they mean the same for all.

    python tests/benchmarks/scheduling.py [--rounds 5] [--json FILE] [--peer NAME=PYTHON]… [--postgres] [WORKLOAD…]

    chain   ten tasks, one after another: trigger to end, first begin to end, and the gaps between tasks
    fan     a hundred tasks, two at a time, and one after them all
    idle    10,000 workflows defined, none due, 100,000 runs in the past: CPU of a tick, memory of the process
    due     1,000 workflows due in one tick: seconds until all are started

`--peer` names are floor (a loop that starts processes; always there), huey, luigi (called in a warm process), luigi-
command (its command is the trigger), prefect, prefect-direct, airflow, and the Python of an environment that has it.
`lentiq` is a scheduler in a thread of the process that triggers, as under Jupyter or `lentiq run`; `lentiq-service`
one in a process of its own, as `lentiq scheduler`. Both start tasks by the process executor. `--postgres` takes the
server of LENTIQ_TEST_POSTGRES instead of SQLite (chain and fan), or besides (idle and due).
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from own_parts import (
    database,
    fill,
    published,
    quota,
    scheduler,
    task,
    trigger,
    trivial_executor,
    workflow,
)

from lentiq_jupyter.model import Block, encode
from lentiq_jupyter.store import open_store

CHAIN, FAN, AT_ONCE = 10, 100, 2
PEERS = {
    "floor": ["floor_peer.py"],
    "huey": ["huey_peer.py"],
    "luigi": ["luigi_peer.py"],
    "luigi-command": ["luigi_peer.py", "command"],
    "prefect": ["prefect_peer.py"],
    "prefect-direct": ["prefect_peer.py", "direct"],
    "airflow": ["airflow_peer.py"],
}
HERE = Path(__file__).parent
WORKFLOWS = {
    "chain": workflow("chain", *(task(f"t{n}", *([f"t{n - 1}"] if n else [])) for n in range(CHAIN))),
    "fan": workflow("fan", *(task(f"t{n}") for n in range(FAN)), task("join", *(f"t{n}" for n in range(FAN)))),
}
LINES = {"chain": CHAIN, "fan": FAN + 1}
Trigger = Callable[[str, Path], float]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one execution took: seconds, and the median gap in milliseconds."""

    trigger_to_end_s: float
    begin_to_end_s: float
    gap_ms: float


def read_round(triggered: float, record: Path, workload: str) -> Round:
    """From the record that the tasks wrote. Fails if they are not those of the workload, in an order it allows."""
    rows = [line.split() for line in record.read_text().splitlines()]
    times = {name: (float(begin), float(end)) for name, begin, end in rows}
    assert len(rows) == len(times) == LINES[workload], f"{workload}: {len(rows)} tasks, {len(times)} of them different"
    last = max(end for _, end in times.values())
    first = min(begin for begin, _ in times.values())
    if workload == "chain":
        ordered = [times[f"t{n}"] for n in range(CHAIN)]
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(ordered)]
        assert min(gaps) > 0, "a task began before the one before it had ended"
    else:
        join = times.pop("join")
        assert join[0] >= max(end for _, end in times.values()), "the join began too early"
        gaps = [join[0] - max(end for _, end in times.values())]
    return Round(trigger_to_end_s=last - triggered, begin_to_end_s=last - first, gap_ms=1000 * statistics.median(gaps))


@contextmanager
def peer(name: str, python: str, folder: Path) -> Iterator[Trigger]:
    """A peer with its services up; what triggers a workload in it."""
    folder.mkdir()
    script, *words = PEERS[name]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [python, str(HERE / "peers" / script), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "BENCHMARK_PYTHON": sys.executable, "BENCHMARK_FOLDER": str(folder)},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"{name} does not come up:\n" + (folder / "log").read_text()[-2000:])

            def triggered(workload: str, record: Path) -> float:
                process.stdin.write(f"{workload} {record}\n")
                process.stdin.flush()
                answered = process.stdout.readline()
                if not answered:
                    raise RuntimeError(f"{name} failed at {workload}:\n" + (folder / "log").read_text()[-2000:])
                return float(answered)

            try:
                yield triggered
            finally:
                process.stdin.close()


def wait_lines(record: Path, lines: int, limit_s: float = 600) -> None:
    """Wait until the record has so many lines."""
    end = time.monotonic() + limit_s
    while not record.exists() or record.read_bytes().count(b"\n") < lines:
        if time.monotonic() > end:
            raise TimeoutError(f"{record.name}: not all {lines} tasks within {limit_s} s")
        time.sleep(0.005)


@contextmanager
def own(kind: str, block: Block, folder: Path, shop: Path, *, service: bool) -> Iterator[Trigger]:
    """A scheduler of this package, in a thread of this process or in one of its own."""
    folder.mkdir()
    # Every round writes to a record of its own, every task to this.
    record = folder / "record"
    with database(kind, folder) as url, ExitStack() as stack:
        store = open_store(url)
        stack.callback(store.close)
        quota(store, AT_ONCE)
        wake: Callable[[], None] = lambda: None  # noqa: E731
        if service:
            (shop / "block.json").write_text(json.dumps(encode(block)))
            stack.enter_context(standing(url, shop, record, 30.0))
        else:
            made = scheduler(store, trivial_executor(shop, record), folder, block)
            stop = threading.Event()
            thread = threading.Thread(target=made.run_forever, args=(stop,))
            thread.start()
            wake = made.wake
            stack.callback(thread.join)
            stack.callback(made.wake)
            stack.callback(stop.set)
            time.sleep(1)

        def triggered(workload: str, into: Path) -> float:
            record.unlink(missing_ok=True)
            at = time.time()
            run_id = trigger(store, WORKFLOWS[workload], "process")
            wake()
            wait_lines(record, LINES[workload])
            ended = time.monotonic() + 60
            while not store.run(run_id).state.ended:
                assert time.monotonic() < ended, f"run {run_id} does not end"
                time.sleep(0.05)
            record.rename(into)
            return at

        yield triggered


@contextmanager
def standing(url: str, folder: Path, record: Path, tick_s: float, *words: str) -> Iterator[psutil.Process]:
    """A scheduler process, once it is up."""
    script = str(HERE / "standing_scheduler.py")
    with subprocess.Popen(
        [sys.executable, script, url, str(folder), str(record), str(tick_s), *words], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def compare(workload: str, sides: dict[str, Trigger], rounds: int, folder: Path) -> dict[str, object]:
    """All sides take turns; prints a table, returns the medians."""
    taken: dict[str, list[Round]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, triggered in sides.items():
            record = folder / f"{workload}-{name}-{number}"
            found = read_round(triggered(workload, record), record, workload)
            # The first warms every side up, and does not count.
            if number:
                taken[name].append(found)
    print(f"\n{workload}, medians of {rounds}: trigger to end s | first begin to end s | gap ms")
    result: dict[str, object] = {}
    for name, many in taken.items():
        middle = Round(
            trigger_to_end_s=statistics.median(one.trigger_to_end_s for one in many),
            begin_to_end_s=statistics.median(one.begin_to_end_s for one in many),
            gap_ms=statistics.median(one.gap_ms for one in many),
        )
        result[name] = {**dataclasses.asdict(middle), "rounds": [dataclasses.asdict(one) for one in many]}
        low, high = min(one.trigger_to_end_s for one in many), max(one.trigger_to_end_s for one in many)
        print(
            f"  {name:16} {middle.trigger_to_end_s:8.3f} ({low:.3f} to {high:.3f}) | "
            f"{middle.begin_to_end_s:8.3f} | {middle.gap_ms:7.1f}"
        )
    return result


def idle(
    kind: str, folder: Path, shop: Path, block: Block, *, workflows: int, runs: int, seconds: float
) -> dict[str, object]:
    """What a standing scheduler costs that finds nothing due."""
    folder.mkdir()
    (shop / "block.json").write_text(json.dumps(encode(block)))
    tick_s = 2.0
    with database(kind, folder) as url:
        store = open_store(url)
        quota(store, AT_ONCE)
        began = time.monotonic()
        fill(store, url, workflows=workflows, runs=runs)
        print(f"\nidle, {kind}: {workflows} workflows and {runs} runs stored in {time.monotonic() - began:.0f} s")
        # One tick by itself, in this process.
        made = scheduler(store, trivial_executor(shop, folder / "record"), folder, block, tick_s=tick_s)
        ticks = []
        for _ in range(10):
            before = time.process_time()
            assert made.tick()
            ticks.append(1000 * (time.process_time() - before))
        store.release_lease("scheduler", "bench")
        store.close()
        with standing(url, shop, folder / "record", tick_s) as process:
            time.sleep(5)
            before_cpu = sum(process.cpu_times()[:2])
            time.sleep(seconds)
            cpu = sum(process.cpu_times()[:2]) - before_cpu
            memory = process.memory_full_info()
        per_tick = 1000 * cpu / (seconds / tick_s)
    print(
        f"  tick: {statistics.median(ticks[1:]):.1f} ms CPU (first {ticks[0]:.1f}); "
        f"process with a tick every {tick_s:g} s, all between ticks included: {per_tick:.1f} ms CPU a tick, "
        f"{memory.rss / 2**20:.0f} MiB resident ({memory.uss / 2**20:.0f} its own)"
    )
    return {
        "tick_cpu_ms": statistics.median(ticks[1:]),
        "first_tick_cpu_ms": ticks[0],
        "process_cpu_ms_per_tick": per_tick,
        "rss_mib": memory.rss / 2**20,
        "uss_mib": memory.uss / 2**20,
    }


def due(kind: str, folder: Path, shop: Path, block: Block, *, count: int, instant: bool) -> dict[str, object]:
    """Seconds from the moment that many workflows are due until all of them are started."""
    folder.mkdir()
    (shop / "block.json").write_text(json.dumps(encode(block)))
    record = folder / "record"
    with database(kind, folder) as url:
        store = open_store(url)
        quota(store, count)
        soon = datetime.now(UTC) + timedelta(seconds=12 + count / 400)
        fill(store, url, workflows=count, runs=0, next_start=soon)
        with standing(url, shop, record, 1.0, *(["instant"] if instant else [])) as process:
            wait_lines(record, count)
            begun = [float(line.split()[1]) for line in record.read_text().splitlines()]
            assert datetime.now(UTC) > soon, "it was filled too slowly"
            with contextlib.suppress(TimeoutError):
                until_ended(store, count)
            cpu = sum(process.cpu_times()[:2])
        ended = sorted(run.state for run in store.runs(limit=count + 1) if run.workflow.name != "template-w")
        assert len(ended) == count, f"{len(ended)} runs of {count}"
        wrong = [state for state in ended if state != "SUCCEEDED"]
        store.close()
    name = "an executor that starts nothing" if instant else "process executor"
    seconds = max(begun) - soon.timestamp()
    print(
        f"\ndue, {kind}, {name}: {count} started {seconds:.1f} s after they were due "
        f"(the first {min(begun) - soon.timestamp():.2f} s after); {cpu:.1f} s CPU of the scheduler; "
        f"{len(wrong)} not succeeded"
    )
    return {"seconds": seconds, "first_s": min(begun) - soon.timestamp(), "cpu_s": cpu, "not_succeeded": len(wrong)}


def until_ended(store: object, count: int, limit_s: float = 300) -> None:
    end = time.monotonic() + limit_s
    while store.count_tasks() if hasattr(store, "count_tasks") else store.runs(active=True):  # type: ignore[attr-defined]
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["chain", "fan", "idle", "due"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--workflows", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=60, help="how long the idle scheduler is watched")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    # Whoever compiles at every start is not what is measured.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    what = given.what or ["chain", "fan", "idle", "due"]
    peers = {"floor": sys.executable, **dict(one.split("=", 1) for one in given.peer)}
    kinds = ["sqlite", "postgres"] if given.postgres else ["sqlite"]
    report: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="lentiq-benchmark-") as temporary:
        folder = Path(temporary)
        shop = folder / "shop"
        block = published(shop)
        if {"chain", "fan"} & set(what):
            with ExitStack() as stack:
                sides = {
                    "lentiq": stack.enter_context(own(kinds[-1], block, folder / "own", shop, service=False)),
                    "lentiq-service": stack.enter_context(
                        own(kinds[-1], block, folder / "service", shop, service=True)
                    ),
                }
                for name, python in peers.items():
                    sides[name] = stack.enter_context(peer(name, python, folder / name))
                for workload in [one for one in ("chain", "fan") if one in what]:
                    report[workload] = compare(workload, sides, given.rounds, folder)
        for kind in kinds:
            if "idle" in what:
                report[f"idle {kind}"] = idle(
                    kind,
                    folder / f"idle-{kind}",
                    shop,
                    block,
                    workflows=given.workflows,
                    runs=given.runs,
                    seconds=given.seconds,
                )
            if "due" in what:
                for instant in (True, False):
                    place = folder / f"due-{kind}-{instant}"
                    report[f"due {kind} {'instant' if instant else 'process'}"] = due(
                        kind, place, shop, block, count=given.due, instant=instant
                    )
    if given.json:
        given.json.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
