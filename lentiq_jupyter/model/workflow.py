"""Projects, tasks, workflows and their schedules, as users define them."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Optional

from ..errors import BadInput
from .names import check_name
from .record import StrEnum, record
from .resources import DEFAULT_RESOURCES, Resources
from .values import Json

RETRIES_LIMIT = 100
PRIORITY_LIMIT = 100
DELAY_LIMIT_S = 86_400.0
# Doubling goes no further than this.
LONGEST_DELAY_S = 3_600.0
FOREACH_LIMIT = 1_000
"""Items of a `Task.foreach` at most."""


@record
class Project:
    """An isolated part of a data pool with a quota of CPU and memory."""

    name: str
    quota: Resources

    def __post_init__(self) -> None:
        check_name(self.name, "project name")


class Misfire(StrEnum):
    """What happens to starts that were missed while no scheduler ran."""

    ONCE = "once"
    ALL = "all"
    SKIP = "skip"


@record
class Schedule:
    """A start and a repetition.

    `start` is aware; `timezone` an IANA name, in which days, weeks, months and cron are counted.
    At most one of `every` (``15m``, ``6h``, ``1d``, ``2w``, ``1M``) and `cron` (five fields); neither
    means: once, at `start`.
    """

    start: datetime
    timezone: str = "UTC"
    every: Optional[str] = None
    cron: Optional[str] = None
    misfire: Misfire = Misfire.ONCE

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise BadInput("A schedule's start needs a time zone.")
        if self.every and self.cron:
            raise BadInput("A schedule repeats either every … or by cron, not both.")


class When(StrEnum):
    """Whether a task runs once all tasks before it have ended, by how they ended.

    ON_SUCCESS: if all succeeded. ON_FAILURE: if one of them failed or was lost, or was skipped because
    of a failure before it. ALWAYS: whatever they became, unless the run is cancelled. A task that does not run
    is SKIPPED.
    """

    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    ALWAYS = "always"


@record
class Task:
    """A block configured for use.

    `version` None stands for the newest when the workflow is saved; what is stored is always pinned.
    An input value that is the string ``${{ tasks.NAME.outputs.OUTPUT }}`` takes that output.
    `after` are names of tasks this one waits for; tasks it takes outputs from count too.
    `retries` are further attempts after one that failed or was lost; the first comes `retry_delay_s`
    seconds later, each one after that twice as late as the one before, an hour at most.
    `foreach` is a list, or a reference to an output that is one: the task runs once for each of its items,
    which its inputs take by ``${{ item }}``, and each of its outputs is the list of theirs, in that order.
    `reuse` takes the outputs of an earlier run of the same block with the same inputs where there is one.
    `warn_after_s` seconds of running are worth a notification; None: never. Nothing limits the time.
    """

    name: str
    block: str
    version: Optional[str] = None
    inputs: dict[str, Json] = field(default_factory=dict)
    resources: Resources = DEFAULT_RESOURCES
    after: tuple[str, ...] = ()
    when: When = When.ON_SUCCESS
    retries: int = 0
    retry_delay_s: float = 10.0
    foreach: Json = None
    reuse: bool = False
    warn_after_s: Optional[float] = None

    def __post_init__(self) -> None:
        check_name(self.name, "task name")
        check_name(self.block, "block name")
        if not 0 <= self.retries <= RETRIES_LIMIT:
            raise BadInput(f"Task {self.name}: retries must be from 0 to {RETRIES_LIMIT}, not {self.retries}.")
        if not 0 <= self.retry_delay_s <= DELAY_LIMIT_S:
            raise BadInput(f"Task {self.name}: the delay of a retry must be from 0 s to a day.")
        if self.warn_after_s is not None and not self.warn_after_s > 0:
            raise BadInput(f"Task {self.name}: the time to warn after must be positive.")

    def delay_s(self, attempt: int) -> float:
        """Seconds between the end of that attempt (counted from 1) and the start of the next."""
        longest = max(self.retry_delay_s, LONGEST_DELAY_S)
        return min(longest, self.retry_delay_s * 2.0 ** (attempt - 1))


@record
class Workflow:
    """A graph of tasks with a schedule (None: started by hand only).

    `revision` counts saves, from 1; 0 means never saved. In its project's queue a workflow of higher
    `priority` (from -100 to 100) comes first.
    """

    name: str
    project: str
    tasks: tuple[Task, ...]
    schedule: Optional[Schedule] = None
    description: str = ""
    paused: bool = False
    revision: int = 0
    priority: int = 0

    def __post_init__(self) -> None:
        check_name(self.name, "workflow name")
        check_name(self.project, "project name")
        if not -PRIORITY_LIMIT <= self.priority <= PRIORITY_LIMIT:
            raise BadInput(
                f"Workflow {self.name}: the priority must be from -{PRIORITY_LIMIT} to {PRIORITY_LIMIT}, "
                f"not {self.priority}."
            )

    def task(self, name: str) -> Task:
        """The task of that name; KeyError if there is none."""
        return {task.name: task for task in self.tasks}[name]


@record
class RequestedStart:
    """A start that somebody asked for, beside the schedule: one of a backfill. It waits for its turn.

    `due_at` is the time that the run stands for.
    """

    project: str
    workflow: str
    due_at: datetime
    requested_at: datetime
    author: str = ""


@record
class Check:
    """What saving a workflow would say: its faults, and the next starts (aware, in its time zone).

    `clock_changes` says of each of these starts what a change of the clocks does to it; "" for nothing.
    """

    faults: tuple[str, ...] = ()
    next_starts: tuple[datetime, ...] = ()
    clock_changes: tuple[str, ...] = ()
