"""Databases that are busy, full, cut off or held by a frozen process: Unavailable, and on at the next call."""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from store_records import NOW, QUOTA, run_of, workflow

from lentiq_jupyter.errors import LeaseLost, Unavailable
from lentiq_jupyter.model import Project, TaskState
from lentiq_jupyter.store import SqlStore, engine, open_store
from lentiq_jupyter.store.engine import Database
from lentiq_jupyter.store.part import check_fence

PROJECT = Project(name="default", quota=QUOTA)
SOON_MS = 300


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that take many seconds take a moment."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", SOON_MS)


# SQLite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lentiq.db"


def test_busy_file_is_said_to_be_busy_and_works_again(impatient: None, path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match=r"is busy \(database is locked\)\. Try again"):
        store.save_project(PROJECT)
    assert store.projects() == []
    other.execute("ROLLBACK")
    other.close()
    store.save_project(PROJECT)
    assert store.projects() == [PROJECT]
    store.close()


def test_full_disk_is_said_to_be_full_and_works_again(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + 8}")

    sa.event.listen(sa.Engine, "connect", limit)
    store = open_store(f"sqlite:///{path}")
    sa.event.remove(sa.Engine, "connect", limit)

    def fill() -> None:
        for number in range(1000):
            assert store.create_run(run_of(workflow(f"w{number}"), f"r{number}"))

    with pytest.raises(Unavailable, match=r"is full \(database or disk is full\)\. Free some space"):
        fill()
    # All of a run or nothing of it.
    whole = store.runs(active=True)
    assert {len(run.tasks) for run in whole} == {2}
    store.close()
    store = open_store(f"sqlite:///{path}")
    assert store.create_run(run_of(workflow("more"), "more"))
    assert len(store.runs(active=True)) == len(whole) + 1
    store.close()


# PostgreSQL


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    store = open_store(request.getfixturevalue("url"))
    yield store
    store.close()


on_postgres = pytest.mark.parametrize("url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@pytest.fixture
def admin(url: str) -> Iterator[sa.Connection]:
    """A connection of somebody else."""
    made = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with made.connect() as connection:
        yield connection
    made.dispose()


def cut(admin: sa.Connection, *, waiting: bool) -> int:
    """End the store's connections to this database: all, or those that wait for a lock; returns how many."""
    which = "AND wait_event_type = 'Lock'" if waiting else ""
    found = admin.execute(
        sa.text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND pid <> pg_backend_pid() {which}"
        )
    ).all()
    return len(found)


@on_postgres
def test_connection_cut_between_calls_is_made_anew(postgres: SqlStore, admin: sa.Connection) -> None:
    postgres.save_project(PROJECT)
    assert cut(admin, waiting=False)
    admin.rollback()
    assert postgres.projects() == [PROJECT]
    assert cut(admin, waiting=False)
    postgres.save_project(PROJECT)


@on_postgres
def test_connection_cut_in_a_write_writes_nothing_and_works_again(postgres: SqlStore, admin: sa.Connection) -> None:
    assert postgres.create_run(run_of(workflow(), "r1"))
    first, second = postgres.run("r1").tasks
    moves = [(one, dataclasses.replace(one, state=TaskState.PENDING)) for one in (first, second)]
    # The second move waits for this lock.
    admin.execute(sa.text("SELECT 1 FROM task_runs WHERE name = 'alpha' FOR UPDATE"))
    said: list[str] = []

    def move() -> None:
        try:
            postgres.move_tasks(moves)
        except Unavailable as error:
            said.append(str(error))

    thread = threading.Thread(target=move)
    thread.start()
    until = time.monotonic() + 20
    while not cut(admin, waiting=True) and time.monotonic() < until:
        time.sleep(0.02)
    thread.join()
    admin.rollback()
    assert len(said) == 1
    assert "does not answer (" in said[0]
    assert postgres.run("r1").tasks == (first, second)
    assert postgres.move_tasks(moves)


@on_postgres
def test_lock_that_is_not_given_up_is_said(impatient: None, postgres: SqlStore, admin: sa.Connection) -> None:
    postgres.save_project(PROJECT)
    admin.execute(sa.text("SELECT 1 FROM projects FOR UPDATE"))
    with pytest.raises(Unavailable, match=r"is busy \(canceling statement due to lock timeout\)\. Try again"):
        postgres.save_project(PROJECT)
    admin.rollback()
    postgres.save_project(PROJECT)


@on_postgres
def test_writer_frozen_in_a_transaction_holds_nobody_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "IDLE_TIMEOUT_MS", SOON_MS)
    store = open_store(url)
    assert store.take_lease("scheduler", "frozen", NOW, 0) == 1
    assert store.create_run(run_of(workflow(), "r1"), fence=1)
    frozen = Database(url)

    def write() -> None:
        with frozen.write() as connection:
            check_fence(connection, 1)
            connection.execute(sa.text("UPDATE runs SET reason = 'woke up'"))
            # It says nothing more for now; the takeover waits for it, and then no longer.
            assert store.take_lease("scheduler", "other", NOW, 60) == 2
            connection.execute(sa.text("UPDATE runs SET state = 'RUNNING'"))

    with pytest.raises(Unavailable, match="does not answer"):
        write()
    with pytest.raises(LeaseLost), frozen.write() as connection:
        check_fence(connection, 1)
    assert store.run("r1") == run_of(workflow(), "r1")
    frozen.close()
    store.close()
