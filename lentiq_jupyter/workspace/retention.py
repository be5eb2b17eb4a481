"""Forgets what need not be kept any longer: old runs with their results, and executors' records of ended jobs.

In an order that a crash anywhere leaves repeatable: a run's rows go last, so whoever comes next finds it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from ..errors import Unavailable
from ..interfaces import Executor, Store
from ..model import ExecutionState, Run
from ..scratch import Swept, remove
from ..scratch import sweep as sweep_abandoned

log = logging.getLogger(__name__)

LIMIT = 500
"""Runs, and records of each executor, that one call forgets at most."""
_RECORD_DAYS = 1.0
_BATCH = 50
_GONE = ".gone-"


def sweep(
    store: Store,
    executors: Mapping[str, Executor],
    folder: Path,
    now: datetime,
    *,
    pool: str,
    keep_days: float,
    keep_runs: int,
    stop: Callable[[], bool] = lambda: False,
) -> Swept:
    """What a scheduler does once an hour; parameters as in `sweep_runs` and `sweep_records`.

    Raises
    ------
    Unavailable
        If the store does not answer.
    """
    records = sweep_records(store, executors, now, pool=pool, stop=stop)
    runs = sweep_runs(store, executors, folder, now, keep_days=keep_days, keep_runs=keep_runs, stop=stop)
    if records or runs.count:
        log.info("forgot %d runs (%d bytes) and %d records of ended jobs", runs.count, runs.freed, records)
    for sentence in runs.left:
        log.warning("%s", sentence)
    return runs


def sweep_runs(
    store: Store,
    executors: Mapping[str, Executor],
    folder: Path,
    now: datetime,
    *,
    keep_days: float,
    keep_runs: int,
    limit: int = LIMIT,
    dry_run: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Swept:
    """Forget runs that ended long ago: records of their jobs, then their folders, then their rows.

    Parameters
    ----------
    folder : Path
        Holds a folder of results for each run, named by its id.
    keep_days : float
        Runs that ended within so many days stay; 0 forgets none.
    keep_runs : int
        So many of each workflow stay, however old. So does a run whose results stand for those of one that stays.
    stop : callable
        Asked between two runs whether to leave the rest to the next call.

    Raises
    ------
    Unavailable
        If the store does not answer.
    """
    if not dry_run:
        sweep_abandoned(_GONE, folder)
    total = Swept()
    if not keep_days:
        return total
    found = store.ended_runs(before=now - timedelta(days=keep_days), keep=keep_runs, limit=limit)
    forgotten: list[str] = []
    for run in _not_taken(found, store.taken_results() if found else []):
        if stop():
            break
        gone = _forget_files(run, executors, folder / run.id, dry_run=dry_run)
        total += gone
        if not gone.left:
            # A folder that is not there any more counts, too: its run is what goes.
            total += Swept(count=1 - gone.count)
            forgotten.append(run.id)
        if len(forgotten) >= _BATCH and not dry_run:
            store.delete_runs(forgotten)
            forgotten.clear()
    if forgotten and not dry_run:
        store.delete_runs(forgotten)
    return total


def _not_taken(runs: Iterable[Run], taken: Iterable[tuple[str, str]]) -> list[Run]:
    """Those of the runs that no run beside them takes results from.

    Parameters
    ----------
    taken : iterable of (run id, job name)
        Whose task runs take their results from which job.
    """
    going = {run.id: run for run in runs}
    jobs = {one.job_name: run.id for run in going.values() for one in run.tasks}
    needed = [(taker, jobs[job]) for taker, job in taken if job in jobs]
    while True:
        # A run that stays may need another one that was to go.
        stay = {giver for taker, giver in needed if taker not in going and giver in going}
        if not stay:
            return list(going.values())
        for run_id in stay:
            del going[run_id]


def _forget_files(run: Run, executors: Mapping[str, Executor], folder: Path, *, dry_run: bool) -> Swept:
    executor = executors.get(run.executor)
    if executor is not None and not dry_run:
        # Where an engine is off, its records go with `sweep_records` once it is back.
        with suppress(Unavailable):
            for one in run.tasks:
                executor.remove(one.job_name)
    return remove([folder] if folder.is_dir() else [], dry_run=dry_run)


def sweep_records(
    store: Store,
    executors: Mapping[str, Executor],
    now: datetime,
    *,
    pool: str,
    limit: int = LIMIT,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Let executors forget jobs that ended more than a day ago and belong to no active run; returns how many.

    What a scheduler has not taken in yet belongs to an active run, however long ago it ended.

    Raises
    ------
    Unavailable
        If the store does not answer.
    """
    before = now - timedelta(days=_RECORD_DAYS)
    count = 0
    for name, executor in executors.items():
        try:
            found = executor.find(pool)
        except Unavailable as error:
            log.debug("records of executor %s stay: %s", name, error)
            continue
        # After that look, so that whatever it showed and has not ended in the store is seen here.
        active = {one.job_name for run in store.runs(active=True) for one in run.tasks} if found else set()
        old = [
            job
            for job, one in found.items()
            if one.state is not ExecutionState.RUNNING
            and job not in active
            and (one.ended_at or one.started_at or before) <= before
        ]
        with suppress(Unavailable):
            for job in old[:limit]:
                if stop():
                    return count
                executor.remove(job)
                count += 1
    return count
