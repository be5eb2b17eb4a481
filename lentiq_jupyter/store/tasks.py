"""Task runs in SQL. Every change of state is a compare-and-set, decided by the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..model import MOVES, TaskRun, TaskState
from . import rows
from .part import Part, check_fence
from .tables import ACTIVE, runs, task_runs

_MOVE = (
    task_runs.update()
    .where(
        task_runs.c.run_id == sa.bindparam("at_run_id"),
        task_runs.c.name == sa.bindparam("at_name"),
        task_runs.c.item == sa.bindparam("at_item"),
        task_runs.c.attempt == sa.bindparam("at_attempt"),
        task_runs.c.state == sa.bindparam("at_state"),
    )
    .values(
        state=sa.bindparam("state"),
        ended_at=sa.bindparam("ended_at"),
        fingerprint=sa.bindparam("fingerprint"),
        executed=sa.bindparam("executed"),
        reused_from=sa.bindparam("reused_from"),
        document=sa.bindparam("document"),
        cancel_requested=task_runs.c.cancel_requested | sa.bindparam("cancel", type_=sa.Boolean()),
    )
)


class TaskRows(Part):
    """The part of the store about task runs; see `interfaces.Store`."""

    def move_tasks(
        self, moves: Sequence[tuple[TaskRun, TaskRun]], *, new: Sequence[TaskRun] = (), fence: int | None = None
    ) -> bool:
        """Compare-and-set of several task runs, and new ones, all or none; see `interfaces.Store`.

        A new attempt or item of a task that somebody asked to cancel is asked to cancel, too.
        """
        # Before the transaction: others wait for it.
        changes = [_move(task, to) for task, to in moves]
        added = [rows.task_row(one, "", 0) for one in new]
        try:
            with self._database.write() as connection:
                check_fence(connection, fence)
                if added:
                    _place(connection, added)
                if changes and connection.execute(_MOVE, changes).rowcount != len(changes):
                    connection.rollback()
                    return False
                if added:
                    connection.execute(task_runs.insert(), added)
        except IntegrityError:
            # Somebody has added them before.
            return False
        return True

    def find_result(self, project: str, fingerprint: str) -> TaskRun | None:
        """The newest task run of that project that succeeded with that fingerprint; None if there is none."""
        found = self._newest((task_runs.c.project == project) & (task_runs.c.fingerprint == fingerprint), 1)
        return found[0] if found else None

    def usage(self, block: str, version: str, limit: int = 20) -> list[TaskRun]:
        """The newest task runs of that block version that succeeded by being executed, newest first."""
        return self._newest(task_runs.c.executed == f"{block}@{version}", limit)

    def _newest(self, which: sa.ColumnElement[bool], limit: int) -> list[TaskRun]:
        query = (
            sa.select(task_runs.c.document, task_runs.c.cancel_requested)
            .where(which)
            .order_by(task_runs.c.ended_at.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [rows.task_record(document, cancel_requested) for document, cancel_requested in found]

    def count_tasks(self) -> dict[tuple[str, TaskState], int]:
        """Task runs of active runs, by project and state; groups of a `foreach` are not counted."""
        query = (
            sa.select(task_runs.c.project, task_runs.c.state, sa.func.count())
            .where(task_runs.c.run_id.in_(sa.select(runs.c.id).where(ACTIVE)), task_runs.c.is_group.is_(False))
            .group_by(task_runs.c.project, task_runs.c.state)
        )
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return {(project, TaskState(state)): number for project, state, number in found}


def _move(task: TaskRun, to: TaskRun) -> dict[str, object]:
    """What `_MOVE` needs to know. Raises ValueError if `MOVES` does not allow it."""
    if task.job_name != to.job_name or task.is_group != to.is_group:
        raise ValueError(f"{task.job_name} cannot become {to.job_name}")
    if to.state is not task.state and to.state not in MOVES[task.state]:
        raise ValueError(f"{task.job_name}: {to.state} cannot follow {task.state}")
    at = {f"at_{name}": value for name, value in rows.task_key(task).items()}
    return {**at, "at_state": task.state.value, "cancel": to.cancel_requested, **rows.task_values(to)}


def _place(connection: sa.Connection, added: Sequence[dict[str, Any]]) -> None:
    """Give new rows the project and place of their task, and what was asked of it; lock their runs."""
    ids = sorted({row["run_id"] for row in added})
    names = sorted({row["name"] for row in added})
    # In one order, and before any task run: so does whoever asks to cancel a task, and nobody slips in between.
    connection.execute(sa.select(runs.c.id).where(runs.c.id.in_(ids)).order_by(runs.c.id).with_for_update()).all()
    query = (
        sa.select(
            task_runs.c.run_id,
            task_runs.c.name,
            sa.func.min(task_runs.c.project),
            sa.func.min(task_runs.c.position),
            sa.func.max(sa.cast(task_runs.c.cancel_requested, sa.Integer)),
        )
        .where(task_runs.c.run_id.in_(ids), task_runs.c.name.in_(names))
        .group_by(task_runs.c.run_id, task_runs.c.name)
    )
    there = {(run_id, name): found for run_id, name, *found in connection.execute(query)}
    for row in added:
        if (row["run_id"], row["name"]) not in there:
            raise ValueError(f"run {row['run_id']} has no task {row['name']}")
        project, position, cancel = there[row["run_id"], row["name"]]
        row.update(project=project, position=position, cancel_requested=bool(cancel) or row["cancel_requested"])
