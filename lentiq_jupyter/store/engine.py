"""How this package talks to SQLite and PostgreSQL: connections, transactions, errors in plain words."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy import exc as sa_exc

from ..errors import BadInput, Unavailable

BUSY_TIMEOUT_MS = 15_000
_LOOK_AGAIN_S = (0.001, 0.005)
IDLE_TIMEOUT_MS = 5_000
"""PostgreSQL ends a transaction that nothing was said in for so long: its process is frozen, and others wait."""
# A server that is gone without a word is noticed after half a minute rather than a quarter of an hour.
_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
# Lock not available in time, deadlock, serialization failure: appendix A of PostgreSQL's manual.
_TRY_AGAIN = ("55P03", "40P01", "40001")
_ROOM_BYTES = 64 << 10
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
            else {"pool_pre_ping": True, "connect_args": _unless_given(parsed, {"connect_timeout": 10, **_ALIVE})}
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
            event.listen(self._engine, "connect", _prepare_postgres)
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
        if getattr(error.orig, "sqlstate", None) in _TRY_AGAIN:
            return f"The database {self.name} is busy ({said}).", "Try again; another process writes to it."
        if not self.sqlite:
            return f"The database {self.name} does not answer ({said}).", "Start it, or correct the database setting."
        if "locked" in said or "busy" in said:
            return f"The database {self.name} is busy ({said}).", "Try again; another process writes to it."
        if "not a database" in said or "malformed" in said:
            return (
                f"The file {self.name} is damaged or no SQLite database ({said}).",
                "Restore it from a copy, or move it away and start with a new one.",
            )
        if "full" in said or self._has_no_room():
            return f"The disk that holds the database {self.name} is full ({said}).", "Free some space and try again."
        return f"The database {self.name} cannot be used ({said}).", "Check the folder's rights and the disk's space."

    def _has_no_room(self) -> bool:
        """Whether a few pages are all that the disk has left: SQLite then reports an I/O error of some kind."""
        try:
            return shutil.disk_usage(Path(self.name).parent).free < _ROOM_BYTES
        except OSError:
            return False

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


def _unless_given(url: sa.URL, options: dict[str, Any]) -> dict[str, Any]:
    """Options of a connection but for those that its URL names."""
    return {name: value for name, value in options.items() if name not in url.query}


def _prepare_postgres(connection: Any, _: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}")
        cursor.execute(f"SET lock_timeout = {BUSY_TIMEOUT_MS}")
    connection.commit()


def _prepare_sqlite(connection: Any, _: object) -> None:
    # None: the driver begins nothing by itself; `_begin_sqlite` does.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    if not connection.get_execution_options().get("lentiq_write", False):
        connection.exec_driver_sql("BEGIN")
        return
    # SQLite itself looks every 100 ms in the end: too seldom to meet a gap between the writes of a busy process.
    raw: Any = connection.connection.dbapi_connection
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        while not raw.in_transaction:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise sa_exc.OperationalError("BEGIN IMMEDIATE", None, error) from error
                # By chance, so that two do not look in step.
                time.sleep(random.uniform(*_LOOK_AGAIN_S))  # noqa: S311  # no secret
    finally:
        raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
