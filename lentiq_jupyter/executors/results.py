"""The files a job leaves behind, and what its error file says. The same for every executor."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import Unavailable
from ..model import RESULT_ERROR, RESULT_NOTEBOOK, RESULT_OUTPUTS, RESULT_PROGRESS, RESULT_USAGE

log = logging.getLogger(__name__)

# A notebook with many pictures has some ten MiB.
RESULT_LIMIT_BYTES = 256 * 2**20
_CHUNK_BYTES = 1 << 20
RESULT_FILES = (RESULT_NOTEBOOK, RESULT_OUTPUTS, RESULT_PROGRESS, RESULT_ERROR, RESULT_USAGE)


def failure(body: bytes) -> str:
    """``ValueError: no rows (cell 3)`` from the bytes of `RESULT_ERROR`; "" if they say nothing.

    The file's `cell` counts from 0 among all cells; people count from 1.
    """
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    # A message may have many lines; its first says what it is about.
    value = str(found.get("evalue") or "").strip().split("\n")[0]
    text = ": ".join(part for part in (str(found.get("ename") or ""), value) if part)
    cell = found.get("cell")
    return f"{text} (cell {cell + 1})" if text and isinstance(cell, int) else text


def put(into: Path, name: str, body: bytes) -> None:
    """Replace the file `name` of a folder whole, so that nobody reads half of it.

    Raises
    ------
    Unavailable
        If the folder cannot be written.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        partial = into / f".{name}.partial"
        partial.write_bytes(body)
        partial.replace(into / name)
    except OSError as error:
        raise unwritable(into, error) from error


def put_stream(into: Path, name: str, stream: BinaryIO) -> None:
    """Like `put`, for what is too large to hold; what has more than `RESULT_LIMIT_BYTES` is left out, with a warning.

    Raises
    ------
    Unavailable
        If the folder cannot be written.
    """
    partial = into / f".{name}.partial"
    try:
        into.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as out:
            left = RESULT_LIMIT_BYTES
            while left >= 0 and (chunk := stream.read(min(_CHUNK_BYTES, left + 1))):
                out.write(chunk)
                left -= len(chunk)
        if left < 0:
            log.warning("%s for %s has more than %d bytes and is left out.", name, into, RESULT_LIMIT_BYTES)
            partial.unlink()
        else:
            partial.replace(into / name)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise unwritable(into, error) from error


def unwritable(folder: Path, error: OSError) -> Unavailable:
    """What a user reads when a folder of this service takes no more."""
    return Unavailable(f"{folder} cannot be written: {error.strerror}.", "Free space, or set LENTIQ_HOME.")
