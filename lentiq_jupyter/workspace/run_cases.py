"""The use cases about runs: start, look at, cancel, run again, read logs and executed notebooks."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from ..errors import BadInput, Conflict, Invalid, NeverFits, NotFound
from ..interfaces import LOG_CHUNK_BYTES
from ..model import RESULT_NOTEBOOK, BlockKind, Json, Resources, Run, RunState, Task, TaskRun, TaskState, Workflow
from ..scheduler import propose
from .repeating import repeated_tasks, with_inputs
from .task_address import executed_job, find_task, log_text, no_group, result_folder
from .workflow_cases import WorkflowCases

_LOG = "log.txt"


class RunCases(WorkflowCases):
    """The part of `Workspace` that starts runs and shows them; parameters as there."""

    def start_workflow(
        self, name: str, project: str = "default", *, inputs: Mapping[str, Mapping[str, Json]] | None = None
    ) -> Run:
        """See `Service.start_workflow`. Raises Invalid, with all faults, for values that do not fit."""
        workflow = self.store.workflow(project, name)
        if inputs:
            workflow, faults = with_inputs(workflow, inputs)
            _, check, _ = self._checked(workflow)
            places = tuple(f"tasks.{task}.inputs." for task in inputs)
            faults += tuple(fault for fault in check.faults if fault.startswith(places))
            if faults:
                raise Invalid(f"Workflow {name} does not start with these inputs", faults)
        return self._create(workflow)

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
        run_id = new_id()
        name = f"{block.spec.name[:40].rstrip('-')}-{run_id[:8]}"
        workflow, check, never_fits = self._checked(Workflow(name=name, project=project, tasks=(task,)))
        if check.faults:
            raise (NeverFits if never_fits else BadInput)(" ".join(check.faults))
        return self._create(workflow, run_id)

    def _create(
        self,
        workflow: Workflow,
        run_id: str | None = None,
        *,
        tasks: Sequence[TaskRun] | None = None,
        rerun_of: str | None = None,
        due_at: datetime | None = None,
    ) -> Run:
        run_id = run_id or new_id()
        if tasks is None:
            tasks = [TaskRun(run_id=run_id, task=task, state=TaskState.WAITING) for task in workflow.tasks]
        run = Run(
            id=run_id,
            workflow=workflow,
            state=RunState.PENDING,
            created_at=self._clock(),
            tasks=tuple(tasks),
            due_at=due_at,
            executor=self.settings.executor,
            author=self.settings.author,
            rerun_of=rerun_of,
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

    def cancel_run(self, run_id: str, task: str | None = None) -> Run:
        """See `Service.cancel_run`. Cancelling what has ended changes nothing."""
        self.store.request_cancel(run_id, task)
        self._changed("run", run_id, "cancelling")
        return self.store.run(run_id)

    def rerun(self, run_id: str, *, from_failed: bool = False) -> Run:
        """See `Service.rerun`. The new run stands for the same time (`due_at`) as the old one.

        Raises
        ------
        Conflict
            With `from_failed`, if the run goes on, or neither failed nor was cancelled.
        """
        old = self.store.run(run_id)
        if not from_failed:
            return self._create(old.workflow, due_at=old.due_at)
        if not old.state.ended:
            raise Conflict(f"Run {run_id} has not ended; it is {old.state}.", "Wait for its end, or cancel it.")
        if old.state not in (RunState.FAILED, RunState.CANCELLED):
            raise Conflict(f"Run {run_id} did not fail; it is {old.state}.", "Run all of it again.")
        made = new_id()
        return self._create(old.workflow, made, tasks=repeated_tasks(old, made), rerun_of=old.id, due_at=old.due_at)

    def propose_resources(self, reference: str) -> Resources | None:
        """See `Service.propose_resources`. Raises NotFound if there is no such block."""
        block = self.block(reference)
        return propose(self.store.usage(block.spec.name, block.version), block.spec.resources)

    # ---- what a task run has left ------------------------------------------------------------------------------------

    def log(self, run_id: str, task: str, offset: int = 0) -> str:
        """See `Service.log`. At most `LOG_CHUNK_BYTES` at once: read on until nothing comes."""
        run, one = self._executed(run_id, task)
        final = False
        try:
            data = self.executors[run.executor].log(executed_job(one)[1], offset)
            final = one.state.ended
        except NotFound:
            path = self.results(one) / _LOG
            data = b""
            if path.is_file():
                with path.open("rb") as file:
                    file.seek(offset)
                    data = file.read(LOG_CHUNK_BYTES)
                final = True
        # A character may be cut by the end of the chunk only where more is to come.
        return log_text(data, final=final and len(data) < LOG_CHUNK_BYTES)

    def notebook(self, run_id: str, task: str) -> bytes:
        """See `Service.notebook`."""
        run, one = self._executed(run_id, task)
        folder = self.results(one)
        if one.state is TaskState.RUNNING:
            self.executors[run.executor].collect(one.job_name, folder)
        path = folder / RESULT_NOTEBOOK
        if not path.is_file():
            if self._is_image(one):
                raise NotFound(f"Task {task} runs an image, which has no notebook.", "Look at its log and outputs.")
            raise NotFound(f"Task {task} of run {run_id} has no executed notebook yet.", f"It is {one.state}.")
        return path.read_bytes()

    def _is_image(self, one: TaskRun) -> bool:
        """Whether the block of a task run is an image; False if the block is gone."""
        try:
            return self.catalogue.block(one.task.block, one.task.version).spec.kind is BlockKind.IMAGE
        except NotFound:
            return False

    def _executed(self, run_id: str, address: str) -> tuple[Run, TaskRun]:
        """The task run of that address, and the run it was executed in: another one if its result was taken from there.

        Raises
        ------
        NotFound
            As `find_task`; or if it stands for all items of a task, or that other run is gone.
        """
        run = self.store.run(run_id)
        one = find_task(run, address)
        no_group(run, one)
        executed_in, _ = executed_job(one)
        if executed_in == run_id:
            return run, one
        try:
            return self.store.run(executed_in), one
        except NotFound as error:
            raise NotFound(
                f"Task {address} of run {run_id} took its result from run {executed_in}, which is not kept any more.",
                "Its outputs are kept; run the block again for a log and a notebook.",
            ) from error

    def results(self, one: TaskRun) -> Path:
        """The folder of a task run's result files; of the earlier one whose result it took."""
        return self.settings.folder / "runs" / result_folder(one)


def new_id() -> str:
    """A run's id: 12 characters of lower-case hexadecimal, 48 random bits."""
    return secrets.token_hex(6)
