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


@record
class Task:
    """A block configured for use.

    `version` None stands for the newest when the workflow is saved; what is stored is always pinned.
    An input value that is the string ``${{ tasks.NAME.outputs.OUTPUT }}`` takes that output.
    `after` are names of tasks this one waits for; tasks it takes outputs from count too.
    """

    name: str
    block: str
    version: Optional[str] = None
    inputs: dict[str, Json] = field(default_factory=dict)
    resources: Resources = DEFAULT_RESOURCES
    after: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, "task name")
        check_name(self.block, "block name")


@record
class Workflow:
    """A graph of tasks with a schedule (None: started by hand only).

    `revision` counts saves, from 1; 0 means never saved.
    """

    name: str
    project: str
    tasks: tuple[Task, ...]
    schedule: Optional[Schedule] = None
    description: str = ""
    paused: bool = False
    revision: int = 0

    def __post_init__(self) -> None:
        check_name(self.name, "workflow name")
        check_name(self.project, "project name")

    def task(self, name: str) -> Task:
        """The task of that name; KeyError if there is none."""
        return {task.name: task for task in self.tasks}[name]


@record
class Check:
    """What saving a workflow would say: its faults, and the next starts (aware, in its time zone)."""

    faults: tuple[str, ...] = ()
    next_starts: tuple[datetime, ...] = ()
