"""JSON documents in a cache folder: whole or absent, whoever writes at the same time.

A cache is a convenience: what cannot be read or written is done without.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def read_json(path: Path | None) -> dict[str, object]:
    """The document; {} for None and where there is none that can be read. Its time says when it was last read."""
    if path is None:
        return {}
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    with contextlib.suppress(OSError):
        os.utime(path)
    return document if isinstance(document, dict) else {}


def write_json(path: Path | None, document: Mapping[str, object]) -> None:
    """Put the document in the place of what was there, in one step; nothing for None."""
    if path is None:
        return
    made = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, sort_keys=True)
        os.replace(made, path)
    except OSError:
        if made:
            with contextlib.suppress(OSError):
                os.unlink(made)
