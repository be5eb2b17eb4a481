"""What keeps a server from being culled: tasks in the hand of its scheduler, and publishes.

Jupyter Server takes the newest of all settings whose name ends in ``_last_activity``; JupyterHub's single-user server
tells the hub that time, which its culler goes by. `shutdown_no_activity_timeout` asks each extension besides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

from tornado.ioloop import PeriodicCallback

from ..errors import LentiqError

SETTING = "lentiq_last_activity"
EVERY_S = 30.0


class Activity:
    """Looks again and again whether something goes on here.

    Parameters
    ----------
    settings : of the web application
    count : gives how many things go on
    """

    def __init__(self, settings: MutableMapping[str, Any], count: Callable[[], Awaitable[int]]) -> None:
        self._settings = settings
        self._count = count
        self._timer = PeriodicCallback(self.look, EVERY_S * 1000)
        self.going = 0
        """How many things went on at the last look."""

    def start(self) -> None:
        """Look from now on."""
        self._timer.start()

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    async def look(self) -> None:
        """Look once; while nobody answers, what was seen last counts."""
        with contextlib.suppress(LentiqError):
            self.going = await self._count()
        if self.going:
            self._settings[SETTING] = datetime.now(UTC)
