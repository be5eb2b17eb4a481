"""Who starts a job, or sees to it that nobody does: settled once, in the job's folder, under its lock.

The lock is then held by the supervisor for as long as it lives: whoever finds `STARTED`, no record of an end, and the
lock free knows that the job was lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable

LOCK, STARTED, FORBIDDEN = "lock", "started", "forbidden"
_AGAIN_S = 0.002


def claim(folder: str, mark: str, prepare: Callable[[], None] = lambda: None) -> tuple[str, int | None]:
    """Set `mark` (`STARTED` or `FORBIDDEN`) in a job's folder unless one of them is there.

    Parameters
    ----------
    prepare : callable
        Called right before the mark is set, under the lock; if it raises, nothing is set.

    Returns
    -------
    tuple of str, and int or None
        The mark that is there now, and the descriptor that holds the lock if this call set it.

    Raises
    ------
    OSError
        If the folder is gone or cannot be written.
    """
    lock = os.open(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    mine = False
    try:
        while not _locked(lock):
            # Held by a supervisor, by somebody on the way to a mark, or for a moment by somebody who looks.
            if there := made(folder):
                return there, None
            time.sleep(_AGAIN_S)
        if there := made(folder):
            return there, None
        prepare()
        os.close(os.open(os.path.join(folder, mark), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        mine = True
        return mark, lock
    finally:
        if not mine:
            os.close(lock)


def made(folder: str) -> str:
    """The mark that a job's folder has; "" if none."""
    for mark in (STARTED, FORBIDDEN):
        if os.path.exists(os.path.join(folder, mark)):
            return mark
    return ""


def is_locked(folder: str) -> bool:
    """Whether a supervisor holds the lock of its job."""
    try:
        lock = os.open(os.path.join(folder, LOCK), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, so that two who look do not take each other for the supervisor.
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(lock)
    return False


def is_deserted(folder: str) -> bool:
    """Whether nobody holds the folder of a bound job any more: its caller is gone."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _locked(lock: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
