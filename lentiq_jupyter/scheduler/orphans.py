"""Jobs that run although their task has ended: a frozen scheduler that woke up started them late."""

from __future__ import annotations

import logging

from ..errors import LentiqError
from ..interfaces import Executor, Store
from ..model import ExecutionState

log = logging.getLogger(__name__)


def stop_orphans(executor: Executor, store: Store, pool: str) -> None:
    """Stop what no task run stands for any more; what belongs to runs that this store does not know is left alone."""
    try:
        found = executor.find(pool).values()
        running = [one.name for one in found if one.state is ExecutionState.RUNNING]
        for name in running:
            run_id = name.split("-")[1] if name.count("-") >= 3 else ""
            if name in _ended(store, run_id):
                log.warning("job %s runs although its task has ended; it is stopped", name)
                executor.stop(name)
    except LentiqError as error:
        log.info("executor %s: %s", executor.name, error)


def _ended(store: Store, run_id: str) -> set[str]:
    """Jobs whose task runs have ended in that run; none if it is not of this store."""
    try:
        run = store.run(run_id)
    except LentiqError:
        return set()
    return {one.job_name for one in run.tasks if one.state.ended}
