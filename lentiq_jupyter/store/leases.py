"""Leases in SQL: what one process holds at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from .part import Part
from .tables import leases


class LeaseRows(Part):
    """The part of the store about leases; see `interfaces.Store`."""

    def take_lease(
        self, name: str, holder: str, now: datetime, ttl_s: float, *, stalled: int | None = None
    ) -> int | None:
        """Take or renew; returns the fencing number, None if another holds it. `stalled`: see `interfaces.Store`."""
        values = {"holder": holder, "expires_at": now + timedelta(seconds=ttl_s)}
        with self._database.write() as connection:
            found = (
                connection.execute(sa.select(leases).where(leases.c.name == name).with_for_update()).mappings().first()
            )
            if found is None:
                try:
                    with connection.begin_nested():
                        connection.execute(leases.insert().values(name=name, fence=1, beat=1, **values))
                except IntegrityError:
                    # Two first takers at once: the other was faster.
                    return None
                return 1
            mine = found["holder"] == holder
            held = found["holder"] is not None and found["expires_at"] > now and found["beat"] != stalled
            if held and not mine:
                return None
            fence: int = found["fence"] if mine else found["fence"] + 1
            connection.execute(
                leases.update().where(leases.c.name == name).values(fence=fence, beat=found["beat"] + 1, **values)
            )
        return fence

    def lease_beat(self, name: str) -> int:
        """A number that grows with every renewal; 0 if nobody ever held it."""
        with self._database.read() as connection:
            beat = connection.execute(sa.select(leases.c.beat).where(leases.c.name == name)).scalar()
        return beat or 0

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
