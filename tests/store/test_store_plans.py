"""What a scheduler asks at every look is found by an index, however many workflows and runs are stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from store_records import NOW, run_of, workflow

from lentiq_jupyter.store import SqlStore

ASKED: dict[str, Callable[[SqlStore], object]] = {
    "due": lambda store: store.due(NOW),
    "last runs of a project": lambda store: store.last_runs("a"),
    "active versions": lambda store: store.active_versions(),
    "active runs": lambda store: store.runs(active=True),
    "active runs of a workflow": lambda store: store.runs(project="a", workflow="b", active=True),
    "whether a run is active": lambda store: store.has_active_run("a", "b"),
    "startable": lambda store: store.requested_starts(startable=True),
    "counts": lambda store: store.count_tasks(),
    "one run": lambda store: store.run("r1"),
    "newest runs": lambda store: store.runs(),
    "newest runs of a project": lambda store: store.runs(project="a"),
    "earlier result": lambda store: store.find_result("a", "f"),
    "usage": lambda store: store.usage("a", "1"),
    "taken results": lambda store: store.taken_results(),
    "old runs": lambda store: store.ended_runs(before=NOW - timedelta(days=90), keep=100),
}
# Walked through: what is active, waits, or was taken from another run, which is little.
SHORT = ("uq_runs_active", "earliest", "ix_task_runs_reused_from")


def is_long(step: str, *short: str) -> bool:
    """Whether a step of a plan reads all rows of what grows."""
    walks = step.lstrip(" ->").startswith(("SCAN", "Seq Scan"))
    return walks and not any(name in step for name in (*SHORT, *short))


@pytest.mark.parametrize("name", ASKED)
def test_nothing_that_grows_is_walked_through(store: SqlStore, name: str) -> None:
    assert store.create_run(run_of(workflow(), "r1"))
    said: list[tuple[sa.Connection, str, object]] = []

    def hear(connection: sa.Connection, _: object, statement: str, parameters: object, *__: object) -> None:
        said.append((connection, statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    ASKED[name](store)
    sa.event.remove(sa.Engine, "before_cursor_execute", hear)
    engine = said[0][0].engine
    with engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if engine.dialect.name == "postgresql":
            explain = "EXPLAIN"
            # Tables as small as these are read whole, unless it must not.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        steps = [
            row[-1]
            for _, statement, parameters in said
            if statement.startswith("SELECT")
            for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)
        ]
    assert steps
    # The newest are at one end of this index, and the list has a limit.
    newest = ("ix_runs_created_at",) if name.startswith("newest") else ()
    assert [step for step in steps if is_long(step, *newest)] == []
