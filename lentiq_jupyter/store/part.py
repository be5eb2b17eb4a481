"""What the parts of the store share: the database, the counter that others listen to, the fence."""

from __future__ import annotations

import sqlalchemy as sa

from ..errors import LeaseLost
from .engine import Database
from .tables import changes, leases

SCHEDULER = "scheduler"
"""The lease whose number fences off the writes of a scheduler that has lost it."""


class Part:
    """A part of `SqlStore`: the methods about one kind of thing, over one `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database


def announce(connection: sa.Connection) -> None:
    """Count a write that a scheduler in another process should hear of."""
    connection.execute(changes.update().values(number=changes.c.number + 1))


def check_fence(connection: sa.Connection, fence: int | None) -> None:
    """Go on only while the scheduler's lease has that number, and keep it so until the transaction ends.

    Raises
    ------
    LeaseLost
        If the lease has another number by now.
    """
    if fence is None:
        return
    # Shared: writers of one scheduler do not wait for each other, whoever takes the lease over waits for them.
    query = sa.select(leases.c.fence).where(leases.c.name == SCHEDULER).with_for_update(read=True)
    found = connection.execute(query).scalar()
    if found != fence:
        raise LeaseLost("Another scheduler has taken the lease.", "Nothing was written; this one stands by.")
