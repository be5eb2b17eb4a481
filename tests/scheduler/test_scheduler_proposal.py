"""What past runs suggest to ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lentiq_jupyter.model import Resources, Task, TaskRun, TaskState
from lentiq_jupyter.scheduler.proposal import propose

MIB = 2**20
ASKED = Resources(cpu_millicores=2000, memory_bytes=4096 * MIB)
BEGIN = datetime(2026, 5, 1, tzinfo=UTC)


def ran(*, mib: float | None = None, cpu_s: float | None = None, took_s: float | None = 10.0) -> TaskRun:
    return TaskRun(
        run_id="r1",
        task=Task(name="train", block="train-model"),
        state=TaskState.SUCCEEDED,
        started_at=BEGIN,
        ended_at=None if took_s is None else BEGIN + timedelta(seconds=took_s),
        peak_memory_bytes=None if mib is None else int(mib * MIB),
        cpu_s=cpu_s,
    )


def amount(cpu: int, mib: int) -> Resources:
    return Resources(cpu_millicores=cpu, memory_bytes=mib * MIB)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], None),
        ([ran()], None),
        # The largest peak and a fifth: 600 MiB are 720, which rounds up to 768.
        ([ran(mib=600, cpu_s=5), ran(mib=100, cpu_s=1)], amount(500, 768)),
        # 160 MiB and a fifth are 192 = 3 * 64, exactly.
        ([ran(mib=160, cpu_s=3, took_s=10)], amount(300, 192)),
        ([ran(mib=161, cpu_s=3.01, took_s=10)], amount(400, 256)),
        # Whoever hardly works still asks for 100m, and for the first 64 MiB.
        ([ran(mib=1, cpu_s=0.0)], amount(100, 64)),
        # What nobody measured stays as it is asked for.
        ([ran(mib=600)], amount(2000, 768)),
        ([ran(cpu_s=12)], amount(1200, 4096)),
        ([ran(cpu_s=12, took_s=0), ran(cpu_s=12, took_s=None)], None),
    ],
)
def test_proposal(runs: list[TaskRun], expected: Resources | None) -> None:
    assert propose(runs, ASKED) == expected


def test_one_hungry_run_in_twenty_does_not_set_the_cpu() -> None:
    usual = [ran(cpu_s=4.0)] * 19
    found = propose([*usual, ran(cpu_s=40.0)], ASKED)
    assert found is not None
    assert found.cpu_millicores == 400
    more = propose([*usual[1:], ran(cpu_s=40.0), ran(cpu_s=30.0)], ASKED)
    assert more is not None
    assert more.cpu_millicores == 3000


@given(st.lists(st.tuples(st.floats(0.01, 1e5), st.floats(0, 1e4), st.floats(0.1, 1e4)), min_size=1, max_size=30))
def test_every_past_run_would_have_had_its_memory_and_nearly_all_their_cpu(
    measured: list[tuple[float, float, float]],
) -> None:
    runs = [ran(mib=mib, cpu_s=cpu, took_s=took) for mib, cpu, took in measured]
    found = propose(runs, ASKED)
    assert found is not None
    assert found.memory_bytes % (64 * MIB) == 0
    assert found.cpu_millicores % 100 == 0
    assert all((one.peak_memory_bytes or 0) * 1.2 <= found.memory_bytes + 1 for one in runs)
    slower = sum(cpu / took * 1000 > found.cpu_millicores + 0.01 for _, cpu, took in measured)
    assert slower * 20 <= len(runs)
