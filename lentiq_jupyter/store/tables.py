"""The tables, as queries see them. `migrations/` makes them; a test says that both agree.

A row holds its record as a JSON document, plus the columns that queries and constraints need. So a new
field of a record needs no migration unless something is asked by it. Documents are text rather than
JSON columns: PostgreSQL's ``jsonb`` forgets the order of keys and refuses ``\\u0000``, and nothing is
ever asked inside a document.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

ACTIVE = ("PENDING", "RUNNING")


class UtcTime(sa.types.TypeDecorator[datetime]):
    """Aware times in UTC; SQLite, which forgets the zone, gets and gives UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone reached the database: {value}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)

workflows = sa.Table(
    "workflows",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("next_start", UtcTime, nullable=True),
    sa.Column("saved_at", UtcTime, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("ix_workflows_next_start", "next_start"),
)

# Without a foreign key to workflows: runs stay when their workflow is deleted.
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("workflow", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime, nullable=True),
    sa.Column("started_at", UtcTime, nullable=True),
    sa.Column("ended_at", UtcTime, nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("ix_runs_workflow", "project", "workflow", "created_at"),
    sa.Index("ix_runs_created_at", "created_at"),
    # The no-overlap rule: whatever a process believes, a second active run of a workflow cannot be written.
    sa.Index(
        "uq_runs_active",
        "project",
        "workflow",
        unique=True,
        sqlite_where=sa.text("state IN ('PENDING', 'RUNNING')"),
        postgresql_where=sa.text("state IN ('PENDING', 'RUNNING')"),
    ),
)

task_runs = sa.Table(
    "task_runs",
    metadata,
    sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

# Released leases keep their row (holder NULL), so that fencing numbers only ever grow.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("holder", sa.String(255), nullable=True),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
)

# One row; its number grows with every write that a scheduler in another process should hear of.
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)
