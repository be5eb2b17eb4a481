"""How much CPU and memory a block asks for, proposed from what its past task runs took."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..model import Resources, TaskRun

MEMORY_MARGIN_PERCENT = 20
MEMORY_STEP_BYTES = 64 * 2**20
CPU_STEP_MILLICORES = 100
_CPU_PERCENTILE = 95


def propose(runs: Sequence[TaskRun], now_asked: Resources) -> Resources | None:
    """CPU and memory that task runs of one block suggest; None if none of them was measured.

    Memory is the largest peak and a fifth more, rounded up to 64 MiB: who gets too little is killed. CPU is what
    95 of 100 runs kept to on average, rounded up to 100m: who gets too little only takes longer.

    Parameters
    ----------
    runs : sequence of TaskRun
        Those that succeeded by being executed; what was not measured on one of them does not count.
    now_asked : Resources
        What the block asks for now: stays for that of the two that nobody measured.
    """
    peaks = [one.peak_memory_bytes for one in runs if one.peak_memory_bytes]
    loads = sorted(load for one in runs if (load := _millicores(one)) is not None)
    if not peaks and not loads:
        return None
    cpu, memory = now_asked.cpu_millicores, now_asked.memory_bytes
    if peaks:
        memory = _rounded_up(-(-max(peaks) * (100 + MEMORY_MARGIN_PERCENT) // 100), MEMORY_STEP_BYTES)
    if loads:
        # The nearest rank: the smallest that at least so many of 100 do not exceed.
        nearest = loads[-(-len(loads) * _CPU_PERCENTILE // 100) - 1]
        cpu = max(CPU_STEP_MILLICORES, _rounded_up(nearest, CPU_STEP_MILLICORES))
    return Resources(cpu_millicores=cpu, memory_bytes=memory)


def _millicores(run: TaskRun) -> int | None:
    """Its processor time by the time it ran; None where one of them is not known, or it took no time."""
    if run.cpu_s is None or run.started_at is None or run.ended_at is None:
        return None
    duration_s = (run.ended_at - run.started_at).total_seconds()
    if duration_s <= 0:
        return None
    # Rounded first, so that 0.3 s in 1 s are 300m and not a trifle more.
    return math.ceil(round(run.cpu_s / duration_s * 1000, 3))


def _rounded_up(amount: int, step: int) -> int:
    return -(-amount // step) * step
