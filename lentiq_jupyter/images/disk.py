"""The cache folder's side of things: errors of the disk, a lock between processes, files that appear whole."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import Unavailable
from ..scratch import hold_shared, scratch_folder, sweep

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LOCK_POLL_S = 0.1
WORK = "lentiq-build-"


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Translate errors of the operating system into Unavailable that names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(path) from error
        raise Unavailable(
            f"{error.filename or path} cannot be used ({error.strerror or error}).",
            "Make it readable and writable for you.",
        ) from error


def disk_full(path: Path) -> Unavailable:
    """The error for a disk with no room left; it names a folder that is still there when the work is undone."""
    folder = next((one.parent for one in path.parents if one.name.startswith(WORK)), path.parent)
    return Unavailable(
        f"The disk that holds {folder} is full.", "Free some space, with lentiq prune for one, and publish again."
    )


@contextmanager
def work_folder(cache: Path) -> Iterator[Path]:
    """A new folder in `cache`, removed at the end: on the disk where results go, so that they arrive by a rename.

    Those of builds that were killed are removed too. `cache` is held as in use meanwhile.
    """
    with ExitStack() as stack:
        with disk_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
            stack.enter_context(hold_shared(cache))
            sweep(WORK, cache)
            folder = stack.enter_context(scratch_folder(WORK, cache))
        yield folder


@contextmanager
def locked(path: Path, wait: Callable[[float], None]) -> Iterator[None]:
    """Hold the lock file `path` against every other process and thread.

    `wait` is called with seconds while somebody else holds it, and may raise to give up.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                wait(_LOCK_POLL_S)
        yield
    finally:
        os.close(lock)
