"""Keeps the file that a job prints to within bounds, while the job itself writes to it.

What is printed beyond the bound is given back to the disk as it comes (a hole is punched), all but the end. Readers get
the file up to the bound; when the job has ended, a line that says what is missing and the end follow there. So offsets
that readers keep stay right, and neither a job nor a disk pays for the other.
"""

from __future__ import annotations

import contextlib
import os

from . import linux

_TAIL_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 16


class LogFile:
    """A job's log, opened twice: for the job to append, and to cut.

    Parameters
    ----------
    limit_bytes : int
        What is kept from its beginning.
    """

    def __init__(self, path: str, limit_bytes: int) -> None:
        self.output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._limit = limit_bytes
        self._cut = limit_bytes

    def bound(self) -> None:
        """Give back what lies between the bound and the end."""
        until = (os.fstat(self._file).st_size - _TAIL_BYTES) // _BLOCK_BYTES * _BLOCK_BYTES
        if until > self._cut:
            try:
                linux.fallocate(self._file, linux.FALLOC_PUNCH_HOLE, self._cut, until - self._cut)
            except OSError:
                # A file system without holes: the job appends to a shorter file, its last words may go.
                os.ftruncate(self._file, self._limit)
            else:
                self._cut = until

    def finish(self) -> None:
        """When nobody writes any more: say what is missing, then the end."""
        size = os.fstat(self._file).st_size
        if size <= self._limit:
            return
        tail = os.pread(self._file, _TAIL_BYTES, max(self._limit, size - _TAIL_BYTES))
        missing = size - self._limit - len(tail)
        if missing <= 0:
            return
        text = f"\n[{missing} bytes are left out here: the log has a bound]\n".encode() + tail
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, self._limit)
            os.pwrite(self._file, text, self._limit)
