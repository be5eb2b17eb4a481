"""Runs one program, hands its lines on as they come, and ends it with all its children when it is to stop."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from ..errors import Unavailable
from ..mortal import mortal

_POLL_S = 0.1
_GRACE_S = 3.0


def run(
    command: list[str], environment: Mapping[str, str], line: Callable[[str], None], check: Callable[[], None]
) -> tuple[int, list[str]]:
    """Run `command`; its exit code and all its lines (output and errors in one).

    `line` gets each line; it and `check`, called ten times a second, may raise: the program and its
    children are then ended before that goes on.

    Raises
    ------
    Unavailable
        If there is no such program.
    """
    try:
        process = subprocess.Popen(
            mortal(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(f"{command[0]} cannot be started ({error.strerror}).", "Install it.") from error
    arriving: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(process, arriving), daemon=True)
    reader.start()
    lines: list[str] = []
    try:
        while True:
            check()
            try:
                text = arriving.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if text is None:
                break
            lines.append(text)
            if text.strip():
                line(text.strip())
        return process.wait(), lines
    finally:
        if process.poll() is None:
            _end(process)
        reader.join(_GRACE_S)


def _read(process: subprocess.Popen[str], arriving: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None  # noqa: S101  it was asked for; this tells the type checker
    with process.stdout as stream:
        for text in stream:
            arriving.put(text.rstrip("\n"))
    arriving.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    # The program leads its group, so the group's number is its own and nobody else's while it is not waited for.
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            continue
        return
