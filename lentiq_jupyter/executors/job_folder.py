"""What the folder of a job says about it: written by the process executor and its supervisors, read by anybody."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from ..model import RESULT_ERROR, Cause, Execution, ExecutionState
from .results import failure
from .supervision.claim import STARTED, is_locked

RESULTS = "results"
_ERROR_LIMIT_BYTES = 1 << 24
_CELL_FAILED_CODE, _BAD_INPUT_CODE, _TERMINATED_CODE = 1, 2, 143
_REASONS = {
    Cause.BAD_INPUT: "its inputs were refused; see its log",
    Cause.SIGNAL: "ended by SIGTERM from outside",
}
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)


def read_execution(folder: Path) -> Execution | None:
    """What is known of a job; None if it was never started."""
    if not (folder / STARTED).exists():
        return None
    end = read_document(folder / "exit.json")
    if end is None and is_locked(str(folder)):
        return _unfinished(folder, ExecutionState.RUNNING)
    # It may have ended between the two looks.
    end = end or read_document(folder / "exit.json")
    if end is None:
        return _unfinished(
            folder, ExecutionState.LOST, Cause.LOST, "its supervisor was killed; it neither runs nor left a result"
        )
    code, said = end["exit_code"], _said(folder)
    cause = _cause(folder, end, said) if code else None
    return Execution(
        name=folder.name,
        state=ExecutionState.FAILED if code else ExecutionState.SUCCEEDED,
        starts=_starts(folder),
        started_at=_time(end["started_at"]),
        ended_at=_time(end["ended_at"]),
        exit_code=code,
        reason=end["reason"] or (said or _REASONS.get(cause) or f"exit code {code}" if cause else ""),
        stopped=bool(end["stopped"]),
        peak_memory_bytes=end["peak_memory_bytes"],
        cpu_s=end["cpu_s"],
        cause=cause,
    )


def _cause(folder: Path, end: dict[str, Any], said: str) -> Cause:
    """What kind of failure it was."""
    if end["cause"]:
        return Cause(end["cause"])
    if end["stopped"]:
        return Cause.CANCELLED
    code = end["exit_code"]
    if end["signal"]:
        return Cause.SIGNAL
    # The runner's own codes.
    ours = (read_document(folder / "job.json") or {}).get("runner")
    if ours and code == _CELL_FAILED_CODE and said:
        return Cause.CELL_FAILED
    if ours and code == _BAD_INPUT_CODE:
        return Cause.BAD_INPUT
    return Cause.SIGNAL if ours and code == _TERMINATED_CODE else Cause.EXIT_CODE


def read_document(path: Path) -> dict[str, Any] | None:
    """A JSON object; None if there is none, or not yet."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_document(path: Path, document: dict[str, object]) -> None:
    """Write a JSON object, so that readers find all of it or nothing. Raises OSError."""
    partial = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
    partial.write_text(json.dumps(document), encoding="utf-8")
    partial.replace(path)


def open_result(folder: Path, name: str) -> BinaryIO | None:
    """A result of a job, to be read; None where there is no plain file of that name.

    What a job leaves may be anything: links are not followed, and nothing waits for another side.

    Raises
    ------
    OSError
        If the disk does not answer.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        parent = os.open(folder / RESULTS, flags | os.O_DIRECTORY)
        try:
            descriptor = os.open(name, flags | os.O_NONBLOCK, dir_fd=parent)
        finally:
            os.close(parent)
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return open(descriptor, "rb", buffering=0)
    os.close(descriptor)
    return None


def _unfinished(folder: Path, state: ExecutionState, cause: Cause | None = None, reason: str = "") -> Execution:
    use = read_document(folder / "usage.json") or {}
    return Execution(
        name=folder.name,
        state=state,
        starts=_starts(folder),
        started_at=_time((folder / STARTED).stat().st_mtime),
        reason=reason,
        cause=cause,
        peak_memory_bytes=use.get("peak_memory_bytes"),
        cpu_s=use.get("cpu_s"),
    )


def _starts(folder: Path) -> int:
    """How often the supervisor really started it, by its own record."""
    try:
        return len((folder / STARTED).read_text(encoding="ascii").splitlines())
    except OSError:
        return 0


def _said(folder: Path) -> str:
    """What the job says of its failure."""
    with contextlib.suppress(OSError):
        file = open_result(folder, RESULT_ERROR)
        if file is not None:
            with file:
                return failure(file.read(_ERROR_LIMIT_BYTES))
    return ""


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
