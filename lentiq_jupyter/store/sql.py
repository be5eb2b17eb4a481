"""`interfaces.Store` in SQL, part by part."""

from __future__ import annotations

import sqlalchemy as sa

from .leases import LeaseRows
from .projects import ProjectRows
from .retention import Retention
from .runs import RunRows
from .starts import StartRows
from .tables import changes
from .tasks import TaskRows
from .workflows import WorkflowRows


class SqlStore(ProjectRows, WorkflowRows, StartRows, RunRows, TaskRows, LeaseRows, Retention):
    """The store over one `Database`; made by `open_store`. Safe to use from several threads."""

    def changes(self) -> int:
        """A number that grows with every write a scheduler in another process should hear of."""
        with self._database.read() as connection:
            number: int = connection.execute(sa.select(changes.c.number)).scalar_one()
        return number

    def close(self) -> None:
        """Close all connections."""
        self._database.close()
