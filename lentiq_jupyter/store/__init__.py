"""The database: projects, workflows, runs, leases, in SQLite or PostgreSQL."""

from __future__ import annotations

from .opening import open_store
from .sql import SqlStore

__all__ = ["SqlStore", "open_store"]
