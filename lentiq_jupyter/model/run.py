"""Runs: executions of workflows and of the tasks in them."""

from __future__ import annotations

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


_S = TaskState
MOVES: dict[TaskState, frozenset[TaskState]] = {
    _S.WAITING: frozenset({_S.PENDING, _S.SKIPPED, _S.CANCELLED}),
    _S.PENDING: frozenset({_S.STARTING, _S.CANCELLED, _S.SKIPPED, _S.FAILED}),
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

    `reason` says why it is where it is: for PENDING the blocker in numbers, for FAILED the cause.
    `inputs` are the values it was started with (references replaced), None before it started.
    `outputs` are set at the end. Times are aware UTC, None where that has not happened.
    `attempt` counts from 1.
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

    @property
    def job_name(self) -> str:
        """The executor's name for it: deterministic, so that starting twice is starting once."""
        return f"lentiq-{self.run_id}-{self.task.name}-{self.attempt}"


@record
class Run:
    """One execution of a workflow, with the definition it used.

    `due_at` is the scheduled start it answers, None for a start by hand; `reason` explains SKIPPED.
    `tasks` in the workflow's order; empty for SKIPPED runs. `cancel_requested`: somebody asked to stop it.
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


def run_state(tasks: tuple[TaskRun, ...]) -> RunState:
    """The state of a run that consists of these task runs (not SKIPPED, which no task decides)."""
    states = {one.state for one in tasks}
    if all(state.ended for state in states):
        if states & {TaskState.FAILED, TaskState.LOST}:
            return RunState.FAILED
        return RunState.CANCELLED if TaskState.CANCELLED in states else RunState.SUCCEEDED
    begun = states - {TaskState.WAITING, TaskState.PENDING}
    return RunState.RUNNING if begun else RunState.PENDING
