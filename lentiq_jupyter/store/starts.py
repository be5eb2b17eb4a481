"""Requested starts in SQL: those of a backfill, which wait for their turn."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ..model import RequestedStart
from . import rows
from .part import Part, announce
from .tables import ACTIVE, requested_starts, runs, workflows
from .workflows import no_workflow, workflow_key


class StartRows(Part):
    """The part of the store about requested starts; see `interfaces.Store`."""

    def request_starts(self, starts: Sequence[RequestedStart]) -> int:
        """Add starts to those that wait for their turn; returns how many were not there yet. Raises NotFound."""
        wanted: dict[tuple[str, str], list[RequestedStart]] = {}
        for one in starts:
            wanted.setdefault((one.project, one.workflow), []).append(one)
        added = 0
        with self._database.write() as connection:
            # In one order, so that two callers never wait for each other.
            for key in sorted(wanted):
                added += _request(connection, *key, wanted[key])
            if added:
                announce(connection)
        return added

    def requested_starts(
        self, *, project: str | None = None, workflow: str | None = None, startable: bool = False
    ) -> list[RequestedStart]:
        """Starts that wait, by `due_at`. `startable`: the earliest of each unpaused workflow without an active run."""
        table = requested_starts
        query = sa.select(table.c.document).order_by(table.c.due_at, table.c.project, table.c.workflow)
        if startable:
            query = query.where(*_STARTABLE)
        if project is not None:
            query = query.where(table.c.project == project)
        if workflow is not None:
            query = query.where(table.c.workflow == workflow)
        with self._database.read() as connection:
            found = connection.execute(query).scalars().all()
        return [rows.load(RequestedStart, document) for document in found]

    def withdraw_starts(self, project: str, workflow: str) -> int:
        """Forget the starts of a workflow that wait; returns how many there were."""
        table = requested_starts
        with self._database.write() as connection:
            return connection.execute(
                table.delete().where(table.c.project == project, table.c.workflow == workflow)
            ).rowcount


def _request(connection: sa.Connection, project: str, workflow: str, starts: Sequence[RequestedStart]) -> int:
    table = requested_starts
    # Locked: of two callers at once the later one sees what the earlier has added.
    found = connection.execute(sa.select(workflows.c.name).where(workflow_key(project, workflow)).with_for_update())
    if found.first() is None:
        raise no_workflow(project, workflow)
    query = sa.select(table.c.due_at).where(table.c.project == project, table.c.workflow == workflow)
    there = set(connection.execute(query).scalars())
    new = {one.due_at: one for one in starts if one.due_at not in there}
    if new:
        connection.execute(
            table.insert(),
            [
                {"project": project, "workflow": workflow, "due_at": due_at, "document": rows.dump(one)}
                for due_at, one in new.items()
            ],
        )
    return len(new)


def _startable() -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions that a requested start may be answered now."""
    table, earliest = requested_starts, requested_starts.alias("earliest")
    key = (earliest.c.project, earliest.c.workflow)
    first = sa.select(*key, sa.func.min(earliest.c.due_at)).group_by(*key)
    unpaused = sa.exists().where(workflow_key(table.c.project, table.c.workflow), workflows.c.paused.is_(False))
    held = sa.exists().where(runs.c.project == table.c.project, runs.c.workflow == table.c.workflow, ACTIVE)
    return sa.tuple_(table.c.project, table.c.workflow, table.c.due_at).in_(first), unpaused, ~held


_STARTABLE = _startable()
