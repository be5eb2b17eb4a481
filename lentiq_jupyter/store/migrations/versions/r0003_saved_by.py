"""Who saved a workflow last, so that whoever comes second is told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Of workflows saved before, nobody knows."""
    op.add_column("workflows", sa.Column("saved_by", sa.Text, nullable=False, server_default=sa.text("''")))
