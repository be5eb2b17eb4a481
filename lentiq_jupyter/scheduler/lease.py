"""The right to schedule: held by one process at a time, kept in the database.

Two clocks decide that a holder is gone: its lease has run out by the time of day, or it was not renewed for
its whole time to live by the watcher's own monotonic clock, which nobody sets. A clock that jumps can make
another process take over too early; that does no harm, because every write of a scheduler carries the number
of its lease (its *fence*), and the store refuses one that is not the present number any more.
"""

from __future__ import annotations

import threading
import time
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
        The present time, aware.
    monotonic : callable
        Seconds of a clock that only goes forward.
    """

    def __init__(
        self,
        store: Store,
        holder: str,
        ttl_s: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._holder = holder
        self._ttl_s = ttl_s
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._fence: int | None = None
        self._renewed_s = float("-inf")
        # The holder's last beat seen, and when it was seen first.
        self._beat: tuple[int, float] | None = None

    @property
    def fence(self) -> int | None:
        """The number that this process's writes carry; None while it does not hold the lease."""
        return self._fence

    def valid(self) -> bool:
        """Whether nobody else can have taken it yet, as far as this process can tell without asking."""
        return self._fence is not None and self._monotonic() - self._renewed_s < self._ttl_s

    def take(self) -> bool:
        """Take it, if nobody else has it or its holder has stopped renewing. Raises Unavailable."""
        with self._lock:
            return self._ask(stalled=self._stalled())

    def still(self) -> bool:
        """Renew it; False, from then on until `take`, if somebody else had it in between. Raises Unavailable."""
        with self._lock:
            if self._fence is None:
                return False
            before = self._fence
            if self._ask() and self._fence != before:
                # Somebody had it and gave it back: what was read before may be old.
                self._fence = None
            return self._fence is not None

    def lose(self) -> None:
        """Know that another process has it, as the store said when it refused a write."""
        with self._lock:
            self._fence = None

    def release(self) -> None:
        """Give it back, so that another process need not wait. Raises Unavailable."""
        with self._lock:
            self._fence = None
            self._store.release_lease(LEASE, self._holder)

    def _ask(self, stalled: int | None = None) -> bool:
        asked_s = self._monotonic()
        self._fence = self._store.take_lease(LEASE, self._holder, self._clock(), self._ttl_s, stalled=stalled)
        if self._fence is not None:
            self._renewed_s, self._beat = asked_s, None
        return self._fence is not None

    def _stalled(self) -> int | None:
        """The beat that has not moved for the time to live; None if there is none, or it moves."""
        beat, now_s = self._store.lease_beat(LEASE), self._monotonic()
        if self._beat is None or self._beat[0] != beat:
            self._beat = beat, now_s
        return beat if now_s - self._beat[1] >= self._ttl_s else None
