"""`Workspace`: every use case, over the parts that `parts` makes. The faces are thin shells over it."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__
from ..errors import BadInput, Conflict, Invalid, LentiqError, NeverFits, NotFound
from ..model import (
    BLOCK_FOLDER,
    RESULT_NOTEBOOK,
    ZERO,
    Block,
    Check,
    Inspection,
    Json,
    LiveKernel,
    Project,
    PublishRequest,
    PublishResult,
    Reporter,
    Resources,
    Run,
    RunState,
    Task,
    TaskRun,
    TaskState,
    Workflow,
    encode,
    split_reference,
)
from ..scheduler import LEASE, Scheduler, check_workflow, first_start, next_start, preview
from .inspecting import inspect_notebook
from .parts import Parts
from .settings import Settings

Notify = Callable[[str, str, str], None]


class Workspace(Parts):
    """The use cases of `interfaces.Service`, in this process.

    Parameters
    ----------
    settings : Settings, or None for `load_settings()`
    notify : callable taking (kind, id, state), or None
        Called from any thread when something changed: a hint to look again.
    clock : callable giving the present as aware UTC
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        notify: Notify | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(settings, clock=clock)
        self._notify: Notify = notify or (lambda kind, name, state: None)
        self._scheduler: Scheduler | None = None
        self._lock = threading.RLock()

    # ---- status ------------------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Json]:
        """See `Service.status`."""
        problems: list[object] = []
        scheduler: str | None = None
        try:
            lease = self.store.lease(LEASE)
            if lease is not None and lease[1] > self._clock():
                scheduler = lease[0]
            else:
                problems.append("No scheduler runs. Start one with: lentiq scheduler")
        except LentiqError as error:
            problems.append(str(error))
        try:
            self.registry.tags("lentiq-status")
        except LentiqError as error:
            problems.append(str(error))
        if self.settings.executor == "docker":
            try:
                self.executors["docker"].find(self.settings.pool)
            except LentiqError as error:
                problems.append(str(error))
        return {
            "version": __version__,
            "home": str(self.settings.folder),
            "registry": self.settings.registry_location,
            "executor": self.settings.executor,
            "scheduler": scheduler,
            "problems": problems,
        }

    # ---- notebooks and blocks ----------------------------------------------------------------------------------------

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
        """See `Service.inspect`."""
        return inspect_notebook(
            Path(path).absolute(),
            cache=self.settings.folder / "cache",
            proof_limit_s=self.settings.proof_limit_s,
            large_bytes=self.settings.large_bytes,
            kernel=kernel,
            no_kernel=no_kernel,
            add=add,
            remove=remove,
            live=live,
        )

    def prepare(self) -> None:
        """Learn what any inspection needs to know: the tables, and the default kernel's environment.

        Raises
        ------
        LentiqError
            As `inspect`, if there is no default kernel.
        """
        with tempfile.TemporaryDirectory(prefix="lentiq-prepare-") as folder:
            path = Path(folder) / "none.ipynb"
            cells = [{"cell_type": "code", "source": "import os", "metadata": {}, "outputs": []}]
            path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}))
            self.inspect(str(path))

    def publish(self, request: PublishRequest, report: Reporter | None = None) -> PublishResult:
        """See `Service.publish`."""
        result = self.publisher.publish(request, report or Reporter())
        self._notify("blocks", result.block.reference, "published")
        return result

    def blocks(self) -> list[Block]:
        """See `Service.blocks`."""
        return self.catalogue.blocks()

    def block_versions(self, name: str) -> list[Block]:
        """See `Service.block_versions`."""
        return self.catalogue.versions(name)

    def block(self, reference: str) -> Block:
        """See `Service.block`."""
        return self.catalogue.block(*split_reference(reference))

    def dockerfile(self, reference: str) -> str:
        """See `Service.dockerfile`."""
        block = self.block(reference)
        return self.catalogue.read_file(block, f"{BLOCK_FOLDER}/Dockerfile".lstrip("/")).decode()

    def build_context(self, reference: str, folder: Path) -> None:
        """Write the Dockerfile of a block and all that its ``docker build`` needs into an empty or new folder.

        Raises
        ------
        BadInput
            If the folder has something in it already.
        """
        if folder.exists() and any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty.", "Name a new folder.")
        block = self.block(reference)
        self.catalogue.extract_folder(block, "block", folder / "block")
        self.catalogue.extract_folder(block, "runner/lentiq", folder / "lentiq")
        (folder / "block" / "Dockerfile").rename(folder / "Dockerfile")

    def remove_block(self, reference: str) -> None:
        """See `Service.remove_block`."""
        block = self.block(reference)
        users = [
            workflow.name
            for workflow, _ in self.store.workflows()
            if any((task.block, task.version) == (block.spec.name, block.version) for task in workflow.tasks)
        ]
        if users:
            raise Conflict(f"{block.reference} is used by {', '.join(users)}.", "Change or delete these first.")
        self.catalogue.remove(block.spec.name, block.version)
        self._notify("blocks", block.reference, "removed")

    # ---- projects and workflows --------------------------------------------------------------------------------------

    def save_project(self, project: Project) -> Project:
        """See `Service.save_project`."""
        self.store.save_project(project)
        return project

    def projects(self) -> list[dict[str, Json]]:
        """See `Service.projects`."""
        active = self.store.runs(active=True)
        found: list[dict[str, Json]] = []
        for project in self.store.projects():
            used = ZERO
            for run in active:
                if run.workflow.project == project.name:
                    for one in run.tasks:
                        used = used + one.task.resources if one.state.holds_resources else used
            found.append({"project": encode(project), "used": encode(used)})
        return found

    def check_workflow(self, workflow: Workflow) -> Check:
        """See `Service.check_workflow`."""
        _, check, _ = self._checked(workflow)
        return check

    def _checked(self, workflow: Workflow) -> tuple[Workflow, Check, bool]:
        """The workflow with pinned versions, what is wrong with it, and whether a task can never fit."""
        blocks: dict[str, Block] = {}
        pinned: list[Task] = []
        for task in workflow.tasks:
            reference = f"{task.block}@{task.version}" if task.version else task.block
            try:
                block = blocks.get(reference) or self.block(reference)
            except NotFound:
                pinned.append(task)
                continue
            blocks[reference] = blocks[block.reference] = block
            pinned.append(dataclasses.replace(task, version=block.version))
        workflow = dataclasses.replace(workflow, tasks=tuple(pinned))
        quota = self.store.project(workflow.project).quota
        known = () if len(blocks) >= len({task.block for task in pinned}) else self._block_names()
        faults, never_fits = check_workflow(workflow, blocks, quota, known_blocks=known)
        starts: tuple[datetime, ...] = ()
        if workflow.schedule is not None and not any(fault.startswith("schedule") for fault in faults):
            starts = tuple(preview(workflow.schedule, self._clock()))
        return workflow, Check(faults=faults, next_starts=starts), never_fits

    def _block_names(self) -> tuple[str, ...]:
        return tuple(block.spec.name for block in self.blocks())

    def save_workflow(self, workflow: Workflow) -> Workflow:
        """See `Service.save_workflow`."""
        pinned, check, never_fits = self._checked(workflow)
        if check.faults:
            if never_fits and len(check.faults) == 1:
                raise NeverFits(f"Workflow {workflow.name} can never run: {check.faults[0]}")
            raise Invalid(f"Workflow {workflow.name} cannot be saved", check.faults)
        now = self._clock()
        upcoming = first_start(pinned.schedule, now) if pinned.schedule else None
        try:
            stored = self.store.workflow(pinned.project, pinned.name)
        except NotFound:
            pass
        else:
            if stored.schedule == pinned.schedule:
                # Saving other changes must not fire a start again that has happened.
                upcoming = next((when for one, when in self.store.workflows(pinned.project) if one.name == pinned.name))
        saved = self.store.save_workflow(pinned, upcoming, now)
        self._changed("workflows", saved.name, "saved")
        return saved

    def workflows(self, project: str | None = None) -> list[dict[str, Json]]:
        """See `Service.workflows`."""
        found: list[dict[str, Json]] = []
        for workflow, upcoming in self.store.workflows(project):
            last = self.store.runs(project=workflow.project, workflow=workflow.name, limit=1)
            found.append(
                {
                    "workflow": encode(workflow),
                    "next_start": encode(None if workflow.paused else upcoming),
                    "last_run": {"id": last[0].id, "state": str(last[0].state)} if last else None,
                }
            )
        return found

    def workflow(self, name: str, project: str = "default") -> Workflow:
        """See `Service.workflow`."""
        return self.store.workflow(project, name)

    def delete_workflow(self, name: str, project: str = "default") -> None:
        """See `Service.delete_workflow`."""
        self.store.delete_workflow(project, name)
        self._changed("workflows", name, "deleted")

    def pause_workflow(self, name: str, project: str = "default", *, paused: bool = True) -> Workflow:
        """See `Service.pause_workflow`. Starts missed while paused are not made up for."""
        now = self._clock()
        workflow = dataclasses.replace(self.store.workflow(project, name), paused=paused)
        upcoming = next_start(workflow.schedule, now) if workflow.schedule else None
        saved = self.store.save_workflow(workflow, upcoming, now)
        self._changed("workflows", name, "paused" if paused else "resumed")
        return saved

    # ---- runs --------------------------------------------------------------------------------------------------------

    def start_workflow(self, name: str, project: str = "default") -> Run:
        """See `Service.start_workflow`."""
        return self._create(self.store.workflow(project, name))

    def run_block(
        self,
        reference: str,
        inputs: Mapping[str, Json],
        *,
        resources: Resources | None = None,
        project: str = "default",
    ) -> Run:
        """See `Service.run_block`."""
        block = self.block(reference)
        task = Task(
            name=block.spec.name,
            block=block.spec.name,
            version=block.version,
            inputs=block.spec.fill(dict(inputs)),
            resources=resources or block.spec.resources,
        )
        run_id = _new_id()
        name = f"{block.spec.name[:40].rstrip('-')}-{run_id[:8]}"
        workflow, check, never_fits = self._checked(Workflow(name=name, project=project, tasks=(task,)))
        if check.faults:
            raise (NeverFits if never_fits else BadInput)(" ".join(check.faults))
        return self._create(workflow, run_id)

    def _create(self, workflow: Workflow, run_id: str | None = None) -> Run:
        run = Run(
            id=run_id or _new_id(),
            workflow=workflow,
            state=RunState.PENDING,
            created_at=self._clock(),
            tasks=(),
            executor=self.settings.executor,
            author=self.settings.author,
        )
        run = dataclasses.replace(
            run, tasks=tuple(TaskRun(run_id=run.id, task=task, state=TaskState.WAITING) for task in workflow.tasks)
        )
        if not self.store.create_run(run):
            raise Conflict(
                f"{workflow.name} has a run that is pending or running.",
                "Wait for it, or cancel it with: lentiq runs cancel",
            )
        self._changed("run", run.id, str(run.state))
        return run

    def runs(self, *, project: str | None = None, workflow: str | None = None, limit: int = 100) -> list[Run]:
        """See `Service.runs`."""
        return self.store.runs(project=project, workflow=workflow, limit=limit)

    def run(self, run_id: str) -> Run:
        """See `Service.run`."""
        return self.store.run(run_id)

    def cancel_run(self, run_id: str) -> Run:
        """See `Service.cancel_run`. Cancelling an ended run changes nothing."""
        self.store.request_cancel(run_id)
        self._changed("run", run_id, "cancelling")
        return self.store.run(run_id)

    def rerun(self, run_id: str) -> Run:
        """See `Service.rerun`."""
        return self._create(self.store.run(run_id).workflow)

    def log(self, run_id: str, task: str, offset: int = 0) -> str:
        """See `Service.log`."""
        run, one = self._task_run(run_id, task)
        try:
            text = self.executors[run.executor].log(one.job_name, offset)
        except NotFound:
            saved = self.results(one) / "log.txt"
            text = saved.read_bytes()[offset:] if saved.is_file() else b""
        # Cut before a character that is not whole yet; the next call brings it.
        for cut in range(4):
            try:
                return text[: len(text) - cut].decode()
            except UnicodeDecodeError:
                continue
        return text.decode(errors="replace")

    def notebook(self, run_id: str, task: str) -> bytes:
        """See `Service.notebook`."""
        run, one = self._task_run(run_id, task)
        folder = self.results(one)
        if one.state is TaskState.RUNNING:
            self.executors[run.executor].collect(one.job_name, folder)
        path = folder / RESULT_NOTEBOOK
        if not path.is_file():
            raise NotFound(f"Task {task} of run {run_id} has no executed notebook yet.", f"It is {one.state}.")
        return path.read_bytes()

    def _task_run(self, run_id: str, task: str) -> tuple[Run, TaskRun]:
        run = self.store.run(run_id)
        for one in run.tasks:
            if one.task.name == task:
                return run, one
        names = ", ".join(one.task.name for one in run.tasks) or "none"
        raise NotFound(f"Run {run_id} has no task {task}.", f"Its tasks: {names}.")

    def results(self, one: TaskRun) -> Path:
        """The folder that a task run's result files are collected in."""
        return self.settings.folder / "runs" / one.run_id / f"{one.task.name}-{one.attempt}"

    # ---- scheduler ---------------------------------------------------------------------------------------------------

    def scheduler(self) -> Scheduler:
        """A scheduler over this workspace's store and executors; the caller runs it."""
        return Scheduler(
            self.store,
            self.executors,
            load_block=self.block,
            environment=self._environment,
            secret=self.secret_store.value,
            results=self.results,
            pool=self.settings.pool,
            tick_s=self.settings.tick_s,
            clock=self._clock,
            new_id=_new_id,
            notify=self._notify,
            holder=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}",
            executor=self.settings.executor,
        )

    def _environment(self, run: Run, one: TaskRun) -> dict[str, str]:
        """The context a task sees."""
        return {
            "LENTIQ_PROJECT": run.workflow.project,
            "LENTIQ_WORKFLOW": run.workflow.name,
            "LENTIQ_RUN_ID": run.id,
            "LENTIQ_TASK": one.task.name,
        }

    # ---- secrets -----------------------------------------------------------------------------------------------------

    def set_secret(self, name: str, value: str, project: str = "default") -> None:
        """Keep the value that tasks of a project get for the secret `name`."""
        self.store.project(project)
        self.secret_store.set(name, value, project)

    def secrets(self, project: str = "default") -> tuple[str, ...]:
        """Names of a project's secrets; their values are for tasks alone."""
        return self.secret_store.names(project)

    def remove_secret(self, name: str, project: str = "default") -> None:
        """Forget a secret. Raises NotFound."""
        self.secret_store.remove(name, project)

    def run_scheduler(self, stop: threading.Event) -> None:
        """Run a scheduler in this thread until `stop`; while another holds the lease it stands by."""
        scheduler = self.scheduler()
        with self._lock:
            self._scheduler = scheduler
        try:
            scheduler.run_forever(stop)
        finally:
            with self._lock:
                self._scheduler = None

    @contextmanager
    def ensure_scheduler(self) -> Iterator[bool]:
        """Have a scheduler for the time of the block: another process's, or a thread of this one.

        Yields
        ------
        bool
            True if this process runs it, so that leaving early leaves tasks to the next scheduler.
        """
        lease = self.store.lease(LEASE)
        if lease is not None and lease[1] > self._clock():
            yield False
            return
        stop = threading.Event()
        thread = threading.Thread(target=self.run_scheduler, args=(stop,), name="lentiq-scheduler", daemon=True)
        thread.start()
        try:
            yield True
        finally:
            stop.set()
            scheduler = self._scheduler
            if scheduler is not None:
                scheduler.wake()
            thread.join(timeout=15)

    def _changed(self, kind: str, name: str, state: str) -> None:
        scheduler = self._scheduler
        if scheduler is not None:
            scheduler.wake()
        self._notify(kind, name, state)


def _new_id() -> str:
    """A run's id: 12 characters of lower-case hexadecimal, 48 random bits."""
    return secrets.token_hex(6)
