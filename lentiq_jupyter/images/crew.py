"""Threads that do the parts of one build: the first that fails, or a wish to stop, stops all of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import Cancelled
from ..model import ProgressEvent, Reporter

_T = TypeVar("_T")


class Halted(Cancelled):
    """Another part of the build failed; whoever started the parts hears of that one instead."""


class Crew:
    """Threads with one fate.

    Parts get `report`: it hands progress on, one event at a time, and its `check` raises once any part
    failed. A part may wait for one that was started before it, and for those it starts with `compute`.

    Parameters
    ----------
    report : Reporter
        What the caller of the build gave.
    threads : int
        How many parts go on at once, beside one a processor that computes.
    """

    def __init__(self, report: Reporter, threads: int) -> None:
        self.report: Reporter = _Shared(report, self._stop_if_failed)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lentiq-build")
        self._computers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="lentiq-pack")
        self._lock = threading.Lock()
        self._parts: list[Future[Any]] = []
        self._failed: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None and self._failed is None:
            self._failed = error
        # Those that compute start others, never the other way round while an error is on its way.
        for pool in (self._computers, self._pool):
            pool.shutdown(wait=True, cancel_futures=error is not None)
        if self._failed is not None and (error is None or isinstance(error, (Halted, CancelledError))):
            raise self._failed

    def start(self, part: Callable[..., _T], *arguments: object) -> Future[_T]:
        """Have `part` done by some thread."""
        return self._started(self._pool, part, *arguments)

    def compute(self, part: Callable[..., _T], *arguments: object) -> Future[_T]:
        """Have a part done that keeps a processor busy, and waits for no other."""
        return self._started(self._computers, part, *arguments)

    def _started(self, pool: ThreadPoolExecutor, part: Callable[..., _T], *arguments: object) -> Future[_T]:
        future = pool.submit(self._guarded, part, *arguments)
        with self._lock:
            self._parts.append(future)
        return future

    def wait(self) -> None:
        """Until all parts are done, those that parts started among them; raises what the first failure raised."""
        seen = 0
        while True:
            with self._lock:
                left = self._parts[seen:]
            if not left:
                return
            seen += len(left)
            wait(left)
            self._stop_if_failed()

    def _guarded(self, part: Callable[..., _T], *arguments: object) -> _T:
        self._stop_if_failed()
        try:
            return part(*arguments)
        except BaseException as error:
            with self._lock:
                if self._failed is None and not isinstance(error, Halted):
                    self._failed = error
            raise

    def _stop_if_failed(self) -> None:
        if self._failed is not None:
            raise Halted("Another part of the build failed.", "Look at its error.")


class _Shared(Reporter):
    """One reporter for many threads."""

    def __init__(self, report: Reporter, check: Callable[[], None]) -> None:
        lock = threading.Lock()

        def sink(event: ProgressEvent) -> None:
            with lock:
                report.say(event.step, event.message, event.done, event.total)

        super().__init__(sink)
        self._report = report
        self._also = check

    def check(self) -> None:
        self._report.check()
        self._also()
