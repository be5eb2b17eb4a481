"""How this package talks to SQLite and PostgreSQL: connections, transactions, errors in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy import exc as sa_exc

from ..errors import BadInput, Unavailable

BUSY_TIMEOUT_MS = 15_000
_EXAMPLES = "Write sqlite:////folder/lentiq.db or postgresql://user@host/database."


class Database:
    """One database: `read` and `write` give a connection inside a transaction, committed at the end.

    On SQLite a write begins with BEGIN IMMEDIATE, so that it waits for other writers at its start and
    never fails in the middle. On PostgreSQL a read sees one snapshot (REPEATABLE READ).

    Parameters
    ----------
    url : str
        ``sqlite:///path`` or ``postgresql://…``.

    Raises
    ------
    BadInput
        If the URL names no database this package can use.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self.path = Path(parsed.database or "") if self.sqlite else None
        self.name = str(self.path) if self.sqlite else parsed.render_as_string(hide_password=True)
        options: dict[str, Any] = (
            {"connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000}}
            if self.sqlite
            else {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}
        )
        try:
            # Values of users stay out of tracebacks and logs.
            self._engine = sa.create_engine(parsed, hide_parameters=True, **options)
        except ModuleNotFoundError as error:
            raise BadInput(
                f"PostgreSQL needs the package {error.name}.", "Install it: pip install 'lentiq-jupyter[postgres]'."
            ) from error
        if self.sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
            self._reader = self._engine
        else:
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
        self._writer = self._engine.execution_options(lentiq_write=True)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads. Raises Unavailable."""
        with self.answering(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes; IntegrityError passes through. Raises Unavailable."""
        with self.answering(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Translate the driver's errors into Unavailable, with the database named and no password."""
        try:
            yield
        except sa_exc.IntegrityError:
            raise
        except sa_exc.DBAPIError as error:
            raise Unavailable(*self._explain(error)) from error
        except sa_exc.TimeoutError as error:
            raise Unavailable(f"All connections to the database {self.name} are busy.", "Try again.") from error

    def _explain(self, error: sa_exc.DBAPIError) -> tuple[str, str]:
        lines = str(error.orig).strip().splitlines()
        said = lines[0].rstrip(".") if lines else type(error.orig).__name__
        if not self.sqlite:
            return f"The database {self.name} does not answer ({said}).", "Start it, or correct the database setting."
        if "locked" in said or "busy" in said:
            return f"The database {self.name} is busy ({said}).", "Try again; another process writes to it."
        if "not a database" in said or "malformed" in said:
            return (
                f"The file {self.name} is damaged or no SQLite database ({said}).",
                "Restore it from a copy, or move it away and start with a new one.",
            )
        return f"The database {self.name} cannot be used ({said}).", "Check the folder's rights and the disk's space."

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa_exc.ArgumentError as error:
        raise BadInput("The database setting is not a URL.", _EXAMPLES) from error
    backend = parsed.get_backend_name()
    if backend in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise BadInput(f"Databases of kind {backend} are not supported.", _EXAMPLES)
    if parsed.database in (None, "", ":memory:"):
        raise BadInput("SQLite needs a file: several processes share the database.", _EXAMPLES)
    return parsed


def _prepare_sqlite(connection: Any, _: object) -> None:
    # None: the driver begins nothing by itself; `_begin_sqlite` does.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("lentiq_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
