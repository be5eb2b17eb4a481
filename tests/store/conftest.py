"""The store under test, over every database there is: SQLite always, PostgreSQL where a server is named."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from lentiq_jupyter.store import SqlStore, open_store
from lentiq_jupyter.store.tables import changes, metadata

DATABASES = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]


@contextmanager
def postgres_database() -> Iterator[str]:
    """The URL of a new, empty database on the server, dropped at the end."""
    server = sa.make_url(os.environ["LENTIQ_TEST_POSTGRES"])
    name = f"lentiq_test_{secrets.token_hex(4)}"
    admin = sa.create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def kept_postgres() -> Iterator[tuple[str, sa.Engine]]:
    """One database with tables for many tests: making one takes longer than most of them."""
    with postgres_database() as url:
        open_store(url).close()
        engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True)
        yield url, engine
        engine.dispose()


@pytest.fixture(scope="session")
def kept_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with tables, to be copied."""
    path = tmp_path_factory.mktemp("store") / "lentiq.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data/lentiq.db"
        return
    with postgres_database() as url:
        yield url


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("kept_sqlite"), tmp_path / "lentiq.db")
        yield f"sqlite:///{tmp_path}/lentiq.db"
        return
    kept, engine = request.getfixturevalue("kept_postgres")
    yield kept
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(changes.update().values(number=0) if table is changes else table.delete())


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def again(url: str) -> Iterator[Callable[[], SqlStore]]:
    """Opens the same database once more, as another process would."""
    opened: list[SqlStore] = []

    def open_again() -> SqlStore:
        opened.append(open_store(url))
        return opened[-1]

    yield open_again
    for one in opened:
        one.close()
