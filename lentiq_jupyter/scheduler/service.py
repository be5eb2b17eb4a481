"""The scheduler service: one of any number of processes holds the lease and acts.

Blocks on a queue. What wakes it: the end of a task (from the executors), results of its threads, `wake`, a look
at the store's counter of changes (for what other processes wrote), and the tick.
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

from ..errors import LeaseLost, LentiqError, NotFound, Unavailable
from ..interfaces import Executor, Store
from ..model import Block, Run, TaskRun
from .crew import Crew, Threads
from .driver import RunDriver
from .finishing import Finisher
from .lease import Lease
from .metrics import Meters
from .starting import Starter
from .starts import BATCH, Starts

log = logging.getLogger(__name__)

LOOK_S = 0.25
"""Seconds between looks at what other processes wrote (one number is read); also the longest wait for a stop."""
REFRESH_S = 2.0
"""Seconds between looks at how far running tasks are; longer where very many run."""
SWEEP_S = 3600.0
"""Seconds between sweeps of what need not be kept any longer, and between looks for orphans."""
# In ticks. A standby tries every quarter, so it takes over within 1.75 ticks of a holder's death.
_TTL_TICKS = 1.5
_TRY_TICKS = 0.25
_TEAM_SIZE = 8
_SET_BACK_S = 60.0
# That many running tasks are looked at every `REFRESH_S`.
_LOOKS = 20


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
    tell : callable or None
        Told of what people want to hear of; see `RunDriver`.
    pending_notice_s : float or None
        Seconds that a task may be PENDING before that is told; None: never told.
    sweep : callable or None
        Called once an hour from a thread of its own by the process that holds the lease: retention.
    crew : Crew or None
        Does what may take long; None stands for threads.
    meters : Meters or None
        Counts what happens.

    `load_block`, `environment`, `secret` and `results` are called from several threads.
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
        tell: Callable[[str, Run, TaskRun | None], None] | None = None,
        pending_notice_s: float | None = None,
        sweep: Callable[[], None] | None = None,
        crew: Crew | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._store = store
        self._executors = executors
        self._pool = pool
        self._tick_s = tick_s
        self._clock = clock
        self._sweep = sweep
        self._executor = executor or next(iter(executors))
        self._lease = Lease(store, holder, _TTL_TICKS * tick_s, clock)
        self._crew = crew or Threads(_TEAM_SIZE)
        self._meters = meters or Meters()
        # What is to be done in the loop's thread; None from `wake`: look.
        self._events: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        said = notify or (lambda kind, name, state: None)
        starter = Starter(
            load_block=load_block, environment=environment, secret=secret, pool=pool, still_mine=self._lease.valid
        )
        self._driver = RunDriver(
            store,
            executors,
            starter=starter,
            finisher=Finisher(block=starter.block, results=results, clock=clock),
            crew=self._crew,
            post=self._events.put,
            pool=pool,
            clock=clock,
            notify=said,
            tell=tell or (lambda kind, run, task: None),
            fence=self._fence,
            pending_notice_s=pending_notice_s,
            meters=self._meters,
        )
        self._starts = Starts(
            store,
            clock=clock,
            new_id=new_id,
            executor=self._executor,
            tick_s=tick_s,
            notify=said,
            fence=self._fence,
            active=self._driver.active,
            unsure=self._driver.unsure,
            meters=self._meters,
        )
        self._subscriptions: dict[str, Callable[[], None]] = {}
        self._active = False
        self._seen: int | None = None
        self._swept_s = float("-inf")
        # How far the time of day is ahead of a clock that nobody sets.
        self._ahead_s: float | None = None
        self.turned_s = time.monotonic()
        """When the loop last came round, on the monotonic clock: whoever watches it sees whether it hangs."""

    @property
    def active(self) -> bool:
        """Whether this process held the lease when it last looked."""
        return self._active

    def wake(self) -> None:
        """Look at once for new runs, requests to cancel, a stop; from any thread."""
        self._events.put(None)

    def tick(self) -> bool:
        """Start due workflows and move every run on; False, without doing anything, if another holds the lease.

        Returns when all that this began has been done. For one thread; a service calls `run_forever`.

        Raises
        ------
        Unavailable
            If the store does not answer.
        """
        try:
            if self._tick():
                while self._driver.busy:
                    self._events_of(self._events.get())
                    self._advance()
                    self._start_put_off()
        except LeaseLost:
            self._stand_by()
        return self._active

    def run_forever(self, stop: threading.Event) -> None:
        """Act, or stand by, until `stop` is set; then give the lease back (within a second, at once with `wake`)."""
        with self._kept_lease():
            next_tick = next_look = time.monotonic()
            while not stop.is_set():
                self.turned_s = time.monotonic()
                try:
                    now_s = time.monotonic()
                    if now_s >= next_tick:
                        mine = self._tick()
                        self._subscribe(mine)
                        next_tick = now_s + self._tick_s * (1 if mine else _TRY_TICKS)
                        next_look = now_s + REFRESH_S
                    elif self._active and now_s >= next_look:
                        self._driver.look()
                        self._advance()
                        next_look = now_s + REFRESH_S * max(1.0, self._driver.running / _LOOKS)
                    self._wait(stop, min(next_tick, next_look if self._active else next_tick))
                except LeaseLost:
                    self._stand_by()
                    next_tick = time.monotonic()
                except LentiqError as error:
                    log.warning("the scheduler cannot go on yet: %s", error)
                    # What was held in memory may not be what the store has.
                    self._active = False
                    next_tick = time.monotonic() + min(self._tick_s, 2 * LOOK_S)
                    stop.wait(LOOK_S)
                except Exception:
                    # A fault of this package must not end the service: it begins anew with what the store has.
                    log.exception("the scheduler met a fault, and begins again")
                    self._active = False
                    next_tick = time.monotonic() + self._tick_s
                    stop.wait(LOOK_S)

    # steps

    def _fence(self) -> int:
        fence = self._lease.fence
        if fence is None:
            raise LeaseLost("Another scheduler has taken the lease.")
        return fence

    def _tick(self) -> bool:
        """Take or renew the lease; if it is held, look at everything."""
        kept = self._lease.still()
        mine = kept or self._lease.take()
        # Somebody else may have written since it was held last.
        began = mine and not (kept and self._active)
        if began:
            log.info("scheduler took the lease and acts")
            self._driver.forget()
            self._seen = None
        elif self._active and not mine:
            log.info("scheduler stands by")
            self._driver.forget()
        self._active = mine
        self._meters.lease(mine)
        if not mine:
            return False
        began_s = time.perf_counter()
        self._mind_the_clock()
        self._read()
        used = self._driver.executors() | {self._executor}
        self._driver.look()
        self._advance()
        self._start_due()
        if began or time.monotonic() - self._swept_s >= SWEEP_S:
            self._swept_s = time.monotonic()
            self._driver.orphans(used)
            if self._sweep is not None:
                self._crew.submit("sweep", self._sweep)
        self._meters.ticked(time.perf_counter() - began_s)
        return True

    def _mind_the_clock(self) -> None:
        """Where the clock was set back, starts may have been reckoned from a time that has not come."""
        ahead_s = self._clock().timestamp() - time.monotonic()
        if self._ahead_s is not None and ahead_s < self._ahead_s - _SET_BACK_S:
            log.warning("the clock was set back by %.0f s", self._ahead_s - ahead_s)
            self._starts.reckon_again()
        self._ahead_s = ahead_s

    def _read(self) -> None:
        # The counter first, so that what others write meanwhile is looked at once more.
        self._seen = self._store.changes()
        self._driver.sync()

    def _start_due(self) -> None:
        for number, run in enumerate(self._starts.make(), start=1):
            self._driver.add(run)
            if number % BATCH == 0:
                # The first of many need not wait for the last.
                self._advance()
        self._advance()

    def _start_put_off(self) -> None:
        if self._starts.put_off:
            self._start_due()

    def _advance(self) -> None:
        while self._driver.advance():
            pass
        self._meters.in_flight(*self._driver.in_flight)

    def _stand_by(self) -> None:
        log.warning("another scheduler took the lease; this one stands by")
        self._lease.lose()
        self._driver.forget()
        self._active = False
        self._meters.lease(False)

    def _wait(self, stop: threading.Event, until_s: float) -> None:
        """Sleep until something happens, `until_s` or a second is over, and answer it."""
        now_s = time.monotonic()
        until_s = min(until_s, now_s + LOOK_S)
        if self._active and self._driver.retry_at is not None:
            until_s = min(until_s, now_s + max(0.0, (self._driver.retry_at - self._clock()).total_seconds()))
        try:
            event = self._events.get(timeout=max(0.001, until_s - now_s))
        except queue.Empty:
            if self._active and self._store.changes() != self._seen:
                self._look_around()
            elif self._active:
                self._advance()
            return
        if stop.is_set():
            return
        if self._events_of(event) and self._active:
            self._look_around()
        elif self._active:
            self._advance()
            self._start_put_off()

    def _look_around(self) -> None:
        self._read()
        self._advance()
        self._start_due()

    def _events_of(self, event: Callable[[], None] | None) -> bool:
        """Do this event and all that have come meanwhile; True if one of them asks to look around."""
        asked = False
        with self._driver.ledger.held_back():
            while True:
                if event is None:
                    asked = True
                else:
                    event()
                try:
                    event = self._events.get_nowait()
                except queue.Empty:
                    return asked

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
            self._crew.close()
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
        for name in sorted((self._driver.executors() | {self._executor}) - set(self._subscriptions)):
            try:
                self._subscriptions[name] = self._executors[name].subscribe(self._pool, self._ended)
            except Unavailable as error:
                # Ends are found by looking then, every REFRESH_S.
                log.warning("executor %s: %s", name, error)

    def _ended(self, job_name: str) -> None:
        self._events.put(lambda: self._driver.ended(job_name))
