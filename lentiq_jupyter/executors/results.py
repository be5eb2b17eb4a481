"""The files a job leaves behind, and what its error file says. The same for every executor."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import Unavailable
from ..model import RESULT_ERROR, RESULT_NOTEBOOK, RESULT_OUTPUTS, RESULT_PROGRESS

RESULT_FILES = (RESULT_NOTEBOOK, RESULT_OUTPUTS, RESULT_PROGRESS, RESULT_ERROR)


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


def unwritable(folder: Path, error: OSError) -> Unavailable:
    """What a user reads when a folder of this service takes no more."""
    return Unavailable(f"{folder} cannot be written: {error.strerror}.", "Free space, or set LENTIQ_HOME.")
