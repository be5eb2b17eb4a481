"""Moves active runs on: cancels, observes, makes tasks ready, admits, starts, concludes.

Every step is a compare-and-set in the store, written before the world is changed: a task is STARTING in
the store before its executor hears of it, and an executor starts one name once. So whoever comes after a
crash repeats the last step and neither loses nor doubles a task.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import LentiqError, NotFound, Unavailable
from ..interfaces import Executor, Store
from ..model import (
    Block,
    Execution,
    ExecutionState,
    Input,
    Job,
    Json,
    Run,
    RunState,
    TaskRun,
    TaskState,
    referenced_secret,
    run_state,
)
from .admission import Admission, Claim, Verdict, admit
from .graph import blocked, ready, resolve_inputs
from .outcome import CANCELLED_REASON, outcome, read_progress

log = logging.getLogger(__name__)
LOG_FILE = "log.txt"
_HOLDING = (TaskState.STARTING, TaskState.RUNNING)


class LeaseLost(Exception):
    """Another scheduler took over: stop acting at once."""


class Overtaken(Exception):
    """A row was changed by somebody else since it was read: read it again."""


class Live:
    """A run while it is worked on: its record as read, its tasks (newest attempts) as moved since."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.tasks = {one.task.name: one for one in run.tasks}

    def of(self, *states: TaskState) -> list[TaskRun]:
        """Tasks in one of these states, in the workflow's order."""
        return [one for one in self.tasks.values() if one.state in states]

    def claim(self, task: TaskRun) -> Claim:
        """What a task holds or asks for, under its name."""
        label = f"{self.run.workflow.name}/{task.task.name} (run {self.run.id})"
        return Claim(label=label, resources=task.task.resources)


class RunDriver:
    """Moves the active runs of one store on; see `Scheduler` for the parameters."""

    def __init__(
        self,
        store: Store,
        executors: Mapping[str, Executor],
        *,
        load_block: Callable[[str], Block],
        environment: Callable[[Run, TaskRun], Mapping[str, str]],
        secret: Callable[[str, str], str],
        results: Callable[[TaskRun], Path],
        pool: str,
        clock: Callable[[], datetime],
        notify: Callable[[str, str, str], None],
        still_mine: Callable[[], bool],
    ) -> None:
        self._store = store
        self._executors = executors
        self._load_block = load_block
        self._environment = environment
        self._secret = secret
        self._results = results
        self._pool = pool
        self._clock = clock
        self._notify = notify
        self._still_mine = still_mine
        self._stopped: set[str] = set()

    def advance(self, *, refresh: bool) -> tuple[bool, bool]:
        """Move every active run as far as it goes now.

        Parameters
        ----------
        refresh : bool
            Also fetch how far running tasks are.

        Returns
        -------
        running, again : bool
            Whether tasks are running, and whether there is more to do at once.

        Raises
        ------
        LeaseLost
            Before something would be started without the lease.
        Unavailable
            If the store does not answer.
        """
        lives = [Live(run) for run in reversed(self._store.runs(active=True))]
        again = False
        for live in lives:
            try:
                if live.run.cancel_requested:
                    self._cancel(live)
                for task in live.of(*_HOLDING):
                    self._observe(live, task, refresh=refresh)
                self._settle(live)
            except Overtaken:
                again = True
            except Unavailable:
                raise
            except LentiqError as error:
                # What is wrong with one run stops no other.
                log.warning("run %s cannot go on yet: %s", live.run.id, error)
        projects = dict.fromkeys(live.run.workflow.project for live in lives)
        for project in projects:
            again |= self._admit(project, [live for live in lives if live.run.workflow.project == project])
        for live in lives:
            try:
                self._settle(live)
                self._conclude(live)
            except Overtaken:
                again = True
        running = {task.job_name for live in lives for task in live.of(*_HOLDING)}
        self._stopped &= running
        return bool(running), again

    # one step each

    def _cancel(self, live: Live) -> None:
        for task in live.of(TaskState.WAITING, TaskState.PENDING):
            self._move(live, task, state=TaskState.CANCELLED, reason=CANCELLED_REASON, ended_at=self._clock())
        executor = self._executors.get(live.run.executor)
        for task in live.of(*_HOLDING):
            if executor is None or task.job_name in self._stopped:
                continue
            try:
                executor.stop(task.job_name)
                self._stopped.add(task.job_name)
            except Unavailable as error:
                self._say(live, task, f"asked to stop; {error}")

    def _observe(self, live: Live, task: TaskRun, *, refresh: bool) -> None:
        """Compare a task that should run with what its executor knows."""
        cancelled = live.run.cancel_requested
        executor = self._executors.get(live.run.executor)
        if executor is None:
            self._say(live, task, self._no_executor(live.run))
            return
        try:
            if task.state is TaskState.STARTING and not cancelled:
                # Written before it was started, perhaps by a scheduler that died in between.
                task = self._launch(live, task, executor)
                if task.state is not TaskState.RUNNING:
                    return
            execution = executor.inspect(task.job_name)
            if execution is None:
                self._gone(live, task)
            elif execution.state is not ExecutionState.RUNNING:
                self._finish(live, task, executor, execution)
            elif refresh:
                self._refresh(live, task, executor, execution)
        except Unavailable as error:
            self._say(live, task, str(error))
        except OSError as error:
            self._say(live, task, f"its results cannot be written ({error}); it is tried again")

    def _gone(self, live: Live, task: TaskRun) -> None:
        state, reason = TaskState.LOST, f"executor {live.run.executor} no longer knows it; run it again"
        if live.run.cancel_requested:
            state, reason = TaskState.CANCELLED, CANCELLED_REASON
        self._move(live, task, state=state, reason=reason, ended_at=self._clock())

    def _finish(self, live: Live, task: TaskRun, executor: Executor, execution: Execution) -> None:
        """Bring the results home, then store the end. The executor's record stays, as proof of what was started."""
        folder = self._results(task)
        self._collect(task, executor, folder)
        try:
            text = executor.log(task.job_name)
        except NotFound:
            text = b""
        (folder / LOG_FILE).write_bytes(text)
        ended = outcome(task, execution, folder, cancelled=live.run.cancel_requested, now=self._clock())
        self._store_move(live, task, ended)

    def _refresh(self, live: Live, task: TaskRun, executor: Executor, execution: Execution) -> None:
        folder = self._results(task)
        self._collect(task, executor, folder)
        now = dataclasses.replace(
            task,
            progress=read_progress(folder) or task.progress,
            peak_memory_bytes=execution.peak_memory_bytes or task.peak_memory_bytes,
            reason="",
        )
        if now != task:
            self._store_move(live, task, now)

    def _collect(self, task: TaskRun, executor: Executor, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            executor.collect(task.job_name, folder)
        except NotFound as error:
            log.info("%s left no results: %s", task.job_name, error)

    def _settle(self, live: Live) -> None:
        """Make tasks ready whose dependencies succeeded; skip those that can never be."""
        tasks = [one.task for one in live.tasks.values()]
        while True:
            states = {name: one.state for name, one in live.tasks.items()}
            skipped = blocked(tasks, states)
            for name, reason in skipped.items():
                self._move(live, live.tasks[name], state=TaskState.SKIPPED, reason=reason, ended_at=self._clock())
            for name in ready(tasks, states):
                self._move(live, live.tasks[name], state=TaskState.PENDING, reason="", ready_at=self._clock())
            if not skipped:
                return

    def _admit(self, project: str, lives: list[Live]) -> bool:
        """Start what the quota allows, in the order of readiness; True if there is more to do at once."""
        queue = [(live, task) for live in lives for task in live.of(TaskState.PENDING)]
        if not queue:
            return False
        # Stable: equal times keep the order of runs, and of tasks in their workflow.
        queue.sort(key=lambda item: item[1].ready_at or item[0].run.created_at)
        verdicts = self._verdicts(project, queue, [live.claim(task) for live in lives for task in live.of(*_HOLDING)])
        again = False
        for (live, task), admission in zip(queue, verdicts, strict=True):
            try:
                if admission.verdict is not Verdict.START:
                    self._say(live, task, admission.reason)
                elif self._start(live, task).state.ended:
                    # What it would have held is free for others.
                    again = True
            except Overtaken:
                again = True
        return again

    def _verdicts(
        self, project: str, queue: Sequence[tuple[Live, TaskRun]], holders: Sequence[Claim]
    ) -> tuple[Admission, ...]:
        try:
            quota = self._store.project(project).quota
        except NotFound as error:
            return tuple(Admission(verdict=Verdict.WAIT, reason=str(error)) for _ in queue)
        return admit([live.claim(task) for live, task in queue], quota, holders)

    def _start(self, live: Live, task: TaskRun) -> TaskRun:
        """From PENDING to RUNNING, or to FAILED; stays where it is, with the reason, if something does not answer."""
        executor = self._executors.get(live.run.executor)
        if executor is None:
            return self._say(live, task, self._no_executor(live.run))
        outputs = {name: one.outputs or {} for name, one in live.tasks.items()}
        try:
            block = self._block(task)
            inputs = block.spec.fill(resolve_inputs(task.task, outputs))
        except Unavailable as error:
            return self._say(live, task, f"cannot start yet: {error}")
        except LentiqError as error:
            return self._fail(live, task, error)
        if not self._still_mine():
            raise LeaseLost
        # The intent, before the deed.
        task = self._move(live, task, state=TaskState.STARTING, reason="", inputs=inputs)
        return self._launch(live, task, executor)

    def _launch(self, live: Live, task: TaskRun, executor: Executor) -> TaskRun:
        """Start a STARTING task; harmless if that has happened before."""
        if not self._still_mine():
            raise LeaseLost
        try:
            block = self._block(task)
            hidden = {one.name: one for one in block.spec.inputs if one.secret}
            executor.start(
                Job(
                    name=task.job_name,
                    pool=self._pool,
                    block=block,
                    inputs={name: value for name, value in (task.inputs or {}).items() if name not in hidden},
                    resources=task.task.resources,
                    environment=dict(self._environment(live.run, task)),
                    secrets=self._secrets(live.run.workflow.project, hidden, task.inputs or {}),
                )
            )
        except Unavailable as error:
            return self._say(live, task, f"cannot start yet: {error}")
        except LentiqError as error:
            return self._fail(live, task, error)
        return self._move(live, task, state=TaskState.RUNNING, reason="", started_at=self._clock())

    def _secrets(self, project: str, hidden: Mapping[str, Input], given: Mapping[str, Json]) -> dict[str, str]:
        """Values of secret inputs, looked up at the last moment; those the code can do without may be missing."""
        values: dict[str, str] = {}
        for name, one in hidden.items():
            try:
                values[name] = self._secret(referenced_secret(given.get(name)) or name, project)
            except NotFound:
                if one.required:
                    raise
        return values

    def _conclude(self, live: Live) -> None:
        """Store the run's state, if its tasks have changed it."""
        tasks = tuple(live.tasks.values())
        state, target = live.run.state, run_state(tasks)
        if target is state:
            return
        steps = [target]
        if state is RunState.PENDING and target.ended and any(one.started_at for one in tasks):
            steps = [RunState.RUNNING, target]
        for step in steps:
            reason = _why(tasks) if step.ended else ""
            if not self._store.move_run(live.run.id, state, step, at=self._clock(), reason=reason):
                raise Overtaken
            log.info("run %s of %s is %s%s", live.run.id, live.run.workflow.name, step, f": {reason}" if reason else "")
            self._notify("run", live.run.id, str(step))
            state = step

    # writing

    def _move(self, live: Live, task: TaskRun, **changes: Any) -> TaskRun:
        return self._store_move(live, task, dataclasses.replace(task, **changes))

    def _store_move(self, live: Live, task: TaskRun, to: TaskRun) -> TaskRun:
        if not self._store.move_task(task, to):
            raise Overtaken
        live.tasks[task.task.name] = to
        if to.state is not task.state:
            log.info("task %s is %s%s", to.job_name, to.state, f": {to.reason}" if to.reason else "")
        self._notify("run", live.run.id, str(to.state))
        return to

    def _say(self, live: Live, task: TaskRun, reason: str) -> TaskRun:
        """Store why a task is where it is, if that is news."""
        return task if task.reason == reason else self._move(live, task, reason=reason)

    def _fail(self, live: Live, task: TaskRun, error: LentiqError) -> TaskRun:
        return self._move(live, task, state=TaskState.FAILED, reason=str(error), ended_at=self._clock())

    def _block(self, task: TaskRun) -> Block:
        version = f"@{task.task.version}" if task.task.version else ""
        return self._load_block(f"{task.task.block}{version}")

    def _no_executor(self, run: Run) -> str:
        names = ", ".join(self._executors) or "none"
        return f"needs executor {run.executor}, which this scheduler does not have (it has {names})"


def _why(tasks: Iterable[TaskRun]) -> str:
    """The reason of a run's end: that of its first task that did not succeed."""
    for one in tasks:
        if one.state in (TaskState.FAILED, TaskState.LOST):
            return f"{one.task.name}: {one.reason}"
    return CANCELLED_REASON if any(one.state is TaskState.CANCELLED for one in tasks) else ""
