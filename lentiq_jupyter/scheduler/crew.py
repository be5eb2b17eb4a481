"""Threads that do what may take long (pulling an image, fetching results), so that the loop never waits."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)


class Crew(Protocol):
    """Takes work; whoever gives it hears of the end through what the work itself posts."""

    def submit(self, team: str, work: Callable[[], None]) -> None:
        """Do it soon. Work of one team never waits for that of another."""

    def close(self) -> None:
        """Begin nothing more; what has begun is left alone."""


class Threads:
    """Up to `size` daemon threads for each team, made when needed: a pull that hangs keeps no process alive."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._teams: dict[str, _Team] = {}

    def submit(self, team: str, work: Callable[[], None]) -> None:
        """See `Crew.submit`. For one thread, that of the loop."""
        if team not in self._teams:
            self._teams[team] = _Team(team, self._size)
        self._teams[team].submit(work)

    def close(self) -> None:
        """See `Crew.close`."""
        for team in self._teams.values():
            team.close()
        self._teams.clear()


class _Team:
    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0
        self._made = 0

    def submit(self, work: Callable[[], None]) -> None:
        with self._lock:
            # `_free` counts threads that no work has been put aside for.
            needed = self._free == 0 and self._made < self._size
            self._made += needed
            self._free -= not needed
        self._waiting.put(work)
        if needed:
            threading.Thread(target=self._work, name=f"lentiq-{self._name}", daemon=True).start()

    def _work(self) -> None:
        while (work := self._waiting.get()) is not None:
            try:
                work()
            except Exception:
                # A fault of this package: the next look at the task tries again, and the log says why.
                log.exception("work of the team %s failed", self._name)
            with self._lock:
                self._free += 1
        self._waiting.put(None)

    def close(self) -> None:
        while not self._waiting.empty():
            self._waiting.get()
        self._waiting.put(None)
