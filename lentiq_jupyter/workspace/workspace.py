"""`Workspace`: every use case, over the parts that `parts` makes. The faces are thin shells over it."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ..model import Run, TaskRun
from ..scheduler import LEASE, Scheduler
from .block_cases import Notify
from .run_cases import new_id
from .settings import Settings
from .standing import StandingCases


class Workspace(StandingCases):
    """The use cases of `interfaces.Service`, in this process.

    Parameters
    ----------
    settings : Settings, or None for `load_settings()`
    notify : callable taking (kind, id, state), or None
        Called from any thread when something changed: a hint to look again.
    clock : callable giving the present as aware UTC
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        notify: Notify | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(settings, notify=notify, clock=clock)
        self._scheduler: Scheduler | None = None
        self._lock = threading.RLock()

    # ---- scheduler ---------------------------------------------------------------------------------------------------

    def scheduler(self) -> Scheduler:
        """A scheduler over this workspace's store and executors; the caller runs it."""
        return Scheduler(
            self.store,
            self.executors,
            load_block=self.block,
            environment=self._environment,
            secret=self.secret_store.value,
            results=self.results,
            pool=self.settings.pool,
            tick_s=self.settings.tick_s,
            clock=self._clock,
            new_id=new_id,
            notify=self._notify,
            holder=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}",
            executor=self.settings.executor,
            tell=self.teller(),
            pending_notice_s=self.settings.notify_pending_s,
            sweep=self.sweep,
            meters=self.meters,
        )

    def _environment(self, run: Run, one: TaskRun) -> dict[str, str]:
        """The context a task sees; `LENTIQ_DUE_AT`, where the run answers a start, is the time it stands for."""
        due = {"LENTIQ_DUE_AT": run.due_at.isoformat()} if run.due_at else {}
        return {
            "LENTIQ_PROJECT": run.workflow.project,
            "LENTIQ_WORKFLOW": run.workflow.name,
            "LENTIQ_RUN_ID": run.id,
            "LENTIQ_TASK": one.task.name,
            **due,
        }

    # ---- secrets -----------------------------------------------------------------------------------------------------

    def set_secret(self, name: str, value: str, project: str = "default") -> None:
        """Keep the value that tasks of a project get for the secret `name`."""
        self.store.project(project)
        self.secret_store.set(name, value, project)

    def secrets(self, project: str = "default") -> tuple[str, ...]:
        """Names of a project's secrets; their values are for tasks alone."""
        return self.secret_store.names(project)

    def remove_secret(self, name: str, project: str = "default") -> None:
        """Forget a secret. Raises NotFound."""
        self.secret_store.remove(name, project)

    def run_scheduler(self, stop: threading.Event) -> None:
        """Run a scheduler in this thread until `stop`; while another holds the lease it stands by."""
        scheduler = self.scheduler()
        with self._lock:
            self._scheduler = scheduler
        try:
            scheduler.run_forever(stop)
        finally:
            with self._lock:
                self._scheduler = None

    def tasks_in_hand(self) -> int:
        """How many tasks of active runs this process's scheduler sees to; 0 while another one holds the lease.

        Raises
        ------
        Unavailable
            If the database does not answer.
        """
        scheduler = self._scheduler
        if scheduler is None or not scheduler.active:
            return 0
        return sum(number for (_, state), number in self.store.count_tasks().items() if not state.ended)

    @contextmanager
    def ensure_scheduler(self) -> Iterator[bool]:
        """Have a scheduler for the time of the block: another process's, or a thread of this one.

        Yields
        ------
        bool
            True if this process runs it, so that leaving early leaves tasks to the next scheduler.
        """
        lease = self.store.lease(LEASE)
        if lease is not None and lease[1] > self._clock():
            yield False
            return
        stop = threading.Event()
        thread = threading.Thread(target=self.run_scheduler, args=(stop,), name="lentiq-scheduler", daemon=True)
        thread.start()
        try:
            yield True
        finally:
            stop.set()
            scheduler = self._scheduler
            if scheduler is not None:
                scheduler.wake()
            thread.join(timeout=15)

    def _changed(self, kind: str, name: str, state: str) -> None:
        scheduler = self._scheduler
        if scheduler is not None:
            scheduler.wake()
        self._notify(kind, name, state)
