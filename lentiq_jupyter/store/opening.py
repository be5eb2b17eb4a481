"""Opening a database: its folder, its tables, once whoever opens it first and however many at a time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from ..errors import Unavailable
from .engine import BUSY_TIMEOUT_MS, Database
from .sql import SqlStore

# The newest revision in `migrations/versions`: known here so that Alembic is imported only when there is work.
HEAD = "0003"
_MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = 0x6C656E746971  # "lentiq": the advisory lock on PostgreSQL


def open_store(url: str) -> SqlStore:
    """The store at `url`, its folder and tables made or brought up to date.

    Parameters
    ----------
    url : str
        ``sqlite:///path`` (``sqlite:////absolute/path``) or ``postgresql://…``.

    Raises
    ------
    BadInput
        If the URL names no database this package can use.
    Unavailable
        If the database does not answer, its file is damaged or its folder cannot be written, or if it
        was made by a newer release.
    """
    database = Database(url)
    try:
        if database.path is not None:
            _prepare_file(database, database.path)
        _upgrade(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


def _prepare_file(database: Database, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The folder {path.parent} cannot be made ({error.strerror}).", "Choose another, or correct its rights."
        ) from error
    # Write-ahead logging is a lasting property of the file. Switching it does not heed the busy timeout
    # (SQLite answers "locked" at once when another process switches too), so it is tried again here.
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.Error as error:
            if "locked" not in str(error) or time.monotonic() > until:
                with database.answering():
                    raise sa.exc.DBAPIError("PRAGMA journal_mode", None, error) from error
            time.sleep(0.05)


def _upgrade(database: Database) -> None:
    with database.read() as connection:
        if _revision(connection) == HEAD:
            return
    with database.write() as connection:
        # SQLite: BEGIN IMMEDIATE has locked out all others already.
        if not database.sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = _revision(connection)
        if found != HEAD:
            _migrate(connection, database.name)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: sa.Connection, name: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise Unavailable(
            f"The database {name} was made by a newer release.", "Update lentiq-jupyter, or choose another database."
        ) from error
