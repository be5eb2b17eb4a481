"""Runs: executions of workflows and of the tasks in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Optional

from .record import StrEnum, record
from .values import Json
from .workflow import Task, Workflow


class RunState(StrEnum):
    """State of a workflow's run, derived from its tasks. SKIPPED: held back by the no-overlap rule."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"

    @property
    def ended(self) -> bool:
        return self not in (RunState.PENDING, RunState.RUNNING)


class TaskState(StrEnum):
    """State of one task run; see `MOVES` for what may follow what."""

    WAITING = "WAITING"
    PENDING = "PENDING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    LOST = "LOST"
    SKIPPED = "SKIPPED"

    @property
    def ended(self) -> bool:
        return not MOVES[self]

    @property
    def holds_resources(self) -> bool:
        return self in (TaskState.STARTING, TaskState.RUNNING)


class Cause(StrEnum):
    """What kind of thing kept a task from succeeding; `TaskRun.reason` says it in words and numbers."""

    CELL_FAILED = "cell_failed"
    EXIT_CODE = "exit_code"
    SIGNAL = "signal"
    OUT_OF_MEMORY = "out_of_memory"
    IMAGE_MISSING = "image_missing"
    BAD_INPUT = "bad_input"
    BAD_OUTPUT = "bad_output"
    START_FAILED = "start_failed"
    LOST = "lost"
    CANCELLED = "cancelled"
    TASKS_BEFORE = "tasks_before"


_S = TaskState
MOVES: dict[TaskState, frozenset[TaskState]] = {
    # A group of `foreach` is RUNNING while its items are anywhere; it never asks for resources itself.
    _S.WAITING: frozenset({_S.PENDING, _S.RUNNING, _S.SUCCEEDED, _S.FAILED, _S.SKIPPED, _S.CANCELLED}),
    # SUCCEEDED: an earlier result was taken.
    _S.PENDING: frozenset({_S.STARTING, _S.SUCCEEDED, _S.CANCELLED, _S.SKIPPED, _S.FAILED}),
    _S.STARTING: frozenset({_S.RUNNING, _S.SUCCEEDED, _S.FAILED, _S.CANCELLED, _S.LOST}),
    _S.RUNNING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELLED, _S.LOST}),
    _S.SUCCEEDED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.LOST: frozenset(),
    _S.SKIPPED: frozenset(),
}


@record
class Progress:
    """How far a notebook is: cells done of all code cells; `cell` is the one running, None before the first."""

    done: int
    total: int
    cell: Optional[int] = None


@record
class TaskRun:
    """One execution of one task.

    `reason` says why it is where it is: for PENDING the blocker in numbers, for FAILED the cause, whose
    kind is `cause` (None while nothing kept it from succeeding).
    `inputs` are the values it was started with (references replaced), None before it started.
    `outputs` are set at the end. Times are aware UTC, None where that has not happened: `ready_at` when the
    tasks before it had ended, `admitted_at` when the quota had room, `started_at` and `ended_at` by the executor.
    `attempt` counts from 1. PENDING before `not_before` waits for the time of its retry.

    A task with `foreach` has one task run that stands for the whole (`is_group`: `item` None, nothing is
    executed for it) and, once its list is known, one for each item (`item` counts from 0).
    `reused_from` is the job name of an earlier task run whose result stands for this one's. `fingerprint`
    is a SHA-256 of block and inputs, of tasks that succeeded and may be reused.
    `peak_memory_bytes` and `cpu_s` (processor seconds) are None where nobody measured.
    """

    run_id: str
    task: Task
    state: TaskState
    attempt: int = 1
    reason: str = ""
    inputs: Optional[dict[str, Json]] = None
    outputs: Optional[dict[str, Json]] = None
    progress: Optional[Progress] = None
    ready_at: Optional[datetime] = None
    started_at: Optional[datetime] = None
    ended_at: Optional[datetime] = None
    exit_code: Optional[int] = None
    peak_memory_bytes: Optional[int] = None
    item: Optional[int] = None
    cause: Optional[Cause] = None
    cancel_requested: bool = False
    not_before: Optional[datetime] = None
    admitted_at: Optional[datetime] = None
    warned_at: Optional[datetime] = None
    cpu_s: Optional[float] = None
    reused_from: Optional[str] = None
    fingerprint: Optional[str] = None

    @property
    def label(self) -> str:
        """What people call it inside its run: ``train``, ``train.3`` for an item."""
        return self.task.name if self.item is None else f"{self.task.name}.{self.item}"

    @property
    def job_name(self) -> str:
        """The executor's name for it: deterministic, so that starting twice is starting once."""
        return f"lentiq-{self.run_id}-{self.label}-{self.attempt}"

    @property
    def is_group(self) -> bool:
        """Whether it stands for all items of a `foreach`."""
        return self.task.foreach is not None and self.item is None

    @property
    def holds_resources(self) -> bool:
        """Whether its CPU and memory are in use."""
        return self.state.holds_resources and not self.is_group


@record
class Run:
    """One execution of a workflow, with the definition it used.

    `due_at` is the scheduled start it answers, None for a start by hand; `reason` explains SKIPPED.
    `tasks` in the workflow's order, items and attempts of one in theirs; empty for SKIPPED runs.
    `cancel_requested`: somebody asked to stop it. `rerun_of` is the run whose failed tasks it repeats,
    with the results of those that had succeeded.
    """

    id: str
    workflow: Workflow
    state: RunState
    created_at: datetime
    tasks: tuple[TaskRun, ...] = ()
    due_at: Optional[datetime] = None
    started_at: Optional[datetime] = None
    ended_at: Optional[datetime] = None
    reason: str = ""
    cancel_requested: bool = False
    executor: str = "process"
    author: str = ""
    rerun_of: Optional[str] = None


def newest(tasks: Iterable[TaskRun]) -> tuple[TaskRun, ...]:
    """The last attempt of each task and item, in the order given."""
    found: dict[tuple[str, Optional[int]], TaskRun] = {}
    for one in tasks:
        key = (one.task.name, one.item)
        if key not in found or found[key].attempt < one.attempt:
            found[key] = one
    return tuple(found.values())


def run_state(tasks: Iterable[TaskRun]) -> RunState:
    """The state of a run that consists of these task runs (not SKIPPED, which no task decides)."""
    last = newest(tasks)
    states = {one.state for one in last}
    if all(state.ended for state in states):
        if states & {TaskState.FAILED, TaskState.LOST}:
            return RunState.FAILED
        return RunState.CANCELLED if TaskState.CANCELLED in states else RunState.SUCCEEDED
    begun = any(one.attempt > 1 or one.state not in (TaskState.WAITING, TaskState.PENDING) for one in last)
    return RunState.RUNNING if begun else RunState.PENDING
