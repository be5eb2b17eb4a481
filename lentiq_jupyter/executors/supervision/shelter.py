"""Folders for temporary files of jobs, all in one, so that this can be hidden from each of them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile


def shelter(root: str) -> str:
    """Where this user's jobs have their temporary files, in the system's folder for such."""
    return os.path.join(root, f"lentiq-jobs-{os.geteuid()}")


def make_temporary(root: str, user: tuple[int, int] | None) -> tuple[list[str], str, int]:
    """Make a folder for the temporary files of one job.

    Parameters
    ----------
    user : tuple of int, or None
        User and group that it is for; None: this process's.

    Returns
    -------
    list of str, str and int
        What is to be hidden from others (nothing if a stranger has made that folder), the new folder, and a
        descriptor that holds it against being cleared away; see `scratch`.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    outer = shelter(root)
    while True:
        # Whoever removes the last folder in it removes it, too, at any moment.
        with contextlib.suppress(FileExistsError):
            os.mkdir(outer, 0o711)
        with contextlib.suppress(FileNotFoundError):
            status = os.lstat(outer)
            own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
            path = tempfile.mkdtemp(prefix="lentiq-job-", dir=outer if own else root)
            held = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            with contextlib.suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX)
            if os.path.isdir(path) and os.path.samestat(os.stat(path), os.fstat(held)):
                if user is not None:
                    os.chown(path, *user)
                return [outer] if own else [], path, held
            os.close(held)


def leave(root: str) -> None:
    """Remove the folder of all jobs' temporary files, if there are none."""
    with contextlib.suppress(OSError):
        os.rmdir(shelter(root))
