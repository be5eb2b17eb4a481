"""The right to schedule: held by one process at a time, kept in the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from ..interfaces import Store

LEASE = "scheduler"
"""The lease's name in the store."""


class Lease:
    """One process's claim on the lease. Safe to use from several threads.

    Parameters
    ----------
    holder : str
        Names this process; unique among all that share the store.
    ttl_s : float
        Seconds after which others may take it, if it was not renewed.
    clock : callable
        The present time, aware. All processes that share the store need about the same clock.
    """

    def __init__(self, store: Store, holder: str, ttl_s: float, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._holder = holder
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._fence: int | None = None

    def take(self) -> bool:
        """Take it, if nobody else has it. Raises Unavailable."""
        with self._lock:
            self._fence = self._store.take_lease(LEASE, self._holder, self._clock(), self._ttl_s)
            return self._fence is not None

    def still(self) -> bool:
        """Renew it; False, from then on until `take`, if somebody else had it in between. Raises Unavailable."""
        with self._lock:
            if self._fence is None:
                return False
            fence = self._store.take_lease(LEASE, self._holder, self._clock(), self._ttl_s)
            if fence != self._fence:
                self._fence = None
            return self._fence is not None

    def release(self) -> None:
        """Give it back, so that another process need not wait. Raises Unavailable."""
        with self._lock:
            self._fence = None
            self._store.release_lease(LEASE, self._holder)
