"""What a task run has become, read from its executor's record and its results folder."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from pathlib import Path

from ..errors import Invalid
from ..model import (
    RESULT_ERROR,
    RESULT_OUTPUTS,
    RESULT_PROGRESS,
    Execution,
    ExecutionState,
    Json,
    Progress,
    TaskRun,
    TaskState,
    decode,
)

CANCELLED_REASON = "cancelled as asked"
_KILLED = "killed"
_LONGEST_REASON = 2000


def outcome(task: TaskRun, execution: Execution, folder: Path, *, cancelled: bool, now: datetime) -> TaskRun:
    """The ended task run.

    Parameters
    ----------
    execution : Execution
        Ended.
    folder : Path
        Holds the result files, as far as the task has written them.
    cancelled : bool
        Whether somebody asked to cancel the run. A task that succeeded all the same has succeeded.
    now : datetime
        The end, where the executor does not know it.
    """
    outputs: dict[str, Json] | None = None
    if execution.state is ExecutionState.SUCCEEDED:
        state, reason = TaskState.SUCCEEDED, ""
        outputs = read_outputs(folder)
        if outputs is None:
            state, reason = TaskState.FAILED, "its outputs cannot be read; run it again"
    elif cancelled:
        state, reason = TaskState.CANCELLED, CANCELLED_REASON
    elif execution.state is ExecutionState.LOST:
        state, reason = TaskState.LOST, execution.reason or "it was started, but neither runs nor left a result"
    else:
        state, reason = TaskState.FAILED, _failure(execution, folder)
    return dataclasses.replace(
        task,
        state=state,
        reason=reason,
        outputs=outputs,
        progress=read_progress(folder) or task.progress,
        started_at=execution.started_at or task.started_at,
        ended_at=execution.ended_at or now,
        exit_code=execution.exit_code,
        peak_memory_bytes=execution.peak_memory_bytes or task.peak_memory_bytes,
    )


def read_progress(folder: Path) -> Progress | None:
    """How far the task says it is; None if it has not said."""
    found = _read(folder / RESULT_PROGRESS)
    try:
        return decode(Progress, found) if isinstance(found, dict) else None
    except Invalid:
        return None


def read_outputs(folder: Path) -> dict[str, Json] | None:
    """What the task gave out, {} if nothing; None if the file is no JSON object."""
    if not (folder / RESULT_OUTPUTS).exists():
        return {}
    found = _read(folder / RESULT_OUTPUTS)
    return found if isinstance(found, dict) else None


def _failure(execution: Execution, folder: Path) -> str:
    # A task killed by its executor may leave an error too (its kernel died); the executor knows why.
    reason = execution.reason if execution.reason.startswith(_KILLED) else _said(folder) or execution.reason
    reason = reason or f"it ended with exit code {execution.exit_code}; see its log"
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"


def _said(folder: Path) -> str:
    """What the runner says went wrong (``ValueError: no rows (cell 3)``), "" if nothing.

    The file's `cell` counts from 0 among all cells; people count from 1.
    """
    found = _read(folder / RESULT_ERROR)
    if not isinstance(found, dict):
        return ""
    # A message may have many lines; its first says what it is about.
    value = str(found.get("evalue") or "").strip().split("\n")[0]
    text = ": ".join(part for part in (str(found.get("ename") or ""), value) if part)
    cell = found.get("cell")
    return f"{text} (cell {cell + 1})" if text and isinstance(cell, int) else text


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
