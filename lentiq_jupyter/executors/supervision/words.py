"""What processes say to each other: a supervisor to the executor, and a job's processes to their supervisor.

The executor sends a length and a JSON document. A supervisor answers with one byte, and with another at the end.
A job's processes say a letter and a number.
"""

from __future__ import annotations

import os
import struct

LENGTH = struct.Struct("=Q")
# The job was started now, or before, or never may be, or cannot be (a text follows); it has ended.
NOW, BEFORE, NEVER, CANNOT, END = b"S", b"A", b"F", b"X", b"E"
READY, NOT_READY, OFFLINE, RESTRICTED, NO_PROGRAM, ENDED = b"R", b"N", b"O", b"L", b"P", b"E"
_WORD = struct.Struct("=ci")


def say(pipe: int, kind: bytes, number: int = 0) -> None:
    """Raises OSError."""
    os.write(pipe, _WORD.pack(kind, number))


def hear(pipe: int) -> tuple[bytes, int] | None:
    """The next word; None if nobody is left who could say one. Words are so short that each comes whole."""
    body = os.read(pipe, _WORD.size)
    return _WORD.unpack(body) if body else None
