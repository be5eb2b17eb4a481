"""Finds out that jobs have ended which another process started."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Protocol

from ..errors import LentiqError
from ..model import Execution, ExecutionState

_LOOK_S = 0.05
_SEARCH_S = 0.5


class Jobs(Protocol):
    """What is looked at."""

    def names(self) -> list[str]:
        """All jobs, of whatever pool and state."""

    def pool_of(self, name: str) -> str | None:
        """The data pool of a job; None if there is no such job, or not yet."""

    def has_exit(self, name: str) -> bool:
        """Whether a job has left its end: the cheapest look."""

    def inspect(self, name: str) -> Execution | None:
        """See `interfaces.Executor`."""

    def is_heard(self, name: str) -> bool:
        """Whether the end of that job will be told without looking."""


class Watch:
    """One thread that looks for the ends of a pool's jobs; tells each once, also those it is told of."""

    def __init__(self, jobs: Jobs, pool: str, ended: Callable[[str], None]) -> None:
        self._jobs = jobs
        self.pool = pool
        self._ended = ended
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._running: set[str] = set()
        # Names that need no more looks: told, or of another pool.
        self._settled: set[str] = set()
        for name in jobs.names():
            self._look(name, tell=False)
        self.thread = threading.Thread(target=self._watch, name=f"watch-{pool}", daemon=True)

    def tell(self, name: str) -> None:
        """Say that a job of the pool has ended, unless that was said."""
        with self._lock:
            self._running.discard(name)
            if name in self._settled or self._done.is_set():
                return
            self._settled.add(name)
        self._ended(name)

    def close(self) -> None:
        """Stop looking."""
        self._done.set()
        if threading.current_thread() is not self.thread:
            self.thread.join(timeout=5)

    def _look(self, name: str, *, tell: bool) -> None:
        pool = self._jobs.pool_of(name)
        if pool is not None and pool != self.pool:
            self._settled.add(name)
            return
        execution = self._jobs.inspect(name) if pool is not None else None
        if execution is None:
            return  # being prepared, or forbidden
        if execution.state is ExecutionState.RUNNING:
            self._running.add(name)
        elif tell:
            self.tell(name)
        else:
            self._settled.add(name)

    def _watch(self) -> None:
        searched = time.monotonic()
        while not self._done.wait(_LOOK_S if self._running else _SEARCH_S):
            for name in tuple(self._running):
                if self._jobs.has_exit(name):
                    self.tell(name)
            if time.monotonic() - searched < _SEARCH_S:
                continue
            searched = time.monotonic()
            # A disk that does not answer now may at the next look.
            with contextlib.suppress(LentiqError):
                names = set(self._jobs.names())
                with self._lock:
                    self._settled &= names
                    self._running &= names
                    todo = names - self._settled
                for name in todo:
                    if not self._jobs.is_heard(name):
                        self._look(name, tell=True)
