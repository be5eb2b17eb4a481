"""Publishes that go on in the background of the server."""

from __future__ import annotations

import dataclasses
import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ..errors import Cancelled, LentiqError, NotFound
from ..interfaces import Service
from ..model import ProgressEvent, PublishRequest, PublishResult, Reporter
from .documents import ErrorBody, Publish, PublishState
from .failures import error_body, internal_error, new_incident

KEPT_ENDED = 20
EVENTS_MAX = 2000
HINT_EVERY_S = 0.25


class PublishJobs:
    """Starts, follows and stops publishes; remembers the last ones.

    Parameters
    ----------
    service : callable giving the Service, called in the background
    notify : callable taking kind, id, state
        Told when a publish has news (at most four times a second each) and when it ends; any thread.
    log : Logger
        Gets unknown errors.
    at_once : int
        How many publishes go on at the same time; more wait their turn.
    """

    def __init__(
        self,
        service: Callable[[], Service],
        notify: Callable[[str, str, str], None],
        log: logging.Logger,
        at_once: int = 2,
    ) -> None:
        self._service = service
        self._notify = notify
        self._log = log
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="lentiq-publish")
        self._lock = threading.Lock()
        self._jobs: dict[str, Publish] = {}
        self._reporters: dict[str, tuple[Reporter, Future[PublishResult]]] = {}
        self._told_at: dict[str, float] = {}

    def start(self, request: PublishRequest, shown_path: str) -> str:
        """Begin a publish and return its id; `shown_path` is the path as the client gave it."""
        job_id = secrets.token_hex(6)
        reporter = Reporter(lambda event: self._add(job_id, event))
        with self._lock:
            self._jobs[job_id] = Publish(id=job_id, path=shown_path, name=request.name, state=PublishState.RUNNING)
            self._forget_old()
            future = self._pool.submit(lambda: self._service().publish(request, reporter))
            self._reporters[job_id] = reporter, future
        future.add_done_callback(lambda ended: self._end(job_id, ended))
        return job_id

    def all(self) -> tuple[Publish, ...]:
        """Newest first."""
        with self._lock:
            return tuple(reversed(self._jobs.values()))

    def get(self, job_id: str) -> Publish:
        """One publish. Raises NotFound."""
        with self._lock:
            found = self._jobs.get(job_id)
        if found is None:
            raise NotFound(f"There is no publish {job_id}.", "Old ones are forgotten; look at the list of blocks.")
        return found

    def cancel(self, job_id: str) -> Publish:
        """Ask it to stop, at its next step; an ended one stays as it is. Raises NotFound."""
        self.get(job_id)
        with self._lock:
            running = self._reporters.get(job_id)
        if running is not None:
            reporter, future = running
            reporter.cancel()
            future.cancel()  # one that still waits its turn never begins
        return self.get(job_id)

    def close(self) -> None:
        """Ask all to stop, without waiting for them."""
        with self._lock:
            reporters = [reporter for reporter, _ in self._reporters.values()]
        for reporter in reporters:
            reporter.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _add(self, job_id: str, event: ProgressEvent) -> None:
        with self._lock:
            job = self._jobs[job_id]
            # A counter that moves is one line; so is everything after the limit. Positions never shift.
            again = job.events and (job.events[-1].step, job.events[-1].message) == (event.step, event.message)
            kept = job.events[:-1] if again or len(job.events) >= EVENTS_MAX else job.events
            self._jobs[job_id] = dataclasses.replace(job, events=(*kept, event))
            now = time.monotonic()
            due = now - self._told_at.get(job_id, 0.0) >= HINT_EVERY_S
            if due:
                self._told_at[job_id] = now
        if due:
            self._notify("publish", job_id, PublishState.RUNNING)

    def _end(self, job_id: str, future: Future[PublishResult]) -> None:
        error = Cancelled("Stopped as asked.", "Nothing was registered.") if future.cancelled() else future.exception()
        with self._lock:
            job = self._jobs[job_id]
            if error is None:
                result = future.result()
                job = dataclasses.replace(job, state=PublishState.SUCCEEDED, result=result, name=result.block.spec.name)
            else:
                state = PublishState.CANCELLED if isinstance(error, Cancelled) else PublishState.FAILED
                job = dataclasses.replace(job, state=state, error=self._body(error))
            self._jobs[job_id] = job
            self._reporters.pop(job_id, None)
            self._told_at.pop(job_id, None)
        self._notify("publish", job_id, job.state)

    def _body(self, error: BaseException) -> ErrorBody:
        if isinstance(error, LentiqError):
            return error_body(error)
        incident = new_incident()
        self._log.error("Lentiq incident %s: a publish broke", incident, exc_info=error)
        return internal_error(incident)

    def _forget_old(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.state is not PublishState.RUNNING]
        for job_id in ended[: max(0, len(ended) - KEPT_ENDED)]:
            del self._jobs[job_id]
