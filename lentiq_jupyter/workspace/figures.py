"""The text of ``metrics``: what the store knows, which is the same in every process, and what this one counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ..interfaces import Store
from ..model import ZERO, Project, Resources, Run, TaskState
from ..scheduler import LEASE
from ..scheduler.metrics import Meters


def figures(store: Store, meters: Meters, now: datetime, ttl_s: float) -> str:
    """Figures in the text format of Prometheus (version 0.0.4).

    Parameters
    ----------
    ttl_s : float
        The lease's time to live, by which its expiry tells when it was renewed.

    Raises
    ------
    Unavailable
        If the store does not answer.
    """
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    tasks = Gauge("lentiq_tasks", "Tasks of active runs.", ["project", "state"], registry=registry)
    projects = store.projects()
    counts = store.count_tasks()
    for project in projects:
        for state in TaskState:
            # Zeros too: a series that comes and goes is hard to watch.
            tasks.labels(project.name, str(state)).set(counts.get((project.name, state), 0))
    cpu = Gauge("lentiq_cpu_cores", "CPU of projects.", ["project", "what"], registry=registry)
    memory = Gauge("lentiq_memory_bytes", "Memory of projects.", ["project", "what"], registry=registry)
    for name, what, amount in _amounts(projects, store.runs(active=True)):
        cpu.labels(name, what).set(amount.cpu_millicores / 1000)
        memory.labels(name, what).set(amount.memory_bytes)
    Gauge("lentiq_store_changes", "Writes that schedulers are to hear of.", registry=registry).set(store.changes())
    lease = store.lease(LEASE)
    up = lease is not None and lease[1] > now
    Gauge("lentiq_scheduler_up", "1 if some process holds the lease.", registry=registry).set(1 if up else 0)
    late = Gauge("lentiq_scheduler_late_seconds", "Time since the lease was renewed.", registry=registry)
    late.set(float("nan") if lease is None else since_renewal_s(lease[1], now, ttl_s))
    overdue = Gauge("lentiq_overdue_seconds", "Delay of the oldest start that is due and not made.", registry=registry)
    due = store.due(now, 1)
    overdue.set((now - due[0][1]).total_seconds() if due else 0)
    return (generate_latest(registry) + generate_latest(meters.registry())).decode()


def since_renewal_s(expiry: datetime, now: datetime, ttl_s: float) -> float:
    """Seconds since a lease was renewed that runs out at `expiry`."""
    return max(0.0, ttl_s - (expiry - now).total_seconds())


def _amounts(projects: Iterable[Project], active: list[Run]) -> Iterable[tuple[str, str, Resources]]:
    for project in projects:
        yield project.name, "quota", project.quota
        own = [one for run in active if run.workflow.project == project.name for one in run.tasks]
        yield project.name, "used", sum((one.task.resources for one in own if one.holds_resources), ZERO)
