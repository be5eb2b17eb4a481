"""How a service logs: lines for people, or one JSON object a line for a collector. On stderr, never with a password."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TextIO

LogFormat = Literal["text", "json"]

CONTEXT = ("run", "task", "workflow", "project")
"""What a record may say of through `extra=`."""
_USER_INFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/@\s]+@", re.IGNORECASE)


class JsonLines(logging.Formatter):
    """``{"time", "level", "logger", "message"}``, with `CONTEXT` where it is known and ``error`` for a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        document = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_passwords(record.getMessage()),
        }
        document.update({name: str(given) for name in CONTEXT if (given := getattr(record, name, None))})
        if record.exc_info:
            document["error"] = without_passwords(self.formatException(record.exc_info))
        return json.dumps(document, ensure_ascii=False)


class TextLines(logging.Formatter):
    """``2026-12-01 02:00:00 WARNING message``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """One line, more with a traceback."""
        return without_passwords(super().format(record))


def without_passwords(text: str) -> str:
    """A text whose addresses have lost their user names and passwords."""
    return _USER_INFO.sub(r"\1…@", text)


@contextmanager
def logging_to(stream: TextIO | None, form: LogFormat) -> Iterator[None]:
    """Log there for the time of the block; None: stderr. This package from INFO on as JSON, else from WARNING on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root, own = logging.getLogger(), logging.getLogger("lentiq_jupyter")
    levels = root.level, own.level
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    own.setLevel(logging.INFO if form == "json" else logging.WARNING)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(levels[0])
        own.setLevel(levels[1])
