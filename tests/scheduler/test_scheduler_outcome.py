"""What a task run has become: read from the executor's record and the result files."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from scheduling import task

from lentiq_jupyter.model import Execution, ExecutionState, Progress, TaskRun, TaskState
from lentiq_jupyter.scheduler.outcome import outcome

NOW = datetime(2026, 5, 4, 10, 7, tzinfo=UTC)
RUNNING = TaskRun(run_id="r1", task=task("one"), state=TaskState.RUNNING, started_at=NOW - timedelta(hours=1))


def ended(state: ExecutionState, **fields: object) -> Execution:
    return Execution(**{"name": RUNNING.job_name, "state": state, **fields})


def judged(folder: Path, execution: Execution, *, cancelled: bool = False) -> tuple[TaskState, str]:
    found = outcome(RUNNING, execution, folder, cancelled=cancelled, now=NOW)
    return found.state, found.reason


def test_success_brings_outputs_progress_and_figures(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text('{"rows": 7}')
    (tmp_path / "progress.json").write_text('{"done": 3, "total": 3, "cell": null}')
    times = {"started_at": NOW - timedelta(minutes=9), "ended_at": NOW - timedelta(minutes=1)}
    execution = ended(ExecutionState.SUCCEEDED, exit_code=0, peak_memory_bytes=9, **times)
    assert outcome(RUNNING, execution, tmp_path, cancelled=False, now=NOW) == TaskRun(
        run_id="r1",
        task=task("one"),
        state=TaskState.SUCCEEDED,
        outputs={"rows": 7},
        progress=Progress(done=3, total=3),
        exit_code=0,
        peak_memory_bytes=9,
        **times,
    )


def test_task_without_outputs_gave_none(tmp_path: Path) -> None:
    found = outcome(RUNNING, ended(ExecutionState.SUCCEEDED), tmp_path, cancelled=False, now=NOW)
    assert (found.outputs, found.started_at, found.ended_at) == ({}, RUNNING.started_at, NOW)


def test_task_that_ended_before_its_start_was_reported_began_when_it_was_admitted(tmp_path: Path) -> None:
    admitted = NOW - timedelta(seconds=2)
    starting = replace(RUNNING, state=TaskState.STARTING, started_at=None, admitted_at=admitted)
    found = outcome(starting, ended(ExecutionState.SUCCEEDED), tmp_path, cancelled=False, now=NOW)
    assert (found.started_at, found.ended_at) == (admitted, NOW)


@pytest.mark.parametrize("text", ["[1]", "{", "\x00"])
def test_outputs_that_cannot_be_read_are_a_failure(tmp_path: Path, text: str) -> None:
    (tmp_path / "outputs.json").write_text(text)
    assert judged(tmp_path, ended(ExecutionState.SUCCEEDED)) == (
        TaskState.FAILED,
        "its outputs cannot be read; run it again",
    )


@pytest.mark.parametrize(
    ("error", "reason", "expected"),
    [
        ({"ename": "ValueError", "evalue": "no rows", "cell": 2}, "exit code 1", "ValueError: no rows (cell 3)"),
        ({"ename": "ValueError", "evalue": "no rows\nin\nmany lines", "cell": None}, "", "ValueError: no rows"),
        ({"ename": "KeyboardInterrupt", "evalue": "", "cell": None}, "", "KeyboardInterrupt"),
        (
            {"ename": "DeadKernelError", "evalue": "Kernel died"},
            "killed: used more than 512Mi of memory",
            "killed: used more than 512Mi of memory",
        ),
        (None, "the image has no entry point", "the image has no entry point"),
        (None, "", "it ended with exit code 3; see its log"),
        ("odd", "", "it ended with exit code 3; see its log"),
        ({"ename": "x" * 5000}, "", "x" * 2000 + "…"),
    ],
)
def test_failure_says_what_is_known_best(tmp_path: Path, error: object, reason: str, expected: str) -> None:
    if error is not None:
        (tmp_path / "error.json").write_text(json.dumps(error))
    execution = ended(ExecutionState.FAILED, exit_code=3, reason=reason)
    assert judged(tmp_path, execution) == (TaskState.FAILED, expected)


def test_lost_is_lost(tmp_path: Path) -> None:
    assert judged(tmp_path, ended(ExecutionState.LOST, reason="the machine was restarted")) == (
        TaskState.LOST,
        "the machine was restarted",
    )
    assert judged(tmp_path, ended(ExecutionState.LOST)) == (
        TaskState.LOST,
        "it was started, but neither runs nor left a result",
    )


def test_cancelled_task_is_cancelled_unless_it_succeeded_before(tmp_path: Path) -> None:
    for state in (ExecutionState.FAILED, ExecutionState.LOST):
        assert judged(tmp_path, ended(state), cancelled=True) == (TaskState.CANCELLED, "cancelled as asked")
    assert judged(tmp_path, ended(ExecutionState.SUCCEEDED), cancelled=True) == (TaskState.SUCCEEDED, "")


def test_exit_code_tells_a_cancelled_task_from_one_that_was_done_before(tmp_path: Path) -> None:
    code_is_an_output = ended(ExecutionState.SUCCEEDED, exit_code=1)
    assert judged(tmp_path, code_is_an_output) == (TaskState.SUCCEEDED, "")
    assert judged(tmp_path, code_is_an_output, cancelled=True) == (TaskState.CANCELLED, "cancelled as asked")
    assert judged(tmp_path, ended(ExecutionState.SUCCEEDED, exit_code=0), cancelled=True)[0] is TaskState.SUCCEEDED
