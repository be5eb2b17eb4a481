"""Documents that exist only over HTTP: request bodies, lists, the state of a publish, errors."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from ..model import (
    Block,
    BlockUse,
    Json,
    LiveKernel,
    ProgressEvent,
    Project,
    PublishResult,
    RequestedStart,
    Resources,
    Run,
    RunState,
    StrEnum,
    Workflow,
    record,
)


@record
class ErrorBody:
    """What went wrong, for a user to read. `kind` is the class in `errors`, ``InternalError`` for a bug.

    `hint` says what to do next, `faults` lists every fault of a document, `log` ends a failed build ("" if none).
    """

    kind: str
    message: str
    hint: str = ""
    faults: tuple[str, ...] = ()
    log: str = ""


@record
class Failure:
    """The body of every answer that is not a success."""

    error: ErrorBody


@record
class Status:
    """What is up, what is not, what to do (sentences in `problems`), and who asks.

    `root` is the server's root folder, which paths of notebooks are relative to. `author` is whose name blocks and
    runs get that are made here. `late_s` is null without a
    scheduler. `executors` in use are up or down, `isolation` is what keeps their tasks apart, `tasks` counts those
    of active runs by project and state, `pending` is the one that has waited longest, `notify` who is told of what.
    """

    version: str
    home: str
    root: str
    registry: Json
    executor: Json
    scheduler: Json
    problems: tuple[str, ...]
    user: str
    author: str = ""
    database: str = ""
    late_s: float | None = None
    tasks: Json = None
    pending: Json = None
    executors: Json = None
    isolation: Json = None
    notify: tuple[str, ...] = ()


@record
class InspectRequest:
    """Which notebook to read. `path` is relative to the server's root folder.

    `kernel_id` is a running kernel and `kernel` a kernelspec's name; with neither, the kernel of the
    notebook's open session is meant, if there is one. `no_kernel` asks no kernel at all. `add` and
    `remove` are requirements and names as in a publish. `live` is what a kernel says of itself; with
    null, the server asks the running kernel.
    """

    path: str
    kernel: str | None = None
    kernel_id: str | None = None
    no_kernel: bool = False
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    live: LiveKernel | None = None


@record
class DriftRequest:
    """Which notebook to compare with its block. All but `packages` as in an inspection, which that asks for."""

    path: str
    packages: bool = False
    kernel: str | None = None
    kernel_id: str | None = None
    live: LiveKernel | None = None


class PublishState(StrEnum):
    """State of a publish."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@record
class Publish:
    """One publish going on or ended. `events` in order; the last one may be replaced by its newer self."""

    id: str
    path: str
    name: str | None
    state: PublishState
    events: tuple[ProgressEvent, ...] = ()
    result: PublishResult | None = None
    error: ErrorBody | None = None


@record
class PublishStarted:
    """Where to follow a publish: ``publishes/{id}``."""

    id: str


@record
class Publishes:
    """Publishes of this server, newest first."""

    publishes: tuple[Publish, ...]


@record
class Blocks:
    """Blocks, or versions of one block."""

    blocks: tuple[Block, ...]


@record
class Dockerfile:
    """The Dockerfile that builds an image behaving the same."""

    dockerfile: str


@record
class WorkflowText:
    """A workflow as a YAML file."""

    text: str


@record
class WorkflowToWrite:
    """A workflow, and the YAML file that it shall be written into: its comments stay. None writes anew."""

    workflow: Workflow
    base: str | None = None


@record
class WorkflowFile:
    """A YAML file that describes a workflow, of `project` where it names none."""

    text: str
    project: str = "default"


@record
class Readme:
    """What a block says of itself, in Markdown; "" if nothing. Written by strangers: sanitise it before it is shown."""

    readme: str


@record
class BlockUsers:
    """Tasks of saved workflows that use a block."""

    users: tuple[BlockUse, ...]


@record
class Deprecation:
    """Why a version should not be used any more; null takes that back."""

    reason: str | None


@record
class ProjectUse:
    """A project, and what its running tasks hold now."""

    project: Project
    used: Resources


@record
class Projects:
    """All projects of the data pool."""

    projects: tuple[ProjectUse, ...]


@record
class RunMark:
    """Id and state of a run."""

    id: str
    state: RunState


@record
class WorkflowEntry:
    """A workflow, when it starts next (None: not by itself), and its newest run (None: never ran)."""

    workflow: Workflow
    next_start: datetime | None = None
    last_run: RunMark | None = None


@record
class Workflows:
    """Workflows by name."""

    workflows: tuple[WorkflowEntry, ...]


@record
class StartRequest:
    """Values for one run alone, by task and input; the workflow stays as it is."""

    inputs: dict[str, dict[str, Json]] = field(default_factory=dict)


@record
class BackfillRequest:
    """From which time to which the starts of a schedule are asked for, both included; `preview`: only shown."""

    first: datetime
    last: datetime
    preview: bool = False


@record
class RequestedStarts:
    """Starts that wait for their turn, earliest first."""

    starts: tuple[RequestedStart, ...]


@record
class Withdrawn:
    """How many starts were withdrawn."""

    withdrawn: int


@record
class CancelRequest:
    """The task to stop, with all its items; null stops the run."""

    task: str | None = None


@record
class RerunRequest:
    """Whether the new run takes the results of what had succeeded."""

    from_failed: bool = False


@record
class ProposedResources:
    """CPU and memory that past runs suggest; null if none was measured."""

    resources: Resources | None


@record
class RunRequest:
    """A run of one block (``name`` or ``name@version``). `resources` None stands for the block's own."""

    block: str
    inputs: dict[str, Json] = field(default_factory=dict)
    resources: Resources | None = None
    project: str = "default"


@record
class Runs:
    """Runs, newest first, with their tasks."""

    runs: tuple[Run, ...]


@record
class LogPart:
    """Output from the byte that was asked for on; `next` is the byte to ask for next."""

    text: str
    next: int
