"""The store under test, over every database there is: SQLite always, PostgreSQL where a server is named."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from lentiq_jupyter.store import SqlStore, open_store

DATABASES = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new, empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data/lentiq.db"
        return
    server = sa.make_url(os.environ["LENTIQ_TEST_POSTGRES"])
    name = f"lentiq_test_{secrets.token_hex(4)}"
    admin = sa.create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


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
