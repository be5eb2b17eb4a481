"""The runner's log: what cells print while they print it, and a line for each cell.

Written by a thread of its own. Whoever reads it may be slow, or gone: the notebook goes on, and what the kernel
sends is taken off it, since it drops what nobody takes.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Optional

# What waits for a reader at most; beyond that, it is left out and the log says so.
WAITING_LIMIT_BYTES = 256 * 2**20


class Log:
    """A stream that never keeps its writer waiting, until it is closed.

    Parameters
    ----------
    stream : binary file or None
        None: standard output.
    """

    def __init__(self, stream: Optional[BinaryIO] = None, limit_bytes: int = WAITING_LIMIT_BYTES) -> None:
        self._stream = stream if stream is not None else sys.stdout.buffer
        self._limit_bytes = limit_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._left_out = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)

    def __enter__(self) -> Log:
        self._thread.start()
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Wait until all is written."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def say(self, text: str) -> None:
        """One line."""
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """Text as it is, half a line too."""
        # What a notebook prints may hold halves of characters.
        body = text.encode("utf-8", "replace")
        with self._changed:
            if self._bytes + len(body) > self._limit_bytes:
                self._left_out += len(body)
                return
            if self._left_out:
                self._waiting.append(b"\n[lentiq] %d bytes are left out here: nobody read them.\n" % self._left_out)
                self._left_out = 0
            self._waiting.append(body)
            self._bytes += len(body)
            self._changed.notify()

    def _write(self) -> None:
        # A reader that is gone is nobody's fault here, and what runs is of use without it.
        with suppress(OSError, ValueError):
            while True:
                with self._changed:
                    while not self._waiting and not self._closed:
                        self._changed.wait()
                    if not self._waiting:
                        return
                    body = b"".join(self._waiting)
                    self._waiting.clear()
                self._stream.write(body)
                self._stream.flush()
                with self._changed:
                    self._bytes -= len(body)
