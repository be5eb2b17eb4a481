"""What the standing service does beside scheduling: it says how it is, counts, tells people, and forgets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from ..model import Json, Run, TaskRun
from ..scheduler.metrics import Meters
from ..scratch import Swept, disk_bytes
from .run_cases import RunCases

if TYPE_CHECKING:
    from .notifying import Notifier
    from .pruning import Pruning

# How many of the newest runs are looked at for ends that a scheduler died before telling.
_CAUGHT_UP = 500
# How many runs one prune forgets at most.
_PRUNED = 20_000


class StandingCases(RunCases):
    """The part of `Workspace` about the service itself; parameters as there."""

    @cached_property
    def meters(self) -> Meters:
        """What this process's scheduler counts."""
        return Meters()

    @cached_property
    def notifier(self) -> Notifier:
        """Who tells people what happened. Raises BadInput if the setting `notify` is not written as it should be."""
        from .notifying import Notifier, store_end_told

        return Notifier(
            self.settings.channels,
            public_url=self.settings.public_url,
            clock=self._clock,
            delivered=store_end_told(self.store, self._clock),
        )

    @cached_property
    def _leaving(self) -> threading.Event:
        return threading.Event()

    def teller(self) -> Callable[[str, Run, TaskRun | None], None]:
        """What a scheduler calls to have people told. Raises BadInput, before anything runs, as `notifier` does."""
        notifier = self.notifier

        def tell(kind: str, run: Run, task: TaskRun | None) -> None:
            notifier.tell(kind, run, task)

        return tell

    def status(self) -> dict[str, Json]:
        """See `Service.status`.

        Also ``database``, ``executors`` (``{name: "up" or "down"}`` of those in use), ``isolation`` (what keeps
        their tasks apart), ``pending`` (the task that has waited longest, and for what; null if none waits) and
        ``notify`` (who is told of what).
        """
        from .status import Look

        return Look(self, self._clock()).document()

    def metrics(self) -> str:
        """See `Service.metrics`."""
        from .figures import figures
        from .status import TTL_TICKS

        return figures(self.store, self.meters, self._clock(), TTL_TICKS * self.settings.tick_s)

    def sweep(self) -> None:
        """What a scheduler does when it takes over, and then once an hour.

        It tells ends of runs that another one died before telling, and forgets what `retention` says.
        """
        from .retention import sweep

        if self.settings.channels:
            self.notifier.catch_up(self.store.runs(limit=_CAUGHT_UP))
        sweep(
            self.store,
            self.executors,
            self.settings.folder / "runs",
            self._clock(),
            pool=self.settings.pool,
            keep_days=self.settings.keep_days,
            keep_runs=self.settings.keep_runs,
            stop=self._leaving.is_set,
        )

    def prune(self, *, dry_run: bool = False, keep_days: float | None = None, docker: bool = False) -> Pruning:
        """Free disk space of what nothing uses, and of runs that the settings do not keep; see `pruning.prune`.

        `keep_days` is for what can be made again, None its default; runs go by settings of their own.
        """
        from .pruning import KEEP_DAYS, prune

        return prune(
            self.settings.folder,
            self.catalogue,
            dry_run=dry_run,
            keep_days=KEEP_DAYS if keep_days is None else keep_days,
            docker=docker,
            proof_limit_s=self.settings.proof_limit_s,
            runs=lambda: self._prune_runs(dry_run=dry_run),
        )

    def _prune_runs(self, *, dry_run: bool) -> Swept:
        from .retention import sweep_runs

        folder = self.settings.folder / "runs"
        if not self.settings.database and not (self.settings.folder / "lentiq.sqlite").exists():
            return Swept()
        before = disk_bytes([folder])
        found = sweep_runs(
            self.store,
            self.executors,
            folder,
            self._clock(),
            keep_days=self.settings.keep_days,
            keep_runs=self.settings.keep_runs,
            limit=_PRUNED,
            dry_run=dry_run,
        )
        return Swept(found.count, before, found.freed, found.left)

    def close(self) -> None:
        """Try once what is to be told, for a second at most, and close the database."""
        self._leaving.set()
        if "notifier" in self.__dict__:
            self.notifier.close()
        super().close()
