"""Moves active runs on: makes tasks ready, admits, starts, observes, ends, cancels, concludes.

One thread does all of this. What may take long is given to a crew and comes back as an event. Every step is a
compare-and-set in the store, written before the world is changed: a task is STARTING in the store before its
executor hears of it, and an executor starts one name once. So whoever comes after a crash repeats the last
step and neither loses nor doubles a task.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from ..errors import LeaseLost, LentiqError, NotFound, Unavailable
from ..interfaces import Executor, Store
from ..model import Cause, Run, TaskRun, TaskState
from .admission import Verdict, admit
from .board import Board, Change, Live, Overtaken
from .crew import Crew
from .errands import Errands, nothing
from .finishing import Finisher, Seen
from .ledger import Ledger
from .metrics import Meters
from .notices import to_tell
from .orphans import stop_orphans
from .outcome import CANCELLED_REASON
from .queueing import Queued, in_order, last_turns
from .settling import ended_attempt, settle
from .starting import Started, Starter

log = logging.getLogger(__name__)
_HOLDING = (TaskState.STARTING, TaskState.RUNNING)
_QUEUED = (TaskState.WAITING, TaskState.PENDING)
# What a look at a job says about its task run; all else of the row is the scheduler's.
_SEEN_FIELDS = (
    "state", "reason", "cause", "outputs", "progress", "started_at", "ended_at", "exit_code", "peak_memory_bytes",
    "cpu_s",
)  # fmt: skip
_LONGEST_PAUSE_S = 60.0
_Asking: TypeAlias = tuple[Live, TaskRun, Queued]


class RunDriver:
    """Moves the active runs of one store on; see `Scheduler` for the parameters.

    Parameters
    ----------
    fence : callable
        The number that writes carry. Raises LeaseLost.
    post : callable
        Takes what is to be done in the driver's own thread.
    tell : callable
        Told of what people want to hear: kind (``failed``, ``succeeded``, ``cancelled``, ``pending``, ``slow``),
        run, task run or None.
    """

    def __init__(
        self,
        store: Store,
        executors: Mapping[str, Executor],
        *,
        starter: Starter,
        finisher: Finisher,
        crew: Crew,
        post: Callable[[Callable[[], None]], None],
        pool: str,
        clock: Callable[[], datetime],
        notify: Callable[[str, str, str], None],
        tell: Callable[[str, Run, TaskRun | None], None],
        fence: Callable[[], int],
        pending_notice_s: float | None = None,
        meters: Meters,
    ) -> None:
        self.board = Board(store)
        self.ledger = Ledger(store, self.board, fence=fence, notify=notify)
        self._store = store
        self._executors = executors
        self._starter = starter
        self._finisher = finisher
        self._errands = Errands(crew, post, self.ended)
        self._pool = pool
        self._clock = clock
        self._tell = tell
        self._pending_notice_s = math.inf if pending_notice_s is None else pending_notice_s
        self._meters = meters
        self._stopped: set[str] = set()
        self._asked: set[str] = set()
        self._pauses: dict[str, tuple[float, datetime]] = {}
        # By project.
        self._retries: dict[str, datetime] = {}

    # what the service calls

    @property
    def busy(self) -> bool:
        """Whether threads are at work whose results will come."""
        return bool(self._errands.busy)

    @property
    def running(self) -> int:
        """How many jobs there are to look at."""
        return sum(len(live.of(*_HOLDING)) for live in self.board)

    def active(self) -> dict[tuple[str, str], str]:
        """Ids of the active runs by project and workflow."""
        return {(live.run.workflow.project, live.run.workflow.name): live.run.id for live in self.board}

    def unsure(self, run_id: str) -> bool:
        """Whether a run's jobs are being looked at, so that it may have ended already."""
        live = self.board.get(run_id)
        return live is not None and any(one.job_name in self._errands.busy for one in live.of(TaskState.RUNNING))

    @property
    def retry_at(self) -> datetime | None:
        """When the next retry is due; None if none waits for its time."""
        return min(self._retries.values(), default=None)

    def forget(self) -> None:
        """Know nothing, and hear nothing of what threads still do: the lease was lost, or has just been taken."""
        self._errands.forget()
        self.board.clear()
        self.ledger.forget()
        for one in (self._stopped, self._asked, self._pauses, self._retries):
            one.clear()

    def sync(self) -> None:
        """Read what others wrote: new runs, requests to cancel, changed quotas. Raises Unavailable."""
        self.board.sync()
        self.ledger.touched.update(live.run.id for live in self.board)

    def add(self, run: Run) -> None:
        """A run that this process has just created."""
        self.board.put(run)
        self.ledger.touched.add(run.id)

    def ended(self, job_name: str) -> None:
        """A job has ended, as its executor says."""
        found = self.board.find(job_name)
        if found is None:
            return
        if job_name in self._errands.busy:
            self._errands.ended_meanwhile(job_name)
        elif found[1].state in _HOLDING:
            self._safely(found[0], lambda live: self._look(live, found[1], refresh=False))

    def look(self) -> None:
        """Look at every job: what has ended unheard, how far the others are; try again what did not start."""
        now = self._clock()
        for live in self.board:
            self._safely(live, partial(self._look_around, now=now))
            self._warn(live, now)
        self._say_reasons = True

    def _look_around(self, live: Live, now: datetime) -> None:
        for task in live.of(*_HOLDING):
            if task.job_name in self._errands.busy or task.is_group:
                continue
            if task.state is TaskState.RUNNING or task.job_name in self._stopped:
                # Stopped while STARTING: a scheduler before this one had started it.
                self._look(live, task, refresh=True)
            elif live.cancelled(task):
                self._stop(live, task)
            elif self._pauses.get(task.job_name, (0.0, now))[1] <= now:
                self._start(live, task)

    def advance(self) -> bool:
        """Move every touched run as far as it goes now; True if something was overtaken and must be done again.

        Raises
        ------
        LeaseLost
            Before anything would be done without the lease.
        Unavailable
            If the store does not answer.
        """
        touched = [live for run_id in self.ledger.touched if (live := self.board.get(run_id)) is not None]
        self.ledger.touched.clear()
        touched.sort(key=lambda live: (live.run.created_at, live.run.id))
        projects = {live.run.workflow.project: None for live in touched}
        again = not self._settle(touched)
        now = self._clock()
        projects.update((name, None) for name, at in self._retries.items() if at <= now)
        if self._say_reasons:
            projects.update((live.run.workflow.project, None) for live in self.board)
        for project in projects:
            again |= not self._admit(project)
        again |= not self._conclude(touched)
        self._say_reasons = False
        self._stopped &= {task.job_name for live in self.board for task in live.of(*_HOLDING)}
        return again

    @property
    def in_flight(self) -> tuple[int, int]:
        """How many jobs threads are starting, and how many they look at."""
        found = [self.board.find(name) for name in self._errands.busy]
        starts = sum(one is not None and one[1].state is TaskState.STARTING for one in found)
        return starts, len(found) - starts

    def executors(self) -> set[str]:
        """Names of the executors of active runs."""
        return {live.run.executor for live in self.board} & set(self._executors)

    def orphans(self, names: Iterable[str]) -> None:
        """Stop jobs of this pool that run although their task has ended: a frozen scheduler started them late.

        `names` are those of the executors to look at: an engine that nothing runs on may well be off.
        """
        for executor in (self._executors[name] for name in names if name in self._executors):
            self._errands.submit(f"look-{executor.name}", "", partial(self._stop_orphans, executor))

    def _stop_orphans(self, executor: Executor) -> Callable[[], None]:
        stop_orphans(executor, self._store, self._pool)
        return nothing

    # runs

    def _safely(self, live: Live, step: Callable[[Live], None]) -> bool:
        """Do one step of one run; what is wrong with one run stops no other. False if it must be done again."""
        try:
            step(live)
        except Overtaken:
            self.ledger.reread(live)
            return False
        except (LeaseLost, Unavailable):
            raise
        except LentiqError as error:
            log.warning("run %s cannot go on yet: %s", live.run.id, error)
        return True

    def _settle(self, lives: Iterable[Live]) -> bool:
        """Move waiting tasks on, and stop what is to be cancelled; False if something was overtaken."""
        changes: list[Change] = []

        def settled(live: Live) -> None:
            change = Change(live)
            settle(change, self._clock())
            changes.append(change)

        for live in lives:
            self._safely(live, settled)
        if not self.ledger.commit_all(changes):
            return False
        for live in (change.live for change in changes):
            for task in live.of(*_HOLDING):
                if live.cancelled(task) and not task.is_group:
                    self._stop(live, task)
        return True

    def _conclude(self, lives: Sequence[Live]) -> bool:
        """Store the runs' states, if their tasks have changed them; False if something was overtaken."""
        ended, whole = self.ledger.conclude(lives, self._clock())
        for live in ended:
            self._meters.run_ended(live.run.state)
            self.board.drop(live.run.id)
            run = dataclasses.replace(live.run, tasks=tuple(live.tasks.values()))
            self._tell(str(live.run.state).lower(), run, None)
        return whole

    def _move(self, live: Live, task: TaskRun, **changes: Any) -> TaskRun:
        change = Change(live)
        to = change.move(task, dataclasses.replace(task, **changes))
        self.ledger.put(change)
        return to

    def _say(self, live: Live, task: TaskRun, reason: str) -> None:
        """Store why a task is where it is, if that is news."""
        if task.reason != reason:
            self._move(live, task, reason=reason)

    # admission

    _say_reasons = False

    def _admit(self, project: str) -> bool:
        """Admit what fits; False if something was overtaken."""
        lives = [live for live in self.board if live.run.workflow.project == project]
        now = self._clock()
        self._retries.pop(project, None)
        asking, admitted, reasons = self._queue(lives, now)
        holders = [live.claim(one) for live in lives for one in live.of(*_HOLDING) if one.holds_resources]
        starting: list[tuple[Live, TaskRun]] = []
        if asking:
            try:
                quota = self._store.project(project).quota
            except NotFound as error:
                reasons.extend((live, task, str(error)) for live, task, _ in asking)
            else:
                queue = [dataclasses.replace(one, never=not task.task.resources.fits(quota)) for _, task, one in asking]
                order = [asking[place] for place in in_order(queue, last_turns(queue, admitted))]
                answers = admit([live.claim(task) for live, task, _ in order], quota, holders)
                for (live, task, _), answer in zip(order, answers, strict=True):
                    if answer.verdict is Verdict.START:
                        starting.append((live, task))
                    else:
                        reasons.append((live, task, answer.reason))
        return self._begin(starting, now) and self._say_all(reasons)

    def _queue(
        self, lives: Sequence[Live], now: datetime
    ) -> tuple[list[_Asking], list[tuple[Queued, datetime]], list[tuple[Live, TaskRun, str]]]:
        """What asks for resources, what was let in when, and what cannot ask, with the reasons."""
        asking: list[_Asking] = []
        admitted: list[tuple[Queued, datetime]] = []
        reasons: list[tuple[Live, TaskRun, str]] = []
        for live in lives:
            for place, task in enumerate(live.tasks.values()):
                if task.admitted_at is not None:
                    admitted.append((_queued(live, task, place), task.admitted_at))
                if task.state is not TaskState.PENDING:
                    continue
                if live.run.executor not in self._executors:
                    reasons.append((live, task, self._no_executor(live.run)))
                elif task.not_before is not None and task.not_before > now:
                    name = live.run.workflow.project
                    self._retries[name] = min(self._retries.get(name, task.not_before), task.not_before)
                elif task.task.reuse and task.attempt == 1 and task.job_name not in self._asked:
                    self._find_result(live, task)
                else:
                    asking.append((live, task, _queued(live, task, place)))
        return asking, admitted, reasons

    def _begin(self, admitted: Sequence[tuple[Live, TaskRun]], now: datetime) -> bool:
        """From PENDING to STARTING, and on to their executors; False if one was overtaken, and so none began."""
        changes: dict[str, Change] = {}
        begun: list[tuple[Live, TaskRun]] = []
        for live, task in admitted:
            change = changes.setdefault(live.run.id, Change(live))
            to = dataclasses.replace(task, state=TaskState.STARTING, reason="", admitted_at=now, not_before=None)
            begun.append((live, change.move(task, to)))
        # The intent, before the deed.
        if not self.ledger.commit_all(tuple(changes.values())):
            return False
        for live, task in begun:
            waited = now - (task.ready_at or now)
            self._meters.task_started(live.run.workflow.project, waited.total_seconds())
            self._start(live, task)
        return True

    def _say_all(self, reasons: Sequence[tuple[Live, TaskRun, str]]) -> bool:
        """Store why tasks wait: at once where nothing is said yet, else with the next look at everything."""
        changes: dict[str, Change] = {}
        for live, task, reason in reasons:
            if task.reason != reason and (self._say_reasons or not task.reason):
                change = changes.setdefault(live.run.id, Change(live))
                change.move(task, dataclasses.replace(task, reason=reason))
        touched = set(self.ledger.touched)
        if not self.ledger.commit_all(tuple(changes.values())):
            return False
        # A reason moves nothing else on.
        self.ledger.touched &= touched
        return True

    # threads

    def _start(self, live: Live, task: TaskRun) -> None:
        executor = self._executors.get(live.run.executor)
        if executor is None:
            self._say(live, task, self._no_executor(live.run))
            return
        outputs = live.outputs()

        def work() -> Callable[[], None]:
            started = self._starter.start(live.run, task, executor, outputs)
            return lambda: self._with(task.job_name, lambda live, task: self._started(live, task, started))

        self._errands.submit(f"start-{executor.name}", task.job_name, work)

    def _started(self, live: Live, task: TaskRun, started: Started) -> None:
        if task.state is not TaskState.STARTING:
            return
        if started.again:
            pause = self._pauses.get(task.job_name, (0.0, self._clock()))[0]
            self._pauses[task.job_name] = (
                min(_LONGEST_PAUSE_S, 2 * pause or 2.0),
                self._clock() + timedelta(seconds=pause),
            )
            self._say(live, task, started.error)
            return
        self._pauses.pop(task.job_name, None)
        if started.error:
            to = dataclasses.replace(
                task, state=TaskState.FAILED, reason=started.error, cause=started.cause, ended_at=self._clock()
            )
            self._end(live, task, dataclasses.replace(to, inputs=started.inputs))
            return
        task = self._move(
            live,
            task,
            state=TaskState.RUNNING,
            reason="",
            inputs=started.inputs,
            fingerprint=started.fingerprint,
            started_at=self._clock(),
        )
        if live.cancelled(task):
            self.ledger.flush()
            self._stop(live, task)

    def _look(self, live: Live, task: TaskRun, *, refresh: bool) -> None:
        executor = self._executors.get(live.run.executor)
        if executor is None:
            self._say(live, task, self._no_executor(live.run))
            return
        cancelled = live.cancelled(task)

        def work() -> Callable[[], None]:
            seen = self._finisher.look(task, executor, cancelled=cancelled, refresh=refresh)
            return lambda: self._with(task.job_name, lambda live, task: self._seen(live, task, seen))

        self._errands.submit(f"look-{executor.name}", task.job_name, work)

    def _seen(self, live: Live, task: TaskRun, seen: Seen) -> None:
        if task.state not in _HOLDING:
            return
        if seen.error:
            self._say(live, task, seen.error)
        elif seen.gone:
            self._gone(live, task)
        elif seen.to is not None:
            to = dataclasses.replace(task, **{name: getattr(seen.to, name) for name in _SEEN_FIELDS})
            if not seen.to.state.ended:
                # A look may have begun before the row was moved on.
                to = dataclasses.replace(to, state=task.state)
                change = Change(live)
                change.move(task, to)
                self.ledger.put(change)
            elif live.cancelled(task) and to.state is TaskState.FAILED:
                # Asked to stop while it was looked at.
                self._end(live, task, dataclasses.replace(to, **_CANCELLED))
            else:
                self._end(live, task, to)

    def _gone(self, live: Live, task: TaskRun) -> None:
        if live.cancelled(task):
            self._end(live, task, dataclasses.replace(task, **_CANCELLED, ended_at=self._clock()))
        elif task.state is TaskState.RUNNING:
            reason = f"executor {live.run.executor} no longer knows it; run it again"
            lost = dataclasses.replace(task, state=TaskState.LOST, reason=reason, cause=Cause.LOST)
            self._end(live, task, dataclasses.replace(lost, ended_at=self._clock()))

    def _end(self, live: Live, task: TaskRun, to: TaskRun) -> None:
        """Store the end of a task run, with its next attempt or what follows it, in one transaction."""
        change = Change(live)
        ended_attempt(change, task, to, self._clock())
        settle(change, self._clock())

        def stored() -> None:
            if to.started_at is not None and to.ended_at is not None:
                ran = to.ended_at - to.started_at
                self._meters.task_ended(live.run.workflow.project, to.state, max(0.0, ran.total_seconds()))

        self.ledger.put(change, stored)

    def _stop(self, live: Live, task: TaskRun) -> None:
        """Ask a job to stop; what was never started is kept from it."""
        executor = self._executors.get(live.run.executor)
        name = task.job_name
        if executor is None or name in self._stopped or name in self._errands.busy:
            return
        self._stopped.add(name)

        def work() -> Callable[[], None]:
            try:
                if executor.inspect(name) is None and executor.forbid(name, self._pool):
                    return lambda: self._with(name, self._gone)
                executor.stop(name)
            except LentiqError as error:
                said = f"asked to stop; {error}"
                self._stopped.discard(name)
                return lambda: self._with(name, lambda live, task: self._say(live, task, said))
            return nothing

        # Not of the team that looks: a slow engine must not hold up a stop.
        self._errands.submit(f"stop-{executor.name}", name, work)

    def _find_result(self, live: Live, task: TaskRun) -> None:
        """Look for an earlier result that stands for this task's; until it is known, the task does not ask."""
        if task.job_name in self._errands.busy:
            return
        outputs = live.outputs()
        project = live.run.workflow.project

        def work() -> Callable[[], None]:
            try:
                fingerprint = self._starter.fingerprint(task, outputs)
                found = self._store.find_result(project, fingerprint) if fingerprint else None
            except LentiqError:
                # What is wrong with it shows when it starts.
                found = None
            return lambda: self._with(task.job_name, lambda live, task: self._reuse(live, task, found))

        self._errands.submit(f"start-{live.run.executor}", task.job_name, work)

    def _reuse(self, live: Live, task: TaskRun, found: TaskRun | None) -> None:
        self._asked.add(task.job_name)
        self.ledger.touched.add(live.run.id)
        if found is None or task.state is not TaskState.PENDING:
            return
        source = found.reused_from or found.job_name
        to = dataclasses.replace(
            task,
            state=TaskState.SUCCEEDED,
            reason=f"took the result of run {found.run_id}: same block, same inputs",
            inputs=found.inputs,
            outputs=found.outputs,
            progress=found.progress,
            reused_from=source,
            ended_at=self._clock(),
        )
        self._end(live, task, to)

    def _with(self, job_name: str, step: Callable[[Live, TaskRun], None]) -> None:
        """Do a step of a job's task run, if it is still the newest attempt of an active run."""
        found = self.board.find(job_name)
        if found is not None and self.ledger.holds(found[0].run.id):
            # What is known of the run is not what it will be.
            self.ledger.flush()
            found = self.board.find(job_name)
        if found is None:
            return
        self.ledger.touched.add(found[0].run.id)
        self._safely(found[0], lambda live: step(*found))

    def _warn(self, live: Live, now: datetime) -> None:
        """Tell, once each, of what has run or waited longer than somebody wants to hear of."""
        run = dataclasses.replace(live.run, tasks=tuple(live.tasks.values()))
        for event, task in to_tell(live.run, run, now, pending_s=self._pending_notice_s):
            if task is None:
                continue

            def warned(live: Live, task: TaskRun = task) -> None:
                self._move(live, task, warned_at=now)

            # Told first: after a crash in between it is told twice rather than never.
            self._tell(str(event), run, task)
            self._safely(live, warned)

    def _no_executor(self, run: Run) -> str:
        names = ", ".join(self._executors) or "none"
        return f"needs executor {run.executor}, which this scheduler does not have (it has {names})"


_CANCELLED: dict[str, Any] = {
    "state": TaskState.CANCELLED,
    "reason": CANCELLED_REASON,
    "cause": Cause.CANCELLED,
}


def _queued(live: Live, task: TaskRun, place: int) -> Queued:
    return Queued(
        workflow=live.run.workflow.name,
        priority=live.run.workflow.priority,
        ready_at=task.ready_at or live.run.created_at,
        place=(place, task.attempt),
    )
