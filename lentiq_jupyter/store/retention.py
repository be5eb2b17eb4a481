"""Which runs may be forgotten, and forgetting them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from ..model import Run
from .part import Part
from .runs import read_runs
from .tables import ACTIVE, runs, task_runs
from .workflows import workflow_key

_BATCH = 500


class Retention(Part):
    """The part of the store that forgets; see `interfaces.Store`."""

    def ended_runs(self, *, before: datetime | None = None, keep: int | None = None, limit: int = 1000) -> list[Run]:
        """Runs that retention may forget, oldest first; see `interfaces.Store`.

        Runs outside any saved workflow (of a block, or of a workflow since deleted) are forgotten by their age
        alone: without `before`, `keep` keeps them all.
        """
        query = sa.select(runs).where(~ACTIVE, runs.c.ended_at.is_not(None))
        if before is not None:
            query = query.where(runs.c.ended_at < before)
        if keep is not None:
            saved = sa.exists().where(workflow_key(runs.c.project, runs.c.workflow))
            outside = sa.false() if before is None else ~saved
            query = query.where(outside | (saved & _newer_than(keep)))
        query = query.order_by(runs.c.ended_at, runs.c.id).limit(limit)
        with self._database.read() as connection:
            return read_runs(connection, query)

    def taken_results(self) -> list[tuple[str, str]]:
        """Id of the run and `reused_from`, of every task run that took an earlier result."""
        taken = task_runs.c.reused_from
        query = sa.select(task_runs.c.run_id, taken).where(taken.is_not(None)).order_by(taken, task_runs.c.run_id)
        with self._database.read() as connection:
            return [(run_id, job_name) for run_id, job_name in connection.execute(query)]

    def delete_runs(self, ids: Sequence[str]) -> int:
        """Forget ended runs with their tasks; returns how many. Ids of others are ignored."""
        gone = 0
        for begin in range(0, len(ids), _BATCH):
            # A transaction each, so that whoever has something urgent to write gets in between.
            with self._database.write() as connection:
                some = runs.c.id.in_(ids[begin : begin + _BATCH])
                gone += connection.execute(runs.delete().where(some, ~ACTIVE)).rowcount
        return gone


def _newer_than(keep: int) -> sa.ColumnElement[bool]:
    """Whether a run's workflow has at least `keep` newer ended ones."""
    if keep < 1:
        return sa.true()
    other = runs.alias("other")
    newer = (
        sa.select(other.c.id)
        .where(
            other.c.project == runs.c.project,
            other.c.workflow == runs.c.workflow,
            other.c.ended_at.is_not(None),
            sa.tuple_(other.c.created_at, other.c.id) > sa.tuple_(runs.c.created_at, runs.c.id),
        )
        .limit(1)
        .offset(keep - 1)
    )
    return newer.scalar_subquery().is_not(None)
