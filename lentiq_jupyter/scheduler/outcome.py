"""What a task run has become, read from its executor's record and its results folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ..errors import BadInput, Invalid
from ..model import (
    RESULT_ERROR,
    RESULT_OUTPUTS,
    RESULT_PROGRESS,
    Cause,
    Execution,
    ExecutionState,
    Input,
    Json,
    Output,
    Progress,
    TaskRun,
    TaskState,
    check_value,
    decode,
    format_memory,
)

CANCELLED_REASON = "cancelled as asked"
OUTPUTS_LIMIT_BYTES = 1 << 20
"""All outputs of a task together, as JSON: they are rows of the database and inputs of other tasks."""
_KILLED = "killed"
_LONGEST_REASON = 2000


class BadOutput(Exception):
    """The outputs of a task cannot be taken; the message says why."""


def outcome(
    task: TaskRun,
    execution: Execution,
    folder: Path,
    *,
    cancelled: bool,
    now: datetime,
    outputs: Sequence[Output] = (),
) -> TaskRun:
    """The ended task run.

    Parameters
    ----------
    execution : Execution
        Ended.
    folder : Path
        Holds the result files, as far as the task has written them.
    cancelled : bool
        Whether somebody asked to cancel the task or its run. A task that succeeded all the same has succeeded,
        unless its exit code, which may be an output of it, says that it was ended.
    now : datetime
        The end, where the executor does not know it.
    outputs : sequence of Output
        What the block says it gives; values of another type make the task fail.
    """
    given: dict[str, Json] | None = None
    cause: Cause | None = None
    if execution.state is ExecutionState.SUCCEEDED and not (cancelled and execution.exit_code):
        state, reason = TaskState.SUCCEEDED, ""
        try:
            given = read_outputs(folder, outputs)
        except BadOutput as error:
            state, reason, cause = TaskState.FAILED, str(error), Cause.BAD_OUTPUT
    elif cancelled:
        state, reason, cause = TaskState.CANCELLED, CANCELLED_REASON, Cause.CANCELLED
    elif execution.state is ExecutionState.LOST:
        reason = execution.reason or "it was started, but neither runs nor left a result"
        state, cause = TaskState.LOST, Cause.LOST
    else:
        state, (reason, cause) = TaskState.FAILED, _failure(execution, folder)
    return dataclasses.replace(
        task,
        state=state,
        reason=reason,
        cause=cause,
        outputs=given,
        progress=read_progress(folder) or task.progress,
        # What ended before its start was reported began some time after it was admitted.
        started_at=execution.started_at or task.started_at or task.admitted_at,
        ended_at=execution.ended_at or now,
        exit_code=execution.exit_code,
        peak_memory_bytes=execution.peak_memory_bytes or task.peak_memory_bytes,
        cpu_s=execution.cpu_s if execution.cpu_s is not None else task.cpu_s,
    )


def read_progress(folder: Path) -> Progress | None:
    """How far the task says it is; None if it has not said."""
    found = _read(folder / RESULT_PROGRESS)
    try:
        return decode(Progress, found) if isinstance(found, dict) else None
    except Invalid:
        return None


def read_outputs(folder: Path, outputs: Sequence[Output] = ()) -> dict[str, Json]:
    """What the task gave out, {} if nothing.

    Raises
    ------
    BadOutput
        If the file is no JSON object, is too large, or holds a value of another type than its output has.
    """
    path = folder / RESULT_OUTPUTS
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return {}
    if size > OUTPUTS_LIMIT_BYTES:
        raise BadOutput(
            f"its outputs are {format_memory(size)} of JSON, more than {format_memory(OUTPUTS_LIMIT_BYTES)}; write "
            "them to a file and give out its path"
        )
    found = _read(path)
    if not isinstance(found, dict):
        raise BadOutput("its outputs cannot be read; run it again")
    for one in outputs:
        if one.type is not None and one.name in found:
            try:
                check_value(Input(name=one.name, type=one.type, required=True), found[one.name])
            except BadInput as error:
                raise BadOutput(str(error).replace("Input ", "output ", 1)) from error
    return found


def _failure(execution: Execution, folder: Path) -> tuple[str, Cause]:
    said = _said(folder)
    cause = execution.cause
    if execution.reason.startswith(_KILLED):
        # A task killed by its executor may leave an error too (its kernel died); the executor knows why.
        reason, cause = execution.reason, cause or Cause.SIGNAL
    else:
        reason = said or execution.reason or f"it ended with exit code {execution.exit_code}; see its log"
        if cause is not Cause.OUT_OF_MEMORY:
            cause = Cause.CELL_FAILED if said else cause or Cause.EXIT_CODE
    return (reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"), cause


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
