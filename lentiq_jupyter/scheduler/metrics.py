"""Figures of one scheduler process, in the form that Prometheus collects.

A registry of its own: what else the process counts (a Jupyter server does) is not mixed in. What the store
knows is not here: that is the same in every process, and is asked when somebody collects.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ..model import RunState, TaskState

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_WAITS_S = (0.05, 0.25, 1, 5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)
_RUNS_S = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
_TICKS_S = (0.005, 0.02, 0.1, 0.5, 2, 10, 60)
_LATES_S = (1, 5, 30, 60, 300, 3600, 24 * 3600)


class Meters:
    """What a scheduler counts. Safe to use from several threads; nothing here blocks or raises.

    The library is imported at the first count, so that a process without a scheduler does without it.
    """

    def __init__(self) -> None:
        self._made: _Made | None = None
        self._lock = threading.Lock()

    @property
    def _all(self) -> _Made:
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = _Made()
        return self._made

    def run_started(self, late_s: float | None = None) -> None:
        """A run was made; `late_s` seconds after its scheduled start, None for one by hand."""
        self._all.runs_started.inc()
        if late_s is not None:
            self._all.late.observe(max(0.0, late_s))

    def run_ended(self, state: RunState) -> None:
        """A run ended, or a start became a SKIPPED row."""
        self._all.runs_ended.labels(str(state)).inc()

    def task_started(self, project: str, waited_s: float) -> None:
        """A task was admitted, so many seconds after it was ready."""
        self._all.waited.labels(project).observe(max(0.0, waited_s))

    def task_ended(self, project: str, state: TaskState, seconds: float) -> None:
        """A task that was started has ended; it ran for so many seconds."""
        self._all.ran.labels(project, str(state)).observe(max(0.0, seconds))

    def ticked(self, seconds: float) -> None:
        """A look at everything took so many seconds."""
        self._all.ticks.observe(max(0.0, seconds))

    def lease(self, held: bool) -> None:
        """Whether this process holds the lease."""
        self._all.lease_held.set(1 if held else 0)

    def in_flight(self, starts: int, finishes: int) -> None:
        """How many tasks are being started, and how many ended ones are being read, by threads."""
        self._all.starting.set(starts)
        self._all.finishing.set(finishes)

    def registry(self) -> CollectorRegistry:
        """What holds the figures, for `prometheus_client`."""
        return self._all.registry


class _Made:
    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = CollectorRegistry()
        words: dict[str, Any] = {"registry": self.registry}
        self.runs_started = Counter("lentiq_runs_started", "Runs made by this process's scheduler.", **words)
        self.runs_ended = Counter("lentiq_runs_ended", "Runs that ended, by state.", ["state"], **words)
        self.late = Histogram(
            "lentiq_start_late_seconds", "Delay of runs behind their scheduled start.", buckets=_LATES_S, **words
        )
        self.waited = Histogram(
            "lentiq_task_wait_seconds",
            "Time of tasks between being ready and being admitted.",
            ["project"],
            buckets=_WAITS_S,
            **words,
        )
        self.ran = Histogram(
            "lentiq_task_run_seconds",
            "Time of tasks between start and end.",
            ["project", "state"],
            buckets=_RUNS_S,
            **words,
        )
        self.ticks = Histogram("lentiq_tick_seconds", "Time of the scheduler's looks.", buckets=_TICKS_S, **words)
        self.lease_held = Gauge("lentiq_lease_held", "1 if this process's scheduler holds the lease.", **words)
        self.starting = Gauge("lentiq_starts_in_flight", "Tasks that are being started.", **words)
        self.finishing = Gauge("lentiq_finishes_in_flight", "Ended tasks that are being read.", **words)
