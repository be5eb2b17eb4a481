"""Every socket of the product on one page: who implements what, and what each method raises.

Implementations live in the room named beside each protocol; `workspace` plugs them together. Nothing
here has behaviour. `Service` at the end is what all faces talk to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from .model import (
    Block,
    BlockDiff,
    BlockQuery,
    BlockUse,
    Check,
    Descriptor,
    Drift,
    Execution,
    Image,
    ImageRequest,
    Inspection,
    Job,
    Json,
    LiveKernel,
    Project,
    PublishRequest,
    PublishResult,
    Recipe,
    Reporter,
    RequestedStart,
    Resources,
    Run,
    RunState,
    TaskRun,
    TaskState,
    Workflow,
)

__all__ = ["LOG_CHUNK_BYTES", "Builder", "Executor", "Registry", "Service", "Store"]

LOG_CHUNK_BYTES = 1 << 20
"""What one look at a job's log gives at most."""


class Registry(Protocol):
    """Content-addressed blobs and manifests, by repository (room `registry`: layout folder, distribution).

    All methods raise Unavailable when the registry or disk does not answer, Denied when it refuses
    (the message names registry, repository and the missing right), NotFound where said.
    """

    location: str
    """What a user calls it: a folder or ``host:port/prefix``."""

    def pull_reference(self, repository: str, digest: str) -> str | None:
        """What ``docker pull`` takes for that image; None where Docker cannot pull from here."""

    def has_blob(self, repository: str, digest: str) -> bool: ...

    def put_blob(
        self,
        repository: str,
        source: Path | bytes,
        digest: str,
        *,
        mount_from: str | None = None,
        ask: bool = True,
        report: Callable[[int], None] | None = None,
    ) -> int:
        """Store a blob unless it is there; returns the bytes that were sent (0: there already, or mounted).

        `mount_from` names a repository of the same registry that may hold it. `ask` False: a server is not asked
        first, which is quicker for what is small and new. `report` gets the bytes of each chunk sent. The digest
        is verified by the receiver.
        """

    def open_blob(self, repository: str, digest: str) -> AbstractContextManager[BinaryIO]:
        """The blob's bytes, as a stream. Raises NotFound."""

    def get_manifest(self, repository: str, reference: str) -> tuple[Descriptor, bytes]:
        """Manifest or index by tag or digest, as stored. Raises NotFound."""

    def put_manifest(self, repository: str, tag: str | None, media_type: str, body: bytes, *, new: bool = False) -> str:
        """Store a manifest (its blobs must be there) and let `tag` name it; returns its digest.

        With `new`, Conflict if the tag exists already: of any number of callers at one instant, on any
        number of machines, one succeeds.
        """

    def attach(
        self,
        repository: str,
        subject: Descriptor,
        artifact_type: str,
        media_type: str,
        body: bytes,
        *,
        alone: bool = False,
    ) -> str:
        """Add a document to a manifest (a referrer, Distribution specification 1.1); returns its manifest's digest.

        The same document twice is one. `subject` describes a manifest of that repository. `alone` promises that
        nobody else adds to it at this time, as to what was registered just now; otherwise a registry that has no
        list of referrers is asked again after a moment.
        """

    def attached(self, repository: str, digest: str, artifact_type: str) -> list[bytes]:
        """Documents of that type added to the manifest `digest`, oldest first where that is known."""

    def tags(self, repository: str) -> list[str]:
        """All tags, unsorted; empty if the repository does not exist."""

    def repositories(self) -> list[str]:
        """All repositories under this registry's prefix, without the prefix."""

    def delete_tag(self, repository: str, tag: str) -> None:
        """Forget one tag. Raises NotFound."""


class Builder(Protocol):
    """Makes an image of a recipe (room `images`: layers, docker)."""

    name: str

    def build(self, recipe: Recipe, sources: Mapping[str, Path], registry: Registry, report: Reporter) -> Image:
        """Build, and send all blobs to repository ``recipe.spec.name`` of `registry`.

        Parameters
        ----------
        sources : mapping of recipe file path to the host path its bytes are read from

        Raises
        ------
        BuildFailed
            With the end of the builder's log. Nothing is visible in the registry then.
        Unavailable, Denied
            From the registry, the Docker engine or the package index.
        Cancelled
            Through `report`.
        """


class Executor(Protocol):
    """Runs jobs (room `executors`: process, docker). Survives the death of whoever called it.

    All methods raise Unavailable when the engine behind it does not answer.
    """

    name: str

    def start(self, job: Job) -> None:
        """Start the job unless one of that name was started before: calling twice is calling once.

        Raises
        ------
        BadInput
            If this executor cannot run such a block (say, an image block without Docker).
        NotFound
            If the image is gone.
        Conflict
            If `forbid` was called for that name.
        """

    def forbid(self, name: str, pool: str) -> bool:
        """Make sure that this name never starts, whoever asks from now on; False if it has been started.

        For a start whose starter may be frozen, and about to go on: what it starts would be an orphan.
        `inspect` gives None for a forbidden name.
        """

    def find(self, pool: str) -> dict[str, Execution]:
        """Everything of that pool this executor knows of, running or ended, by job name."""

    def inspect(self, name: str) -> Execution | None:
        """What is known of one job; None if it was never started."""

    def collect(self, name: str, into: Path) -> None:
        """Copy what the job has written so far (`RESULT_*` files, when they exist) into a folder.

        May be called while it runs; readers of `into` never see half a file.
        """

    def log(self, name: str, offset: int = 0, limit: int = LOG_CHUNK_BYTES) -> bytes:
        """At most `limit` bytes of the job's output from byte `offset` on; empty when there is nothing new.

        Whoever reads on from where the last call ended reads a log once, however long. Raises NotFound.
        """

    def stop(self, name: str, grace_s: float = 10.0) -> None:
        """SIGTERM to all of the job, SIGKILL after `grace_s` seconds; returns at once. Unknown names are ignored."""

    def remove(self, name: str) -> None:
        """Forget an ended job and free what it held. Unknown names are ignored."""

    def subscribe(self, pool: str, ended: Callable[[str], None]) -> Callable[[], None]:
        """Call `ended(name)` from some thread soon after a job of that pool ends; returns what unsubscribes."""


class Store(Protocol):
    """The database (room `store`: SQLAlchemy over SQLite and PostgreSQL). Times are aware UTC.

    All methods raise Unavailable when the database does not answer.
    """

    # projects and workflows
    def save_project(self, project: Project) -> None: ...
    def project(self, name: str) -> Project:
        """Raises NotFound."""

    def projects(self) -> list[Project]: ...

    def save_workflow(
        self, workflow: Workflow, next_start: datetime | None, now: datetime, *, author: str = ""
    ) -> Workflow:
        """Insert or update; returns it with its new revision.

        `workflow.revision` other than 0 must be the stored one. Raises Conflict if it is not, which says who
        saved that ("" if that is not known) and when.
        """

    def workflow(self, project: str, name: str) -> Workflow:
        """Raises NotFound."""

    def workflows(self, project: str | None = None) -> list[tuple[Workflow, datetime | None]]:
        """Workflows with their next start, by name."""

    def next_start(self, project: str, name: str) -> datetime | None:
        """Of one workflow; None if none is to come. Raises NotFound."""

    def last_runs(self, project: str | None = None) -> dict[tuple[str, str], tuple[str, RunState]]:
        """Id and state of the newest run of each workflow that has one, by project and name."""

    def delete_workflow(self, project: str, name: str) -> None:
        """Runs stay. Raises NotFound."""

    def due(self, now: datetime, limit: int = 1000) -> list[tuple[Workflow, datetime]]:
        """Unpaused workflows whose next start is not after `now`, with that start, oldest first."""

    # runs
    def create_run(
        self,
        run: Run,
        *,
        next_start: datetime | None = None,
        expected_start: datetime | None = None,
        answers: RequestedStart | None = None,
        fence: int | None = None,
    ) -> bool:
        """Insert a run with its tasks, and move the workflow's next start, in one transaction.

        With `expected_start` (a due start), nothing happens and False returns if the workflow's next
        start is no longer that: somebody else was faster. With `answers`, that request is taken off its list in
        the same transaction; False if it is not there any more. Unless `run.state` is SKIPPED, False also
        if the workflow has a run pending or running (the no-overlap rule, kept by the database). A run by hand
        (`expected_start` None) leaves the next start as it is. `fence` as in `move_tasks`.
        """

    def create_runs(self, starts: Sequence[tuple[Run, datetime, datetime | None]], *, fence: int | None = None) -> bool:
        """The same for runs of different workflows that are due, all or none, in one transaction.

        Each with its `expected_start` and `next_start`. False if `create_run` would be for one of them.
        """

    def request_starts(self, starts: Sequence[RequestedStart]) -> int:
        """Add starts to those that wait for their turn; returns how many were not there yet. Raises NotFound."""

    def requested_starts(
        self, *, project: str | None = None, workflow: str | None = None, startable: bool = False
    ) -> list[RequestedStart]:
        """Starts that wait, by `due_at`. `startable`: the earliest of each unpaused workflow without an active run."""

    def withdraw_starts(self, project: str, workflow: str) -> int:
        """Forget the starts of a workflow that wait; returns how many there were."""

    def run(self, run_id: str) -> Run:
        """With its tasks. Raises NotFound."""

    def runs(
        self, *, project: str | None = None, workflow: str | None = None, active: bool = False, limit: int = 100
    ) -> list[Run]:
        """Newest first, with their tasks. `active`: only pending and running ones, without limit."""

    def has_active_run(self, project: str, workflow: str) -> bool: ...

    def active_versions(self) -> dict[str, int]:
        """Ids of runs pending or running, each with a number that grows when somebody asks to cancel in it.

        So whoever moves runs keeps them in memory, and reads again only those that others touched.
        """

    def move_tasks(
        self, moves: Sequence[tuple[TaskRun, TaskRun]], *, new: Sequence[TaskRun] = (), fence: int | None = None
    ) -> bool:
        """Compare-and-set of several task runs of one or several runs, all or none, in one transaction.

        Each pair is (task run as known, as it is to be): if the stored state of that attempt is not the known
        one, nothing is stored and False returns. `new` are inserted: items of a `foreach`, next attempts; what is
        there already makes it False. A task run may be moved twice, in order. `cancel_requested` of a stored task
        run is never taken back.

        Parameters
        ----------
        fence : int or None
            The number that `take_lease` gave for the lease `scheduler`; None writes without one.

        Raises
        ------
        ValueError
            If `MOVES` does not allow a move. Equal states are allowed: they update reason, progress and figures.
        LeaseLost
            If the lease has another number by now.
        """

    def move_run(
        self,
        run_id: str,
        state: RunState,
        to: RunState,
        *,
        at: datetime,
        reason: str = "",
        fence: int | None = None,
    ) -> bool:
        """Compare-and-set of a run's state; sets `started_at` at RUNNING and `ended_at` at an end.

        `fence` as in `move_tasks`.
        """

    def move_runs(
        self, moves: Sequence[tuple[str, RunState, RunState, str]], *, at: datetime, fence: int | None = None
    ) -> bool:
        """The same for several, one after another in one transaction, all or none: id, state, new state, reason."""

    def request_cancel(self, run_id: str, task: str | None = None) -> bool:
        """Mark a run, or all items and attempts of one task in it, for cancelling; False if that has ended.

        Raises NotFound if there is no such run or task.
        """

    def find_result(self, project: str, fingerprint: str) -> TaskRun | None:
        """The newest task run of that project that succeeded with that fingerprint; None if there is none."""

    def usage(self, block: str, version: str, limit: int = 20) -> list[TaskRun]:
        """The newest task runs of that block version that succeeded by being executed, newest first."""

    # retention
    def ended_runs(self, *, before: datetime | None = None, keep: int | None = None, limit: int = 1000) -> list[Run]:
        """Runs that retention may forget, oldest first.

        Parameters
        ----------
        before : datetime or None
            Those that ended before; None: whenever.
        keep : int or None
            Of each saved workflow the newest so many ended runs are never given; None: no number is kept. Runs
            outside any (of a block, of a deleted workflow) go by their age alone: never without `before`.
        """

    def taken_results(self) -> list[tuple[str, str]]:
        """Id of the run and `reused_from`, of every task run that took an earlier result."""

    def delete_runs(self, ids: Sequence[str]) -> int:
        """Forget ended runs with their tasks; returns how many. Ids of others are ignored."""

    def count_tasks(self) -> dict[tuple[str, TaskState], int]:
        """Task runs of active runs, by project and state; groups of a `foreach` are not counted."""

    def changes(self) -> int:
        """A number that grows with every write a scheduler in another process should hear of.

        New runs, requests to cancel, requested starts, saved or deleted workflows, saved projects; not moves of
        tasks and runs. Reading it is cheap, so that it may be asked every second.
        """

    # lease
    def take_lease(
        self, name: str, holder: str, now: datetime, ttl_s: float, *, stalled: int | None = None
    ) -> int | None:
        """Take or renew; returns the fencing number (constant while one holder renews), None if another holds it.

        `stalled` is a `lease_beat` that the caller has seen unchanged for the whole time to live, by a clock
        that nobody sets: whoever holds it is then dead or frozen, whatever the expiry says.
        """

    def lease_beat(self, name: str) -> int:
        """A number that grows with every renewal; 0 if nobody ever held it."""

    def release_lease(self, name: str, holder: str) -> None: ...

    def lease(self, name: str) -> tuple[str, datetime] | None:
        """Holder and expiry; None if nobody ever held it or it was released."""

    def close(self) -> None: ...


class Service(Protocol):
    """All use cases, as the faces see them: `workspace.Workspace`, and its HTTP twin `client.Client`.

    Arguments are records and plain values. Everything raises the errors of `errors`.
    """

    def status(self) -> dict[str, Json]:
        """What is up, what is not, what to do.

        Keys: ``version``, ``home``, ``registry``, ``executor``, ``scheduler``, ``problems`` (a list of sentences),
        ``tasks`` (``{project: {state: count}}`` of active runs), ``late_s`` (seconds since the scheduler's last
        renewal of its lease, null without one).
        """

    def metrics(self) -> str:
        """Figures in the text format of Prometheus."""

    # notebooks and blocks
    def inspect(
        self,
        path: str,
        *,
        kernel: str | None = None,
        no_kernel: bool = False,
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
        live: LiveKernel | None = None,
    ) -> Inspection:
        """What publishing that notebook would find; nothing is executed.

        `add` and `remove` as in `PublishRequest`. `live` is what the notebook's running kernel says; a
        server asks it itself where None is given.
        """

    def drift(
        self, path: str, *, packages: bool = False, kernel: str | None = None, live: LiveKernel | None = None
    ) -> Drift:
        """How a notebook file stands to the block that was made of it.

        `packages` also asks the kernel, as `inspect` does, which takes about a second. Raises NotFound if there is
        no such file.
        """

    def publish(self, request: PublishRequest, report: Reporter) -> PublishResult: ...
    def blocks(self, query: BlockQuery = BlockQuery()) -> list[Block]:  # noqa: B008  # frozen
        """The newest version of every block that the query matches, by name."""

    def block_versions(self, name: str) -> list[Block]:
        """All versions, newest first. Raises NotFound."""

    def block(self, reference: str) -> Block:
        """``name`` or ``name@version``. Raises NotFound."""

    def dockerfile(self, reference: str) -> str: ...
    def readme(self, reference: str) -> str:
        """Markdown: the block's README.md, else the text above the notebook's first code cell; "" if neither is there.

        Whoever shows it must not trust it.
        """

    def sbom(self, reference: str) -> dict[str, Json]:
        """The block's list of packages (CycloneDX JSON). Raises NotFound if none is attached."""

    def diff_blocks(self, old: str, new: str) -> BlockDiff: ...
    def block_users(self, reference: str) -> list[BlockUse]:
        """Tasks of saved workflows that use a block, of that version where the reference names one."""

    def deprecate_block(self, reference: str, reason: str | None) -> Block:
        """Say that a version should not be used any more; None takes that back. Runs and workflows go on."""

    def remove_block(self, reference: str, *, force: bool = False) -> None:
        """One version. Conflict, with the names, while a workflow uses it, unless `force`."""

    def block_from_image(self, request: ImageRequest) -> Block:
        """Make a block of an existing image, pinned by its digest; nothing is copied or run."""

    # workflows and runs
    def save_project(self, project: Project) -> Project: ...
    def projects(self) -> list[dict[str, Json]]:
        """``{"project": …, "used": Resources}`` each."""

    def workflow_text(self, workflow: Workflow, base: str | None = None) -> str:
        """The workflow as a YAML file; nothing is stored.

        `base` is the file as it was: its comments, order and words stay, but for what changed. None writes anew.
        """

    def read_workflow(self, text: str, project: str = "default") -> Workflow:
        """The workflow that a YAML file describes, `project` where that names none; nothing is stored.

        Raises Invalid, with every fault and its line.
        """

    def check_workflow(self, workflow: Workflow) -> Check: ...
    def save_workflow(self, workflow: Workflow) -> Workflow:
        """Pins versions, validates, stores. Raises Invalid, NeverFits, Conflict."""

    def workflows(self, project: str | None = None) -> list[dict[str, Json]]:
        """``{"workflow": …, "next_start": … or null, "last_run": {"id", "state"} or null}`` each."""

    def workflow(self, name: str, project: str = "default") -> Workflow: ...
    def delete_workflow(self, name: str, project: str = "default") -> None: ...
    def pause_workflow(self, name: str, project: str = "default", *, paused: bool = True) -> Workflow: ...
    def start_workflow(
        self, name: str, project: str = "default", *, inputs: Mapping[str, Mapping[str, Json]] | None = None
    ) -> Run:
        """Start now. Conflict if a run of it is pending or running.

        `inputs` are values for this run alone, by task and input.
        """

    def backfill_workflow(
        self, name: str, project: str = "default", *, first: datetime, last: datetime, preview: bool = False
    ) -> list[RequestedStart]:
        """Ask for a run for each start that the schedule has from `first` to `last`; returns those that were added.

        With `preview` nothing is asked for: those are returned that would be added.

        They run one after another, earliest first, whenever no other run of the workflow is active. Starts
        that have a run already, or wait, are left out.
        """

    def withdraw_backfill(self, name: str, project: str = "default") -> int:
        """Forget the starts of a backfill that still wait; returns how many."""

    def requested_starts(self, name: str, project: str = "default") -> list[RequestedStart]:
        """The starts of a backfill that still wait, earliest first."""

    def propose_resources(self, reference: str) -> Resources | None:
        """CPU and memory that past runs of a block suggest; None if none was measured."""

    def run_block(
        self,
        reference: str,
        inputs: Mapping[str, Json],
        *,
        resources: Resources | None = None,
        project: str = "default",
    ) -> Run:
        """A run of one block, outside any workflow; it waits for quota as any other."""

    def runs(self, *, project: str | None = None, workflow: str | None = None, limit: int = 100) -> list[Run]: ...
    def run(self, run_id: str) -> Run: ...
    def cancel_run(self, run_id: str, task: str | None = None) -> Run:
        """Ask to stop a run, or one task in it (with all its items)."""

    def rerun(self, run_id: str, *, from_failed: bool = False) -> Run:
        """A new run of the definition that run used. `from_failed` takes the results of what had succeeded."""

    def log(self, run_id: str, task: str, offset: int = 0) -> str:
        """Output of one task from character-safe byte `offset` on.

        `task` is a `TaskRun.label` (the newest attempt), or ``label@attempt``.
        """

    def notebook(self, run_id: str, task: str) -> bytes:
        """The executed notebook as far as it is; `task` as in `log`. Raises NotFound."""
