"""Hints to front ends that something changed, over Jupyter's own event stream.

An event is never data: who sees one fetches again. Events go to every tab of this server.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

SCHEMA_ID = "https://schema.lentiq.io/events/v1"
SCHEMA = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "Lentiq changes",
    "description": "A publish, a run, a block or a workflow changed; fetch it again.",
    "personal-data": False,
    "type": "object",
    "properties": {
        "kind": {"title": "What changed", "enum": ["publish", "run", "blocks", "workflows"]},
        "id": {"title": "Which one", "type": "string"},
        "state": {"title": "How it is now", "type": "string"},
    },
    "required": ["kind", "id", "state"],
}


class Announcer:
    """Emits change events from any thread.

    Parameters
    ----------
    logger : jupyter_events.EventLogger
    loop : the server's event loop
    """

    def __init__(self, logger: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._logger = logger
        self._loop = loop
        logger.register_event_schema(SCHEMA)

    def notify(self, kind: str, subject: str, state: str) -> None:
        """Tell all front ends; nothing happens once the server's loop is closed."""
        data = {"kind": kind, "id": subject, "state": str(state)}
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(lambda: self._logger.emit(schema_id=SCHEMA_ID, data=data))
