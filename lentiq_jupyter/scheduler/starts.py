"""New runs: of workflows that are due, and of starts that somebody asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from ..errors import BadInput, Conflict
from ..interfaces import Store
from ..model import Run, RunState, TaskRun, TaskState, Workflow
from .graph import next_states
from .metrics import Meters
from .misfire import Answer, decide_due, reckoned_again

log = logging.getLogger(__name__)
# A start later than this many ticks was missed rather than merely seen at the next tick, or by the next holder.
_GRACE_TICKS = 3
# The newest runs of a workflow, among which the latest start that was answered is looked for.
_ANSWERS = 100
BATCH = 25
"""Runs that are created in one transaction: the first of many need not wait for the last."""


def new_run(
    workflow: Workflow,
    run_id: str,
    now: datetime,
    *,
    executor: str,
    due_at: datetime | None = None,
    author: str = "",
    skipped: str | None = None,
) -> Run:
    """A run of that workflow; with `skipped`, the row of a start that was held back and why.

    Tasks that wait for no other are ready from the start.
    """
    first = next_states(workflow.tasks, {task.name: TaskState.WAITING for task in workflow.tasks})
    tasks = tuple(
        TaskRun(run_id=run_id, task=task, state=TaskState.PENDING, ready_at=now)
        # A group of `foreach` is expanded by the scheduler, which never asks for resources for it.
        if task.foreach is None and first.get(task.name, ("",))[0] is TaskState.PENDING
        else TaskRun(run_id=run_id, task=task, state=TaskState.WAITING)
        for task in workflow.tasks
    )
    return Run(
        id=run_id,
        workflow=workflow,
        state=RunState.PENDING if skipped is None else RunState.SKIPPED,
        created_at=now,
        tasks=tasks if skipped is None else (),
        due_at=due_at,
        ended_at=None if skipped is None else now,
        reason=skipped or "",
        executor=executor,
        author=author,
    )


class Starts:
    """Makes the runs that are due; parameters are those of `Scheduler`, `fence` as in `RunDriver`.

    Parameters
    ----------
    active : callable
        Ids of active runs by project and workflow.
    unsure : callable
        Whether an active run may have ended in truth: its jobs are being looked at. A start that it would hold
        back waits for that, and `put_off` is True.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        executor: str,
        tick_s: float,
        notify: Callable[[str, str, str], None],
        fence: Callable[[], int],
        active: Callable[[], Mapping[tuple[str, str], str]],
        unsure: Callable[[str], bool],
        meters: Meters,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._executor = executor
        self._grace_s = _GRACE_TICKS * tick_s
        self._notify = notify
        self._fence = fence
        self._active = active
        self._unsure = unsure
        self._meters = meters
        self.put_off = False

    def make(self) -> Iterator[Run]:
        """Answer every start that is due or was asked for; gives the runs that came of it.

        Raises
        ------
        LeaseLost, Unavailable
            From the store.
        """
        yield from self._due()
        yield from self._requested()

    def reckon_again(self) -> None:
        """Correct next starts that were reckoned while the clock was ahead. Raises Unavailable."""
        now = self._clock()
        for workflow, stored in self._store.workflows():
            if workflow.schedule is None or workflow.paused:
                continue
            runs = self._store.runs(project=workflow.project, workflow=workflow.name, limit=_ANSWERS)
            try:
                answered = max((run.due_at for run in runs if run.due_at is not None), default=None)
                upcoming = reckoned_again(workflow.schedule, stored, now, answered)
                if upcoming != stored:
                    log.warning("the next start of %s is %s, not %s", workflow.name, upcoming, stored)
                    self._store.save_workflow(workflow, upcoming, now)
            except (BadInput, Conflict) as error:
                # It says so itself when it is due; or somebody saves it just now, which reckons too.
                log.info("workflow %s: %s", workflow.name, error)

    def _due(self) -> Iterator[Run]:
        now = self._clock()
        self.put_off = False
        active = self._active()
        batch: list[tuple[Run, datetime, datetime | None]] = []
        for workflow, due in self._store.due(now):
            run_id = active.get((workflow.project, workflow.name))
            if run_id is not None and self._unsure(run_id):
                self.put_off = True
                continue
            decision = decide_due(workflow.schedule, due, now, active=run_id, grace_s=self._grace_s)
            if decision.answer is Answer.WAIT:
                continue
            skipped = decision.reason if decision.answer is Answer.SKIP else None
            run = new_run(workflow, self._new_id(), now, executor=self._executor, due_at=due, skipped=skipped)
            batch.append((run, due, decision.next_start))
            if len(batch) == BATCH:
                yield from self._create(batch, now)
                batch = []
        yield from self._create(batch, now)

    def _create(self, batch: Sequence[tuple[Run, datetime, datetime | None]], now: datetime) -> Iterator[Run]:
        if self._store.create_runs(batch, fence=self._fence()):
            made = batch
        else:
            # Somebody started one of them by hand just now; the next tick sees that.
            made = [
                (run, due, upcoming)
                for run, due, upcoming in batch
                if self._store.create_run(run, next_start=upcoming, expected_start=due, fence=self._fence())
            ]
        for run, due, _ in made:
            yield from self._made(run, (now - due).total_seconds())

    def _requested(self) -> Iterator[Run]:
        now = self._clock()
        for asked in self._store.requested_starts(startable=True):
            workflow = self._store.workflow(asked.project, asked.workflow)
            run = new_run(
                workflow, self._new_id(), now, executor=self._executor, due_at=asked.due_at, author=asked.author
            )
            if self._store.create_run(run, answers=asked, fence=self._fence()):
                # What somebody asked for is never late.
                yield from self._made(run, None)

    def _made(self, run: Run, late_s: float | None) -> Iterator[Run]:
        log.info("run %s of %s, due %s: %s %s", run.id, run.workflow.name, run.due_at, run.state, run.reason)
        self._notify("run", run.id, str(run.state))
        if run.state.ended:
            self._meters.run_ended(run.state)
            return
        self._meters.run_started(late_s)
        yield run
