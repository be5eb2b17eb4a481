"""`interfaces.Store` in SQL. Every change of state is a compare-and-set, decided by the database."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..errors import Conflict, NotFound
from ..model import MOVES, Project, Run, RunState, TaskRun, Workflow
from . import rows
from .engine import Database
from .tables import ACTIVE, changes, leases, projects, runs, task_runs, workflows


class SqlStore:
    """The store over one `Database`; made by `open_store`. Safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    # projects and workflows

    def save_project(self, project: Project) -> None:
        """Insert or update."""
        values = {"document": rows.dump(project)}
        with self._database.write() as connection:
            if not connection.execute(projects.update().where(projects.c.name == project.name).values(values)).rowcount:
                # Two first saves at once: the later one waits for the earlier and finds its row.
                try:
                    with connection.begin_nested():
                        connection.execute(projects.insert().values(name=project.name, **values))
                except IntegrityError:
                    connection.execute(projects.update().where(projects.c.name == project.name).values(values))
            _changed(connection)

    def project(self, name: str) -> Project:
        """The project of that name. Raises NotFound."""
        with self._database.read() as connection:
            document = connection.execute(sa.select(projects.c.document).where(projects.c.name == name)).scalar()
        if document is None:
            raise NotFound(f"There is no project {name}.", "See lentiq project list.")
        return rows.load(Project, document)

    def projects(self) -> list[Project]:
        """All projects, by name."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(projects.c.document).order_by(projects.c.name)).scalars().all()
        return [rows.load(Project, document) for document in found]

    def save_workflow(self, workflow: Workflow, next_start: datetime | None, now: datetime) -> Workflow:
        """Insert or update; returns it with its new revision. Raises Conflict."""
        key = (workflows.c.project == workflow.project) & (workflows.c.name == workflow.name)
        changed = Conflict(
            f"Workflow {workflow.name} was changed since it was read.", "Read it again and repeat the change."
        )
        with self._database.write() as connection:
            stored = connection.execute(sa.select(workflows.c.revision).where(key).with_for_update()).scalar()
            if workflow.revision not in (0, stored):
                raise changed
            saved = rows.with_revision(workflow, (stored or 0) + 1)
            values = {
                "revision": saved.revision,
                "paused": saved.paused,
                "next_start": next_start,
                "saved_at": now,
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
                    raise changed from error
            _changed(connection)
        return saved

    def workflow(self, project: str, name: str) -> Workflow:
        """The workflow of that name. Raises NotFound."""
        key = (workflows.c.project == project) & (workflows.c.name == name)
        with self._database.read() as connection:
            document = connection.execute(sa.select(workflows.c.document).where(key)).scalar()
        if document is None:
            raise _no_workflow(project, name)
        return rows.load(Workflow, document)

    def workflows(self, project: str | None = None) -> list[tuple[Workflow, datetime | None]]:
        """Workflows with their next start, by name."""
        query = sa.select(workflows.c.document, workflows.c.next_start).order_by(workflows.c.name, workflows.c.project)
        if project is not None:
            query = query.where(workflows.c.project == project)
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [(rows.load(Workflow, document), start) for document, start in found]

    def delete_workflow(self, project: str, name: str) -> None:
        """Runs stay. Raises NotFound."""
        key = (workflows.c.project == project) & (workflows.c.name == name)
        with self._database.write() as connection:
            if not connection.execute(workflows.delete().where(key)).rowcount:
                raise _no_workflow(project, name)
            _changed(connection)

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

    # runs

    def create_run(
        self, run: Run, *, next_start: datetime | None = None, expected_start: datetime | None = None
    ) -> bool:
        """Insert a run with its tasks, and move the workflow's next start; see `interfaces.Store`.

        Raises
        ------
        Conflict
            If a run of that id exists.
        """
        key = (workflows.c.project == run.workflow.project) & (workflows.c.name == run.workflow.name)
        try:
            with self._database.write() as connection:
                if expected_start is not None:
                    moved = connection.execute(
                        workflows.update()
                        .where(key, workflows.c.next_start == expected_start)
                        .values(next_start=next_start)
                    )
                    if not moved.rowcount:
                        return False
                connection.execute(runs.insert().values(rows.run_row(run)))
                if run.tasks:
                    connection.execute(
                        task_runs.insert(), [rows.task_row(task, position) for position, task in enumerate(run.tasks)]
                    )
                _changed(connection)
        except IntegrityError as error:
            # Either the partial unique index (no overlap) or the primary key.
            with self._database.read() as connection:
                if connection.execute(sa.select(runs.c.id).where(runs.c.id == run.id)).first():
                    raise Conflict(f"There is a run {run.id} already.", "Start it under a new id.") from error
            return False
        return True

    def run(self, run_id: str) -> Run:
        """With its tasks. Raises NotFound."""
        found = self._runs(sa.select(runs.c.id).where(runs.c.id == run_id))
        if not found:
            raise _no_run(run_id)
        return found[0]

    def runs(
        self, *, project: str | None = None, workflow: str | None = None, active: bool = False, limit: int = 100
    ) -> list[Run]:
        """Newest first, with their tasks. `active`: only pending and running ones, without limit."""
        query = sa.select(runs.c.id).order_by(runs.c.created_at.desc(), runs.c.id.desc())
        if project is not None:
            query = query.where(runs.c.project == project)
        if workflow is not None:
            query = query.where(runs.c.workflow == workflow)
        return self._runs(query.where(runs.c.state.in_(ACTIVE)) if active else query.limit(limit))

    def _runs(self, chosen: sa.Select[tuple[str]]) -> list[Run]:
        ids = chosen.subquery()
        heads = (
            sa.select(runs)
            .where(runs.c.id.in_(sa.select(ids.c.id)))
            .order_by(runs.c.created_at.desc(), runs.c.id.desc())
        )
        parts = (
            sa.select(task_runs.c.run_id, task_runs.c.document)
            .where(task_runs.c.run_id.in_(sa.select(ids.c.id)))
            .order_by(task_runs.c.run_id, task_runs.c.position, task_runs.c.attempt)
        )
        with self._database.read() as connection:
            found = connection.execute(heads).mappings().all()
            tasks: dict[str, list[TaskRun]] = {}
            for run_id, document in connection.execute(parts):
                tasks.setdefault(run_id, []).append(rows.load(TaskRun, document))
        return [rows.run_record(row, tuple(tasks.get(row["id"], ()))) for row in found]

    def has_active_run(self, project: str, workflow: str) -> bool:
        """Whether a run of that workflow is pending or running."""
        query = sa.select(runs.c.id).where(
            runs.c.project == project, runs.c.workflow == workflow, runs.c.state.in_(ACTIVE)
        )
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def move_task(self, task: TaskRun, to: TaskRun) -> bool:
        """Compare-and-set of a task run; see `interfaces.Store`."""
        if (task.run_id, task.task.name, task.attempt) != (to.run_id, to.task.name, to.attempt):
            raise ValueError(f"{task.job_name} cannot become {to.job_name}")
        if to.state is not task.state and to.state not in MOVES[task.state]:
            raise ValueError(f"{task.job_name}: {to.state} cannot follow {task.state}")
        with self._database.write() as connection:
            moved = connection.execute(
                task_runs.update()
                .where(
                    task_runs.c.run_id == task.run_id,
                    task_runs.c.name == task.task.name,
                    task_runs.c.attempt == task.attempt,
                    task_runs.c.state == task.state.value,
                )
                .values(state=to.state.value, document=rows.dump(to))
            )
        return bool(moved.rowcount)

    def move_run(self, run_id: str, state: RunState, to: RunState, *, at: datetime, reason: str = "") -> bool:
        """Compare-and-set of a run's state; sets `started_at` at RUNNING and `ended_at` at an end.

        Raises ValueError if `state` is an end: nothing follows it.
        """
        if state.ended:
            raise ValueError(f"run {run_id}: nothing follows {state}")
        values: dict[str, object] = {"state": to.value, "reason": rows.plain(reason)}
        if to is RunState.RUNNING:
            values["started_at"] = sa.func.coalesce(runs.c.started_at, sa.bindparam("at", at, runs.c.started_at.type))
        if to.ended:
            values["ended_at"] = at
        with self._database.write() as connection:
            moved = connection.execute(
                runs.update().where(runs.c.id == run_id, runs.c.state == state.value).values(values)
            )
        return bool(moved.rowcount)

    def request_cancel(self, run_id: str) -> bool:
        """Mark a run for cancelling; False if it has ended. Raises NotFound."""
        with self._database.write() as connection:
            marked = connection.execute(
                runs.update().where(runs.c.id == run_id, runs.c.state.in_(ACTIVE)).values(cancel_requested=True)
            )
            if marked.rowcount:
                _changed(connection)
                return True
            if not connection.execute(sa.select(runs.c.id).where(runs.c.id == run_id)).first():
                raise _no_run(run_id)
        return False

    def changes(self) -> int:
        """A number that grows with every write a scheduler in another process should hear of."""
        with self._database.read() as connection:
            number: int = connection.execute(sa.select(changes.c.number)).scalar_one()
        return number

    # lease

    def take_lease(self, name: str, holder: str, now: datetime, ttl_s: float) -> int | None:
        """Take or renew; returns the fencing number, None if another holds it."""
        values = {"holder": holder, "expires_at": now + timedelta(seconds=ttl_s)}
        with self._database.write() as connection:
            found = (
                connection.execute(sa.select(leases).where(leases.c.name == name).with_for_update()).mappings().first()
            )
            if found is None:
                try:
                    with connection.begin_nested():
                        connection.execute(leases.insert().values(name=name, fence=1, **values))
                except IntegrityError:
                    # Two first takers at once: the other was faster.
                    return None
                return 1
            mine = found["holder"] == holder
            if not mine and found["holder"] is not None and found["expires_at"] > now:
                return None
            fence: int = found["fence"] if mine else found["fence"] + 1
            connection.execute(leases.update().where(leases.c.name == name).values(fence=fence, **values))
        return fence

    def release_lease(self, name: str, holder: str) -> None:
        """Give it back, if `holder` has it."""
        with self._database.write() as connection:
            connection.execute(
                leases.update().where(leases.c.name == name, leases.c.holder == holder).values(holder=None)
            )

    def lease(self, name: str) -> tuple[str, datetime] | None:
        """Holder and expiry; None if nobody ever held it or it was released."""
        query = sa.select(leases.c.holder, leases.c.expires_at).where(leases.c.name == name)
        with self._database.read() as connection:
            found = connection.execute(query).first()
        return None if found is None or found.holder is None else (found.holder, found.expires_at)


def _changed(connection: sa.Connection) -> None:
    connection.execute(changes.update().values(number=changes.c.number + 1))


def _no_workflow(project: str, name: str) -> NotFound:
    return NotFound(f"There is no workflow {name} in project {project}.", "See lentiq workflow list.")


def _no_run(run_id: str) -> NotFound:
    return NotFound(f"There is no run {run_id}.", "See lentiq runs list.")
