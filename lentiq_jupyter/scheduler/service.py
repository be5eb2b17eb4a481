"""The scheduler service: one of any number of processes holds the lease and acts.

Blocks on a queue. What wakes it: the end of a task (from the executors), `wake`, a look at the store's
counter of changes once a second (for what other processes wrote), and the tick.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ..errors import LentiqError, NotFound, Unavailable
from ..interfaces import Executor, Store
from ..model import Block, Run, RunState, TaskRun, TaskState, Workflow
from .driver import LeaseLost, RunDriver
from .lease import Lease
from .misfire import Answer, decide_due

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""Seconds between looks at what other processes wrote; also the longest wait for a stop."""
REFRESH_S = 2.0
"""Seconds between looks at how far running tasks are."""
# In ticks. A standby tries every quarter, so it takes over within 1.75 ticks of a holder's death.
_TTL_TICKS = 1.5
_TRY_TICKS = 0.25
# A start later than this was missed rather than merely seen at the next tick, or by the next holder.
_GRACE_TICKS = 3


def no_secrets(name: str, project: str) -> str:
    """Where no secrets are kept."""
    raise NotFound(f"Secret {name} of project {project} is not set.", "This scheduler keeps no secrets.")


class Scheduler:
    """Starts what is due and moves runs to their end.

    Parameters
    ----------
    store : Store
    executors : mapping of name to Executor
        A run is started by the one its `executor` field names.
    load_block : callable
        The block of a reference ``name@version``. Raises NotFound, Unavailable.
    environment : callable
        Environment variables of one task run. Called at its start; what it gives is never stored.
    secret : callable
        The value of a secret by its name and project. Called at a task's start. Raises NotFound, Unavailable.
    results : callable
        The folder for a task run's result files; made if missing.
    pool : str
        Marks this data pool's jobs in the executors.
    tick_s : float
        Seconds between looks for due workflows.
    clock : callable
        The present time, aware.
    new_id : callable
        Ids for runs: unique, lower-case letters and digits.
    notify : callable taking kind, id and state, or None
        Called after each change of a run or task, from the thread that made it.
    holder : str
        Names this process in the lease; unique among all that share the store.
    executor : str or None
        For scheduled runs; None stands for the first of `executors`.
    """

    def __init__(
        self,
        store: Store,
        executors: Mapping[str, Executor],
        *,
        load_block: Callable[[str], Block],
        environment: Callable[[Run, TaskRun], Mapping[str, str]],
        secret: Callable[[str, str], str] = no_secrets,
        results: Callable[[TaskRun], Path],
        pool: str,
        new_id: Callable[[], str],
        holder: str,
        tick_s: float = 30.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        notify: Callable[[str, str, str], None] | None = None,
        executor: str | None = None,
    ) -> None:
        self._store = store
        self._executors = executors
        self._pool = pool
        self._tick_s = tick_s
        self._clock = clock
        self._new_id = new_id
        self._notify = notify or (lambda kind, name, state: None)
        self._executor = executor or next(iter(executors))
        self._lease = Lease(store, holder, _TTL_TICKS * tick_s, clock)
        self._driver = RunDriver(
            store,
            executors,
            load_block=load_block,
            environment=environment,
            secret=secret,
            results=results,
            pool=pool,
            clock=clock,
            notify=self._notify,
            still_mine=self._lease.still,
        )
        # Names of ended jobs, or "" from `wake`; either way: look.
        self._events: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._subscriptions: dict[str, Callable[[], None]] = {}
        self._active = False
        self._running = False
        self._seen: int | None = None

    @property
    def active(self) -> bool:
        """Whether this process held the lease when it last looked."""
        return self._active

    def wake(self) -> None:
        """Look at once for new runs, requests to cancel, a stop; from any thread."""
        self._events.put("")

    def tick(self) -> bool:
        """Start due workflows and move every run on; False, without doing anything, if another holds the lease.

        For one thread: `run_forever` calls it.

        Raises
        ------
        Unavailable
            If the store does not answer.
        """
        try:
            mine = self._lease.still() or self._lease.take()
            if mine != self._active:
                log.info("scheduler %s", "took the lease and acts" if mine else "stands by")
            self._active = mine
            if not mine:
                return False
            self._look(refresh=True)
        except LeaseLost:
            log.warning("another scheduler took the lease; this one stands by")
            self._active = False
        return self._active

    def run_forever(self, stop: threading.Event) -> None:
        """Act, or stand by, until `stop` is set; then give the lease back (within a second, at once with `wake`)."""
        with self._kept_lease():
            next_tick = next_refresh = time.monotonic()
            while not stop.is_set():
                try:
                    if time.monotonic() >= next_tick:
                        mine = self.tick()
                        self._subscribe(mine)
                        next_tick = time.monotonic() + self._tick_s * (1 if mine else _TRY_TICKS)
                        next_refresh = time.monotonic() + REFRESH_S
                    elif self._active and time.monotonic() >= next_refresh:
                        if self._running:
                            self._look(refresh=True)
                        next_refresh = time.monotonic() + REFRESH_S
                    if self._wait(min(next_tick, next_refresh)) and self._active and not stop.is_set():
                        self._look(refresh=False)
                except LentiqError as error:
                    log.warning("the scheduler cannot go on yet: %s", error)
                    next_tick = time.monotonic() + min(self._tick_s, 2 * LOOK_S)
                    stop.wait(LOOK_S)
                except LeaseLost:
                    log.warning("another scheduler took the lease; this one stands by")
                    self._active = False
                    next_tick = time.monotonic()

    def _wait(self, until: float) -> bool:
        """Sleep until something happens, `until` or a second is over; True if there is something to look at."""
        try:
            self._events.get(timeout=max(0.01, min(LOOK_S, until - time.monotonic())))
        except queue.Empty:
            return self._active and self._store.changes() != self._seen
        # One look answers all that has come meanwhile.
        while not self._events.empty():
            self._events.get()
        return True

    def _look(self, *, refresh: bool) -> None:
        """Start what is due and move runs on; `refresh` also asks how far running tasks are."""
        if not self._lease.still():
            raise LeaseLost
        # First of all, so that what others write meanwhile is looked at once more.
        self._seen = self._store.changes()
        # Runs before starts: one that has just ended holds nothing back.
        self._running, again = self._driver.advance(refresh=refresh)
        if self._start_due():
            self._running, again = self._driver.advance(refresh=False)
        if again:
            self.wake()

    def _start_due(self) -> bool:
        """Answer every due start; True if a run came of it."""
        now = self._clock()
        started = False
        for workflow, due in self._store.due(now):
            active = self._store.runs(project=workflow.project, workflow=workflow.name, active=True)
            decision = decide_due(
                workflow.schedule,
                due,
                now,
                active=active[0].id if active else None,
                grace_s=_GRACE_TICKS * self._tick_s,
            )
            if decision.answer is Answer.WAIT:
                continue
            if not self._lease.still():
                raise LeaseLost
            skipped = decision.reason if decision.answer is Answer.SKIP else None
            run = new_run(workflow, self._new_id(), now, executor=self._executor, due_at=due, skipped=skipped)
            # False: somebody started it by hand just now, or another scheduler did; the next tick sees which.
            if self._store.create_run(run, next_start=decision.next_start, expected_start=due):
                log.info("run %s of %s, due %s: %s %s", run.id, workflow.name, due, run.state, run.reason)
                self._notify("run", run.id, str(run.state))
                started = started or skipped is None
        return started

    # the lease, kept; the executors, listened to

    @contextmanager
    def _kept_lease(self) -> Iterator[None]:
        """Renew the lease from a thread, however long a step takes; give it back at the end."""
        over = threading.Event()
        keeper = threading.Thread(target=self._keep_lease, args=(over,), name="lentiq-lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()
            self._subscribe(False)
            self._active = False
            try:
                self._lease.release()
            except Unavailable as error:
                log.warning("the lease runs out by itself: %s", error)

    def _keep_lease(self, over: threading.Event) -> None:
        while not over.wait(_TRY_TICKS * self._tick_s):
            try:
                self._lease.still()
            except Unavailable as error:
                log.warning("the lease could not be renewed: %s", error)

    def _subscribe(self, wanted: bool) -> None:
        if not wanted:
            for unsubscribe in self._subscriptions.values():
                unsubscribe()
            self._subscriptions.clear()
            return
        # An engine that nothing runs on may well be off: it is not asked.
        used = {self._executor, *(run.executor for run in self._store.runs(active=True))}
        for name in sorted(used & set(self._executors) - set(self._subscriptions)):
            try:
                self._subscriptions[name] = self._executors[name].subscribe(self._pool, self._events.put)
                # For what ended before anybody listened.
                self.wake()
            except Unavailable as error:
                # Ends are found by looking then, every REFRESH_S.
                log.warning("executor %s: %s", name, error)


def new_run(
    workflow: Workflow,
    run_id: str,
    now: datetime,
    *,
    executor: str,
    due_at: datetime | None = None,
    author: str = "",
    skipped: str | None = None,
) -> Run:
    """A run of that workflow, all tasks waiting; with `skipped`, the row of a start that was held back and why."""
    if skipped is not None:
        return Run(
            id=run_id,
            workflow=workflow,
            state=RunState.SKIPPED,
            created_at=now,
            due_at=due_at,
            ended_at=now,
            reason=skipped,
            executor=executor,
            author=author,
        )
    tasks = tuple(TaskRun(run_id=run_id, task=task, state=TaskState.WAITING) for task in workflow.tasks)
    return Run(
        id=run_id,
        workflow=workflow,
        state=RunState.PENDING,
        created_at=now,
        tasks=tasks,
        due_at=due_at,
        executor=executor,
        author=author,
    )
