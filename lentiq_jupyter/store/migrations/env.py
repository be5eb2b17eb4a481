"""Alembic's entry: runs on the connection, and inside the transaction, that `store.opening` hands over."""

from __future__ import annotations

from alembic import context

from lentiq_jupyter.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
