"""Databases of earlier releases: every record reads back, runs go on, and a death on the way harms nothing.

`files/first_release.sql` was written by the first release; `files/first_release.json` is what that release itself
read from it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from store_records import HOUR, NOW, run_of

import lentiq_jupyter
from lentiq_jupyter.model import Project, Run, RunState, TaskState, Workflow, decode
from lentiq_jupyter.store import SqlStore, open_store
from lentiq_jupyter.store.engine import Database
from lentiq_jupyter.store.opening import HEAD
from lentiq_jupyter.store.tables import metadata

FILES = Path(__file__).with_name("files")
DUMP = FILES / "first_release.sql"
SAID = json.loads((FILES / "first_release.json").read_text())


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(lentiq_jupyter.__file__).parent / "store" / "migrations"))
    return made


REVISIONS = [one.revision for one in ScriptDirectory.from_config(config()).walk_revisions()][::-1]


def upgrade(url: str, revision: str) -> None:
    """Make the tables as they were at that revision."""
    database = Database(url)
    if database.path is not None:
        database.path.parent.mkdir(parents=True, exist_ok=True)
    with database.write() as connection:
        made = config()
        made.attributes["connection"] = connection
        command.upgrade(made, revision)
    database.close()


def dumped_rows() -> Iterator[tuple[sa.Table, list[dict[str, Any]]]]:
    """The rows of the dump, parents before children."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.connection.executescript(DUMP.read_text())
        tables = sa.MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            found = connection.execute(sa.select(table)).mappings()
            yield (
                table,
                [
                    {key: one.replace(tzinfo=UTC) if isinstance(one, datetime) else one for key, one in row.items()}
                    for row in found
                ],
            )
    engine.dispose()


@pytest.fixture
def first_release(empty_url: str) -> str:
    """A database of the first release with data in it."""
    database = Database(empty_url)
    if database.path is not None:
        database.path.parent.mkdir(parents=True)
        with sqlite3.connect(database.path) as connection:
            connection.executescript(DUMP.read_text())
        connection.close()
        return empty_url
    upgrade(empty_url, "0001")
    with database.write() as connection:
        for table, rows in dumped_rows():
            there = sa.Table(table.name, sa.MetaData(), autoload_with=connection)
            connection.execute(there.delete())
            if rows:
                connection.execute(there.insert(), rows)
    database.close()
    return empty_url


def revision(url: str) -> str | None:
    database = Database(url)
    with database.read() as connection:
        found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    database.close()
    return found


def check_records(store: SqlStore) -> None:
    """Every record is what the first release read."""
    assert store.projects() == [decode(Project, one) for one in SAID["projects"]]
    assert store.workflows() == [
        (decode(Workflow, one["workflow"]), one["next_start"] and datetime.fromisoformat(one["next_start"]))
        for one in SAID["workflows"]
    ]
    assert store.runs() == [decode(Run, one) for one in SAID["runs"]]
    assert store.changes() == SAID["changes"]
    assert store.lease("scheduler") == ("host-2-def", NOW + timedelta(seconds=60))


@pytest.mark.parametrize("earlier", [None, *REVISIONS[:-1]])
def test_migrations_of_every_revision_make_the_tables_that_queries_expect(empty_url: str, earlier: str | None) -> None:
    if earlier is not None:
        upgrade(empty_url, earlier)
    open_store(empty_url).close()
    database = Database(empty_url)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        keys = sa.inspect(connection).get_pk_constraint("task_runs")["constrained_columns"]
        indexes = [one for table in ("runs", "task_runs") for one in sa.inspect(connection).get_indexes(table)]
    database.close()
    assert keys == ["run_id", "name", "item", "attempt"]
    partial = {one["name"] for one in indexes if any(key.endswith("where") for key in one["dialect_options"])}
    assert partial == {
        "uq_runs_active",
        "ix_task_runs_executed",
        "ix_task_runs_fingerprint",
        "ix_task_runs_reused_from",
    }
    assert [one["name"] for one in indexes if one["unique"]] == ["uq_runs_active"]


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [HEAD]


def test_every_record_of_the_first_release_reads_back(first_release: str) -> None:
    store = open_store(first_release)
    check_records(store)
    store.close()
    assert revision(first_release) == HEAD


def test_runs_of_the_first_release_go_on(first_release: str) -> None:
    store = open_store(first_release)
    assert store.active_versions() == {"running00001": 0, "pending00001": 0}
    assert store.count_tasks() == {
        ("default", TaskState.RUNNING): 1,
        ("default", TaskState.STARTING): 1,
        ("default", TaskState.WAITING): 2,
        ("sales", TaskState.PENDING): 1,
    }
    # Nobody counted the beats of its holder, which is gone.
    assert store.lease_beat("scheduler") == 0
    assert store.take_lease("scheduler", "host-3", NOW, 60, stalled=0) == 3
    clean, train, report, side = store.run("running00001").tasks
    done = dataclasses.replace(clean, state=TaskState.SUCCEEDED, ended_at=NOW, outputs={"table": "x"}, exit_code=0)
    lost = dataclasses.replace(side, state=TaskState.LOST, ended_at=NOW)
    again = dataclasses.replace(side, state=TaskState.PENDING, attempt=2)
    ready = dataclasses.replace(train, state=TaskState.PENDING, ready_at=NOW)
    assert store.move_tasks([(clean, done), (side, lost), (train, ready)], new=[again], fence=3)
    assert store.run("running00001").tasks == (done, ready, report, lost, again)
    assert store.request_cancel("running00001", "train")
    assert store.move_run("running00001", RunState.RUNNING, RunState.CANCELLED, at=NOW, fence=3)
    nightly = store.workflow("default", "nightly")
    assert store.create_run(
        run_of(nightly, "next"), expected_start=NOW + 13 * HOUR, next_start=NOW + 37 * HOUR, fence=3
    )
    store.close()


def test_history_of_the_first_release_counts(first_release: str) -> None:
    store = open_store(first_release)
    used = store.usage("clean-sales", "3")
    assert [(one.run_id, one.peak_memory_bytes) for one in used] == [
        ("block0000001", 1 << 28),
        ("failed000001", 1 << 28),
        ("succeeded01", 1 << 28),
    ]
    ended = ["succeeded01", "failed000001", "cancelled001", "block0000001", "skipped00001"]
    assert sorted(run.id for run in store.ended_runs()) == sorted(ended)
    assert store.delete_runs(ended) == len(ended)
    assert [run.id for run in store.runs()] == ["pending00001", "running00001"]
    store.close()


def test_no_migration_offers_a_way_back() -> None:
    scripts = list(ScriptDirectory.from_config(config()).walk_revisions())
    assert [one.revision for one in scripts if hasattr(one.module, "downgrade")] == []


DIE = """
import os, signal, sys
import sqlalchemy as sa
from lentiq_jupyter.store import open_store

def die(connection, cursor, statement, *_):
    if statement.strip().startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

sa.event.listen(sa.Engine, "before_cursor_execute", die)
open_store(sys.argv[1])
"""


@pytest.mark.parametrize("statement", ["INSERT INTO task_runs", "UPDATE alembic_version"])
def test_killed_migration_leaves_a_database_that_opens_again(first_release: str, statement: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(lentiq_jupyter.__file__).parents[1])}
    killed = subprocess.run(
        [sys.executable, "-c", DIE, first_release, statement], env=environment, capture_output=True, check=False
    )
    assert (killed.returncode, killed.stderr) == (-9, b"")
    assert revision(first_release) == "0001"
    store = open_store(first_release)
    check_records(store)
    store.close()
