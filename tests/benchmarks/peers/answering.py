"""How a peer talks with the benchmark: one line ``WORKLOAD RECORD`` in, one line with a time out.

The time is that of the trigger; everything else is read from the record that the tasks themselves write. Needs
nothing but the standard library, and runs in the peer's own environment.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

CHAIN, FAN, AT_ONCE = 10, 100, 2
TASK = Path(__file__).parents[1] / "trivial_task.py"


def command(record: str, name: str) -> list[str]:
    """What every task runs, the same for all."""
    return [os.environ["BENCHMARK_PYTHON"], "-I", "-S", str(TASK), record, name]


def finished(record: str, lines: int, limit_s: float = 240) -> None:
    """Wait until so many tasks have ended."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if os.path.exists(record) and Path(record).read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.02)
    raise TimeoutError(f"{record} has not its {lines} lines after {limit_s} s")


def answer(workloads: Mapping[str, Callable[[str], None]]) -> None:
    """Serve until standard input ends; each workload is triggered, and its last task awaited."""
    out = os.dup(1)
    # What the peer prints is for its log.
    os.dup2(2, 1)
    os.write(out, b"ready\n")
    for line in sys.stdin:
        workload, record = line.split()
        triggered = time.time()
        workloads[workload](record)
        finished(record, CHAIN if workload == "chain" else FAN + 1)
        os.write(out, f"{triggered}\n".encode())
