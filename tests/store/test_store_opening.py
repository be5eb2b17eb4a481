"""Opening: new, again, many at once, and all the ways it cannot work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

import lentiq_jupyter
from lentiq_jupyter.errors import BadInput, Unavailable
from lentiq_jupyter.model import Project, Resources
from lentiq_jupyter.store import open_store
from lentiq_jupyter.store.engine import Database

PROJECT = Project(name="default", quota=Resources(cpu_millicores=1000, memory_bytes=2**30))


def test_what_was_written_is_there_when_opened_again(empty_url: str) -> None:
    first = open_store(empty_url)
    first.save_project(PROJECT)
    first.close()
    second = open_store(empty_url)
    assert second.projects() == [PROJECT]
    second.close()


def test_many_processes_open_a_new_database_at_once(empty_url: str) -> None:
    code = "import sys; from lentiq_jupyter.store import open_store; open_store(sys.argv[1]).close()"
    environment = {**os.environ, "PYTHONPATH": str(Path(lentiq_jupyter.__file__).parents[1])}
    processes = [
        subprocess.Popen([sys.executable, "-c", code, empty_url], stderr=subprocess.PIPE, text=True, env=environment)
        for _ in range(4)
    ]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 4


def test_sqlite_keeps_a_write_ahead_log_and_foreign_keys(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/lentiq.db"
    open_store(url).close()
    database = Database(url)
    with database.read() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")]
    database.close()
    assert found == ["wal", 1]


def refused(url: str) -> str:
    with pytest.raises((Unavailable, BadInput)) as caught:
        open_store(url)
    return str(caught.value)


def test_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "lentiq.db"
    path.write_bytes(b"not a database at all" * 400)
    assert refused(f"sqlite:///{path}") == (
        f"The file {path} is damaged or no SQLite database (file is not a database). "
        "Restore it from a copy, or move it away and start with a new one."
    )
    assert path.read_bytes() == b"not a database at all" * 400


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert refused(f"sqlite:///{tmp_path}/file/data/lentiq.db") == (
        f"The folder {tmp_path}/file/data cannot be made (Not a directory). Choose another, or correct its rights."
    )


def test_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "lentiq.db").mkdir()
    assert refused(f"sqlite:///{tmp_path}/lentiq.db") == (
        f"The database {tmp_path}/lentiq.db cannot be used (unable to open database file). "
        "Check the folder's rights and the disk's space."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot be" in refused(f"sqlite:///{tmp_path}/lentiq.db")
    tmp_path.chmod(0o700)


def test_server_that_does_not_answer_is_named_without_its_password() -> None:
    said = refused("postgresql://ana:secret-word@127.0.0.1:1/lentiq")
    assert said.startswith("The database postgresql+psycopg://ana:***@127.0.0.1:1/lentiq does not answer (")
    assert "secret-word" not in said
    assert "\n" not in said


def test_database_of_a_newer_release_is_left_alone(empty_url: str) -> None:
    open_store(empty_url).close()
    database = Database(empty_url)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    assert refused(empty_url).endswith(
        "was made by a newer release. Update lentiq-jupyter, or choose another database."
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("nonsense", "The database setting is not a URL."),
        ("mysql://host/name", "Databases of kind mysql are not supported."),
        ("sqlite://", "SQLite needs a file: several processes share the database."),
    ],
)
def test_url_of_no_database_is_bad_input(url: str, expected: str) -> None:
    example = "Write sqlite:////folder/lentiq.db or postgresql://user@host/database."
    assert refused(url) == f"{expected} {example}"
