"""Workflows in SQL, with their next start."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..errors import Conflict, NotFound
from ..model import RunState, Workflow
from . import rows
from .part import Part, announce
from .tables import runs, workflows


class WorkflowRows(Part):
    """The part of the store about workflows; see `interfaces.Store`."""

    def save_workflow(
        self, workflow: Workflow, next_start: datetime | None, now: datetime, *, author: str = ""
    ) -> Workflow:
        """Insert or update; returns it with its new revision. Raises Conflict."""
        key = workflow_key(workflow.project, workflow.name)
        asked = sa.select(workflows.c.revision, workflows.c.saved_by, workflows.c.saved_at).where(key)
        with self._database.write() as connection:
            found = connection.execute(asked.with_for_update()).one_or_none()
            stored = None if found is None else found.revision
            if workflow.revision not in (0, stored):
                raise _changed(workflow, found)
            saved = rows.with_revision(workflow, (stored or 0) + 1)
            values = {
                "revision": saved.revision,
                "paused": saved.paused,
                "next_start": next_start,
                "saved_at": now,
                "saved_by": author,
                "document": rows.dump(saved),
            }
            if stored is not None:
                connection.execute(workflows.update().where(key).values(values))
            else:
                try:
                    connection.execute(
                        workflows.insert().values(project=workflow.project, name=workflow.name, **values)
                    )
                except IntegrityError as error:
                    raise _changed(workflow, None) from error
            announce(connection)
        return saved

    def workflow(self, project: str, name: str) -> Workflow:
        """The workflow of that name. Raises NotFound."""
        query = sa.select(workflows.c.document).where(workflow_key(project, name))
        with self._database.read() as connection:
            document = connection.execute(query).scalar()
        if document is None:
            raise no_workflow(project, name)
        return rows.load(Workflow, document)

    def workflows(self, project: str | None = None) -> list[tuple[Workflow, datetime | None]]:
        """Workflows with their next start, by name."""
        query = sa.select(workflows.c.document, workflows.c.next_start).order_by(workflows.c.name, workflows.c.project)
        if project is not None:
            query = query.where(workflows.c.project == project)
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [(rows.load(Workflow, document), start) for document, start in found]

    def next_start(self, project: str, name: str) -> datetime | None:
        """Of one workflow; None if none is to come. Raises NotFound."""
        query = sa.select(workflows.c.next_start).where(workflow_key(project, name))
        with self._database.read() as connection:
            found = connection.execute(query).first()
        if found is None:
            raise no_workflow(project, name)
        return cast("datetime | None", found[0])

    def last_runs(self, project: str | None = None) -> dict[tuple[str, str], tuple[str, RunState]]:
        """Id and state of the newest run of each workflow that has one, by project and name."""
        newest = (
            sa.select(runs.c.id)
            .where(runs.c.project == workflows.c.project, runs.c.workflow == workflows.c.name)
            .order_by(runs.c.created_at.desc(), runs.c.id.desc())
            .limit(1)
            .correlate(workflows)
            .scalar_subquery()
        )
        query = sa.select(workflows.c.project, workflows.c.name, runs.c.id, runs.c.state).join(
            runs, runs.c.id == newest
        )
        if project is not None:
            query = query.where(workflows.c.project == project)
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return {(row.project, row.name): (row.id, RunState(row.state)) for row in found}

    def delete_workflow(self, project: str, name: str) -> None:
        """Runs stay, requested starts go. Raises NotFound."""
        with self._database.write() as connection:
            if not connection.execute(workflows.delete().where(workflow_key(project, name))).rowcount:
                raise no_workflow(project, name)
            announce(connection)

    def due(self, now: datetime, limit: int = 1000) -> list[tuple[Workflow, datetime]]:
        """Unpaused workflows whose next start is not after `now`, with that start, oldest first."""
        query = (
            sa.select(workflows.c.document, workflows.c.next_start)
            .where(workflows.c.next_start <= now, workflows.c.paused.is_(False))
            .order_by(workflows.c.next_start, workflows.c.project, workflows.c.name)
            .limit(limit)
        )
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [(rows.load(Workflow, document), start) for document, start in found]


def workflow_key(project: str | sa.Column[str], name: str | sa.Column[str]) -> sa.ColumnElement[bool]:
    """The condition that a row of `workflows` is that one."""
    return sa.and_(workflows.c.project == project, workflows.c.name == name)


def no_workflow(project: str, name: str) -> NotFound:
    """The error of a missing workflow."""
    return NotFound(f"There is no workflow {name} in project {project}.", "See lentiq workflow list.")


def _changed(workflow: Workflow, found: Any) -> Conflict:
    """Somebody was faster; who, as far as that is known (None: the row came or went in between)."""
    if found is None:
        told = f"Workflow {workflow.name} was made or deleted since it was read."
    else:
        by = f" by {found.saved_by}" if found.saved_by else ""
        told = (
            f"Workflow {workflow.name} was changed{by} at {found.saved_at:%Y-%m-%d %H:%M:%S} UTC "
            f"(revision {found.revision}), since it was read."
        )
    return Conflict(told, "Read it again and repeat the change.")
