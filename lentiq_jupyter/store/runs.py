"""Runs in SQL. Every change of state is a compare-and-set, decided by the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..errors import Conflict, NotFound
from ..model import RequestedStart, Run, RunState, TaskRun, TaskState
from . import rows
from .part import Part, announce, check_fence
from .tables import ACTIVE, requested_starts, runs, task_runs, workflows
from .workflows import workflow_key

# Ids in one query: SQLite takes 32,766 parameters at most.
_BATCH = 5000
_ENDED = [state.value for state in TaskState if state.ended]


class RunRows(Part):
    """The part of the store about runs; see `interfaces.Store`."""

    def create_run(
        self,
        run: Run,
        *,
        next_start: datetime | None = None,
        expected_start: datetime | None = None,
        answers: RequestedStart | None = None,
        fence: int | None = None,
    ) -> bool:
        """Insert a run with its tasks, and move the workflow's next start; see `interfaces.Store`.

        Raises
        ------
        Conflict
            If a run of that id exists.
        LeaseLost
            If the scheduler's lease has another number than `fence`.
        """
        start = _Start(run, expected_start, next_start, answers)
        try:
            return self._create([start], fence)
        except IntegrityError as error:
            # Either the partial unique index (no overlap) or the primary key.
            with self._database.read() as connection:
                if connection.execute(sa.select(runs.c.id).where(runs.c.id == run.id)).first():
                    raise Conflict(f"There is a run {run.id} already.", "Start it under a new id.") from error
            return False

    def create_runs(self, starts: Sequence[tuple[Run, datetime, datetime | None]], *, fence: int | None = None) -> bool:
        """The same for several, all or none; see `interfaces.Store`. Raises LeaseLost as `create_run` does."""
        try:
            return self._create([_Start(run, expected, upcoming, None) for run, expected, upcoming in starts], fence)
        except IntegrityError:
            return False

    def _create(self, starts: Sequence[_Start], fence: int | None) -> bool:
        if not starts:
            return True
        # Before the transaction: others wait for it.
        found = [rows.run_row(one.run) for one in starts]
        parts = [
            rows.task_row(task, one.run.workflow.project, position)
            for one in starts
            for position, task in enumerate(one.run.tasks)
        ]
        with self._database.write() as connection:
            check_fence(connection, fence)
            if not all(_take_start(connection, one) for one in starts):
                connection.rollback()
                return False
            connection.execute(runs.insert(), found)
            if parts:
                connection.execute(task_runs.insert(), parts)
            announce(connection)
        return True

    def run(self, run_id: str) -> Run:
        """With its tasks. Raises NotFound."""
        with self._database.read() as connection:
            found = read_runs(connection, sa.select(runs).where(runs.c.id == run_id))
        if not found:
            raise _no_run(run_id)
        return found[0]

    def runs(
        self, *, project: str | None = None, workflow: str | None = None, active: bool = False, limit: int = 100
    ) -> list[Run]:
        """Newest first, with their tasks. `active`: only pending and running ones, without limit."""
        query = sa.select(runs)
        if project is not None:
            query = query.where(runs.c.project == project)
        if workflow is not None:
            query = query.where(runs.c.workflow == workflow)
        if active:
            # Sorted here: asked for an order, SQLite would rather walk through all runs in that order.
            query = query.where(ACTIVE)
        else:
            query = query.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            found = read_runs(connection, query)
        return sorted(found, key=lambda run: (run.created_at, run.id), reverse=True) if active else found

    def has_active_run(self, project: str, workflow: str) -> bool:
        """Whether a run of that workflow is pending or running."""
        query = sa.select(runs.c.id).where(runs.c.project == project, runs.c.workflow == workflow, ACTIVE)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def active_versions(self) -> dict[str, int]:
        """Ids of runs pending or running, each with a number that grows when somebody asks to cancel in it."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(runs.c.id, runs.c.version).where(ACTIVE))
            return {run_id: version for run_id, version in found}  # noqa: C416  # rows are no pairs to mypy

    def move_run(
        self,
        run_id: str,
        state: RunState,
        to: RunState,
        *,
        at: datetime,
        reason: str = "",
        fence: int | None = None,
    ) -> bool:
        """Compare-and-set of a run's state; sets `started_at` at RUNNING and `ended_at` at an end.

        Raises ValueError if `state` is an end (nothing follows it), LeaseLost as `create_run` does.
        """
        return self.move_runs([(run_id, state, to, reason)], at=at, fence=fence)

    def move_runs(
        self, moves: Sequence[tuple[str, RunState, RunState, str]], *, at: datetime, fence: int | None = None
    ) -> bool:
        """The same for several, one after another, all or none; see `interfaces.Store`. Raises as `move_run`."""
        for run_id, state, _, _ in moves:
            if state.ended:
                raise ValueError(f"run {run_id}: nothing follows {state}")
        with self._database.write() as connection:
            check_fence(connection, fence)
            for run_id, state, to, reason in moves:
                key = sa.and_(runs.c.id == run_id, runs.c.state == state.value)
                if not connection.execute(runs.update().where(key).values(_run_values(to, at, reason))).rowcount:
                    connection.rollback()
                    return False
        return True

    def request_cancel(self, run_id: str, task: str | None = None) -> bool:
        """Mark a run, or what has not ended of all items and attempts of one task in it, for cancelling.

        False if that has ended. Raises NotFound if there is no such run or task.
        """
        with self._database.write() as connection:
            # The run's row first, as whoever adds attempts to it does: a request can slip by none of them.
            marked = connection.execute(
                runs.update()
                .where(runs.c.id == run_id, ACTIVE)
                .values(version=runs.c.version + 1, **({"cancel_requested": True} if task is None else {}))
            ).rowcount
            if not marked and connection.execute(sa.select(runs.c.id).where(runs.c.id == run_id)).first() is None:
                raise _no_run(run_id)
            if task is not None:
                marked = _mark_task(connection, run_id, task) if marked else _check_task(connection, run_id, task)
            if not marked:
                connection.rollback()
                return False
            announce(connection)
        return True


@dataclass(frozen=True)
class _Start:
    """A run, and the start that it answers."""

    run: Run
    expected: datetime | None
    upcoming: datetime | None
    answers: RequestedStart | None


def _run_values(to: RunState, at: datetime, reason: str) -> dict[str, object]:
    values: dict[str, object] = {"state": to.value, "reason": rows.plain(reason)}
    if to is RunState.RUNNING:
        values["started_at"] = sa.func.coalesce(runs.c.started_at, sa.bindparam("at", at, runs.c.started_at.type))
    if to.ended:
        values["ended_at"] = at
    return values


def _take_start(connection: sa.Connection, start: _Start) -> bool:
    """Take the start that the run answers, so that nobody else can; False if it is gone."""
    run, answers = start.run, start.answers
    if start.expected is not None:
        key = workflow_key(run.workflow.project, run.workflow.name)
        moved = connection.execute(
            workflows.update().where(key, workflows.c.next_start == start.expected).values(next_start=start.upcoming)
        )
        if not moved.rowcount:
            return False
    if answers is not None:
        table = requested_starts
        taken = connection.execute(
            table.delete().where(
                table.c.project == answers.project,
                table.c.workflow == answers.workflow,
                table.c.due_at == answers.due_at,
            )
        )
        if not taken.rowcount:
            return False
    return True


def read_runs(connection: sa.Connection, query: sa.Select[Any]) -> list[Run]:
    """The runs that a query for rows of `runs` finds, in its order, with their tasks."""
    found = connection.execute(query).mappings().all()
    tasks: dict[str, list[TaskRun]] = {row["id"]: [] for row in found}
    ids = list(tasks)
    for begin in range(0, len(ids), _BATCH):
        parts = (
            sa.select(task_runs.c.run_id, task_runs.c.document, task_runs.c.cancel_requested)
            .where(task_runs.c.run_id.in_(ids[begin : begin + _BATCH]))
            .order_by(task_runs.c.run_id, task_runs.c.position, task_runs.c.item, task_runs.c.attempt)
        )
        for run_id, document, cancel_requested in connection.execute(parts):
            tasks[run_id].append(rows.task_record(document, cancel_requested))
    return [rows.run_record(row, tuple(tasks[row["id"]])) for row in found]


def _mark_task(connection: sa.Connection, run_id: str, task: str) -> int:
    key = sa.and_(task_runs.c.run_id == run_id, task_runs.c.name == task)
    marked = connection.execute(
        task_runs.update().where(key, task_runs.c.state.not_in(_ENDED)).values(cancel_requested=True)
    ).rowcount
    return marked or _check_task(connection, run_id, task)


def _check_task(connection: sa.Connection, run_id: str, task: str) -> int:
    """0, for nothing was marked; NotFound if there is no such task."""
    key = sa.and_(task_runs.c.run_id == run_id, task_runs.c.name == task)
    if connection.execute(sa.select(task_runs.c.run_id).where(key).limit(1)).first() is None:
        raise NotFound(f"Run {run_id} has no task {task}.", f"See lentiq runs show {run_id}.")
    return 0


def _no_run(run_id: str) -> NotFound:
    return NotFound(f"There is no run {run_id}.", "See lentiq runs list.")
