"""Projects in SQL."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..errors import NotFound
from ..model import Project
from . import rows
from .part import Part, announce
from .tables import projects


class ProjectRows(Part):
    """The part of the store about projects; see `interfaces.Store`."""

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
            announce(connection)

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
