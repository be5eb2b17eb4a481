"""Items and reuse of task runs, requested starts, versions of runs, beats of leases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)
_BATCH = 1000
_NO_ITEM = -1


def upgrade() -> None:
    """Add what the scheduler asks by; task runs get a wider key, so they move to a new table."""
    op.add_column("leases", sa.Column("beat", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.add_column("runs", sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.create_index("ix_runs_project", "runs", ["project", "created_at"])
    op.create_index("ix_runs_ended_at", "runs", ["ended_at"])
    op.create_table(
        "requested_starts",
        sa.Column("project", sa.String(64), primary_key=True),
        sa.Column("workflow", sa.String(64), primary_key=True),
        sa.Column("due_at", _TIME, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "workflow"],
            ["workflows.project", "workflows.name"],
            name="fk_requested_starts_workflow",
            ondelete="CASCADE",
        ),
    )
    _widen_task_runs()


def _widen_task_runs() -> None:
    op.rename_table("task_runs", "task_runs_0001")
    table = op.create_table(
        "task_runs",
        sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id", ondelete="CASCADE")),
        sa.Column("name", sa.String(64)),
        sa.Column("item", sa.Integer),
        sa.Column("attempt", sa.Integer),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_group", sa.Boolean, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("fingerprint", sa.String(64), nullable=True),
        sa.Column("executed", sa.Text, nullable=True),
        sa.Column("reused_from", sa.Text, nullable=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "name", "item", "attempt", name="pk_task_runs"),
    )
    connection = op.get_bind()
    for batch in _old_rows(connection):
        connection.execute(table.insert(), batch)
    op.drop_table("task_runs_0001")
    _index("ix_task_runs_fingerprint", ["project", "fingerprint", "ended_at"], "fingerprint IS NOT NULL")
    _index("ix_task_runs_executed", ["executed", "ended_at"], "executed IS NOT NULL")
    _index("ix_task_runs_reused_from", ["reused_from", "run_id"], "reused_from IS NOT NULL")


def _old_rows(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """Rows of the new table, from the old one, some at a time: there may be hundreds of thousands."""
    query = sa.text(
        "SELECT t.run_id, t.name, t.attempt, t.position, t.state, t.document, r.project"
        " FROM task_runs_0001 t JOIN runs r ON r.id = t.run_id"
    )
    found = connection.execute(query, execution_options={"yield_per": _BATCH})
    for some in found.mappings().partitions(_BATCH):
        yield [_new_row(row) for row in some]


def _new_row(old: sa.RowMapping) -> dict[str, Any]:
    # Read here rather than by the database: PostgreSQL refuses some documents that are valid JSON.
    document = json.loads(old["document"])
    task, ended_at = document["task"], document.get("ended_at")
    return {
        **old,
        "item": _NO_ITEM,
        "is_group": False,
        "cancel_requested": False,
        "ended_at": datetime.fromisoformat(ended_at).astimezone(UTC) if ended_at else None,
        "fingerprint": None,
        "reused_from": None,
        "executed": f"{task['block']}@{task['version']}" if old["state"] == "SUCCEEDED" else None,
    }


def _index(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "task_runs", columns, sqlite_where=where, postgresql_where=where)
