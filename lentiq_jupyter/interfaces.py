"""Every socket of the product on one page: who implements what, and what each method raises.

Implementations live in the room named beside each protocol; `workspace` plugs them together. Nothing
here has behaviour. `Service` at the end is what all faces talk to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from .model import (
    Block,
    Check,
    Descriptor,
    Execution,
    Image,
    Inspection,
    Job,
    Json,
    LiveKernel,
    Project,
    PublishRequest,
    PublishResult,
    Recipe,
    Reporter,
    Resources,
    Run,
    RunState,
    TaskRun,
    Workflow,
)

__all__ = ["Builder", "Executor", "Registry", "Service", "Store"]


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
        report: Callable[[int], None] | None = None,
    ) -> int:
        """Store a blob unless it is there; returns the bytes that were sent (0: there already, or mounted).

        `mount_from` names a repository of the same registry that may hold it. `report` gets the bytes
        of each chunk sent. The digest is verified by the receiver.
        """

    def open_blob(self, repository: str, digest: str) -> AbstractContextManager[BinaryIO]:
        """The blob's bytes, as a stream. Raises NotFound."""

    def get_manifest(self, repository: str, reference: str) -> tuple[Descriptor, bytes]:
        """Manifest or index by tag or digest, as stored. Raises NotFound."""

    def put_manifest(self, repository: str, tag: str | None, media_type: str, body: bytes, *, new: bool = False) -> str:
        """Store a manifest (its blobs must be there) and let `tag` name it; returns its digest.

        With `new`, Conflict if the tag exists already; the layout guarantees that under a lock, a
        distribution registry checks just before (it has no compare-and-set).
        """

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
        """

    def find(self, pool: str) -> dict[str, Execution]:
        """Everything of that pool this executor knows of, running or ended, by job name."""

    def inspect(self, name: str) -> Execution | None:
        """What is known of one job; None if it was never started."""

    def collect(self, name: str, into: Path) -> None:
        """Copy what the job has written so far (`RESULT_*` files, when they exist) into a folder.

        May be called while it runs; readers of `into` never see half a file.
        """

    def log(self, name: str, offset: int = 0) -> bytes:
        """The job's output from byte `offset` on; empty when there is nothing new. Raises NotFound."""

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

    def save_workflow(self, workflow: Workflow, next_start: datetime | None, now: datetime) -> Workflow:
        """Insert or update; returns it with its new revision.

        `workflow.revision` other than 0 must be the stored one. Raises Conflict if it is not.
        """

    def workflow(self, project: str, name: str) -> Workflow:
        """Raises NotFound."""

    def workflows(self, project: str | None = None) -> list[tuple[Workflow, datetime | None]]:
        """Workflows with their next start, by name."""

    def delete_workflow(self, project: str, name: str) -> None:
        """Runs stay. Raises NotFound."""

    def due(self, now: datetime, limit: int = 1000) -> list[tuple[Workflow, datetime]]:
        """Unpaused workflows whose next start is not after `now`, with that start, oldest first."""

    # runs
    def create_run(
        self, run: Run, *, next_start: datetime | None = None, expected_start: datetime | None = None
    ) -> bool:
        """Insert a run with its tasks, and move the workflow's next start, in one transaction.

        With `expected_start` (a due start), nothing happens and False returns if the workflow's next
        start is no longer that: somebody else was faster. Unless `run.state` is SKIPPED, False also
        if the workflow has a run pending or running (the no-overlap rule, kept by the database). A run by hand
        (`expected_start` None) leaves the next start as it is.
        """

    def run(self, run_id: str) -> Run:
        """With its tasks. Raises NotFound."""

    def runs(
        self, *, project: str | None = None, workflow: str | None = None, active: bool = False, limit: int = 100
    ) -> list[Run]:
        """Newest first, with their tasks. `active`: only pending and running ones, without limit."""

    def has_active_run(self, project: str, workflow: str) -> bool: ...

    def move_task(self, task: TaskRun, to: TaskRun) -> bool:
        """Compare-and-set: if the stored state is `task.state` (of that attempt), store `to`; else False.

        Raises ValueError if `MOVES` does not allow it. Equal states are allowed: they update reason,
        progress and figures.
        """

    def move_run(self, run_id: str, state: RunState, to: RunState, *, at: datetime, reason: str = "") -> bool:
        """Compare-and-set of a run's state; sets `started_at` at RUNNING and `ended_at` at an end."""

    def request_cancel(self, run_id: str) -> bool:
        """Mark a run for cancelling; False if it has ended. Raises NotFound."""

    def changes(self) -> int:
        """A number that grows with every write a scheduler in another process should hear of.

        New runs, requests to cancel, saved or deleted workflows, saved projects; not moves of tasks and
        runs. Reading it is cheap, so that it may be asked every second.
        """

    # lease
    def take_lease(self, name: str, holder: str, now: datetime, ttl_s: float) -> int | None:
        """Take or renew; returns the fencing number (constant while one holder renews), None if another holds it."""

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

        Keys: ``version``, ``home``, ``registry``, ``executor``, ``scheduler``, ``problems`` (a list of sentences).
        """

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

    def publish(self, request: PublishRequest, report: Reporter) -> PublishResult: ...
    def blocks(self) -> list[Block]:
        """The newest version of every block, by name."""

    def block_versions(self, name: str) -> list[Block]:
        """All versions, newest first. Raises NotFound."""

    def block(self, reference: str) -> Block:
        """``name`` or ``name@version``. Raises NotFound."""

    def dockerfile(self, reference: str) -> str: ...
    def remove_block(self, reference: str) -> None:
        """One version. Conflict while a workflow uses it."""

    # workflows and runs
    def save_project(self, project: Project) -> Project: ...
    def projects(self) -> list[dict[str, Json]]:
        """``{"project": …, "used": Resources}`` each."""

    def check_workflow(self, workflow: Workflow) -> Check: ...
    def save_workflow(self, workflow: Workflow) -> Workflow:
        """Pins versions, validates, stores. Raises Invalid, NeverFits, Conflict."""

    def workflows(self, project: str | None = None) -> list[dict[str, Json]]:
        """``{"workflow": …, "next_start": … or null, "last_run": {"id", "state"} or null}`` each."""

    def workflow(self, name: str, project: str = "default") -> Workflow: ...
    def delete_workflow(self, name: str, project: str = "default") -> None: ...
    def pause_workflow(self, name: str, project: str = "default", *, paused: bool = True) -> Workflow: ...
    def start_workflow(self, name: str, project: str = "default") -> Run:
        """Start now. Conflict if a run of it is pending or running."""

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
    def cancel_run(self, run_id: str) -> Run: ...
    def rerun(self, run_id: str) -> Run:
        """A new run of the definition that run used."""

    def log(self, run_id: str, task: str, offset: int = 0) -> str:
        """Output of one task from character-safe byte `offset` on."""

    def notebook(self, run_id: str, task: str) -> bytes:
        """The executed notebook as far as it is. Raises NotFound."""
