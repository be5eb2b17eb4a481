"""The tables, as queries see them. `migrations/` makes them; a test says that both agree.

A row holds its record as a JSON document, plus the columns that queries and constraints need. So a new
field of a record needs no migration unless something is asked by it. Documents are text rather than
JSON columns: PostgreSQL's ``jsonb`` forgets the order of keys and refuses ``\\u0000``, and nothing is
ever asked inside a document.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

_ACTIVE_WHERE = "state IN ('PENDING', 'RUNNING')"


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
    sa.Column("saved_by", sa.Text, nullable=False, server_default=sa.text("''")),
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
    # Grows when somebody asks to cancel in it.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("ix_runs_workflow", "project", "workflow", "created_at"),
    sa.Index("ix_runs_project", "project", "created_at"),
    sa.Index("ix_runs_created_at", "created_at"),
    sa.Index("ix_runs_ended_at", "ended_at"),
    # The no-overlap rule: whatever a process believes, a second active run of a workflow cannot be written.
    sa.Index(
        "uq_runs_active",
        "project",
        "workflow",
        unique=True,
        sqlite_where=sa.text(_ACTIVE_WHERE),
        postgresql_where=sa.text(_ACTIVE_WHERE),
    ),
)

# Literals rather than parameters: a partial index serves only a query that is seen to fit it when it is planned.
ACTIVE = runs.c.state.in_([sa.literal_column("'PENDING'"), sa.literal_column("'RUNNING'")])
"""Whether a run is pending or running."""

# What keeps a task run from being found by `find_result` and `usage` leaves `fingerprint` and `executed` NULL.
task_runs = sa.Table(
    "task_runs",
    metadata,
    sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id", ondelete="CASCADE")),
    sa.Column("name", sa.String(64)),
    # The number of an item of a `foreach`, NO_ITEM for a plain task and for a whole `foreach`.
    sa.Column("item", sa.Integer),
    sa.Column("attempt", sa.Integer),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("is_group", sa.Boolean, nullable=False),
    # Wins over the document's.
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("ended_at", UtcTime, nullable=True),
    sa.Column("fingerprint", sa.String(64), nullable=True),
    # ``block@version``
    sa.Column("executed", sa.Text, nullable=True),
    sa.Column("reused_from", sa.Text, nullable=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("run_id", "name", "item", "attempt", name="pk_task_runs"),
    sa.Index(
        "ix_task_runs_fingerprint",
        "project",
        "fingerprint",
        "ended_at",
        sqlite_where=sa.text("fingerprint IS NOT NULL"),
        postgresql_where=sa.text("fingerprint IS NOT NULL"),
    ),
    sa.Index(
        "ix_task_runs_executed",
        "executed",
        "ended_at",
        sqlite_where=sa.text("executed IS NOT NULL"),
        postgresql_where=sa.text("executed IS NOT NULL"),
    ),
    sa.Index(
        "ix_task_runs_reused_from",
        "reused_from",
        "run_id",
        sqlite_where=sa.text("reused_from IS NOT NULL"),
        postgresql_where=sa.text("reused_from IS NOT NULL"),
    ),
)
NO_ITEM = -1

# They go with their workflow.
requested_starts = sa.Table(
    "requested_starts",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("workflow", sa.String(64), primary_key=True),
    sa.Column("due_at", UtcTime, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(
        ["project", "workflow"],
        ["workflows.project", "workflows.name"],
        name="fk_requested_starts_workflow",
        ondelete="CASCADE",
    ),
)

# Released leases keep their row (holder NULL), so that fencing numbers only ever grow.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("holder", sa.String(255), nullable=True),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("beat", sa.BigInteger, nullable=False),
)

# One row; its number grows with every write that a scheduler in another process should hear of.
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)
