"""A Service that lives in memory, for tests of the faces: what it is asked it remembers, what it gives is fixed."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from rich_inspection import RICH, changed

from lentiq_jupyter.errors import BadInput, Conflict, Invalid, NotFound
from lentiq_jupyter.model import (
    DEFAULT_RESOURCES,
    Block,
    BlockDiff,
    BlockKind,
    BlockQuery,
    BlockSpec,
    BlockUse,
    Change,
    Check,
    Drift,
    ImageRequest,
    Input,
    InputType,
    Inspection,
    Json,
    LiveKernel,
    Project,
    PublishRequest,
    PublishResult,
    Reporter,
    RequestedStart,
    Resources,
    Run,
    RunState,
    Step,
    Task,
    TaskRun,
    TaskState,
    Workflow,
    encode,
    split_reference,
)

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
SPEC = BlockSpec(
    name="clean-sales",
    description="Cleans <b>sales</b>",
    inputs=(
        Input(name="country", type=InputType.STR, default="RO"),
        Input(name="limit", type=InputType.INT, required=True),
        Input(name="fast", type=InputType.BOOL, default=False),
        Input(name="options", type=InputType.JSON, default=None),
    ),
    python="3.11",
    notebook="clean.ipynb",
)
BLOCK = Block(
    spec=SPEC,
    version="2",
    image="clean-sales@sha256:" + "a" * 64,
    digest="sha256:" + "a" * 64,
    image_id="sha256:" + "b" * 64,
    created=NOW,
    author="ana",
    size=2048,
)
OLD = dataclasses.replace(BLOCK, version="1")
WORKFLOW = Workflow(
    name="nightly", project="default", tasks=(Task(name="clean", block="clean-sales", inputs={"limit": 3}),)
)
USES = (BlockUse(project="default", workflow="nightly", task="clean", version="2"),)
README = "# Clean sales\n\nReads <script>alert(1)</script> the table \x1b[31mof sales.\n"
DIFF = BlockDiff(
    old=OLD,
    new=BLOCK,
    cells="## modified /cells/0/source:\n-  limit = 1\n+  limit = 2\n",
    inputs=(Change(name="limit", old="int = 1", new="int"),),
    outputs=(Change(name="table", new="output"),),
    packages=(Change(name="pandas", old="2.1.0", new="2.2.0"), Change(name="six", old="1.16.0")),
    files=(Change(name="data.csv", new="sha256:1234 (12 bytes)"),),
    settings=(Change(name="python", old="3.11", new="3.12"),),
    shared_layers=3,
    shared_bytes=1_000_000,
)
METRICS = '# TYPE lentiq_tasks gauge\nlentiq_tasks{project="default",state="RUNNING"} 1\n'
PROPOSED = Resources(cpu_millicores=200, memory_bytes=2**28)
LOG = "începe\nrow 1\nrow 2\n"


class FakeService:
    """See the module. `asked` lists calls as (name, arguments); `hold` keeps a publish going until it is set."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.saved: dict[tuple[str, str], Workflow] = {}
        self.made: dict[str, Run] = {}
        self.requested: list[RequestedStart] = []
        self.hold = threading.Event()
        self.hold.set()
        self.scheduler_ran = False
        self.live: LiveKernel | None = None

    def prepare(self) -> None:
        """Nothing is to be learned."""

    def run_scheduler(self, stop: threading.Event) -> None:
        self.scheduler_ran = True
        stop.wait()

    def tasks_in_hand(self) -> int:
        return sum(len(run.tasks) for run in self.made.values() if not run.state.ended)

    def close(self) -> None:
        self.asked.append(("close", None))

    def status(self) -> dict[str, Json]:
        return {
            "version": "0.1.0",
            "home": "/home/ana/lentiq",
            "author": "ana",
            "registry": "/home/ana/lentiq/registry",
            "executor": "process",
            "scheduler": None,
            "problems": ["No scheduler runs. Start one with: lentiq scheduler"],
            "database": "sqlite:////home/ana/lentiq/lentiq.sqlite",
            "late_s": None,
            "tasks": {"default": {"RUNNING": 1}},
            "pending": {"run": "r1", "task": "clean", "workflow": "nightly", "reason": "needs 1 CPU"},
            "executors": {"process": "up"},
            "isolation": {"process": "namespaces"},
            "notify": ["mailto://example.org: failed"],
        }

    def metrics(self) -> str:
        return METRICS

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
        self.asked.append(("inspect", (path, kernel, no_kernel)))
        self.live = live
        if add or remove:
            self.asked.append(("changes", (add, remove)))
        facts = dataclasses.replace(RICH.facts, kernel=kernel or "")
        return changed(dataclasses.replace(RICH, facts=facts), add, remove)

    def drift(
        self, path: str, *, packages: bool = False, kernel: str | None = None, live: LiveKernel | None = None
    ) -> Drift:
        self.asked.append(("drift", (path, packages, kernel)))
        self.live = live
        changes = (Change(name="pandas", old="2.1", new="2.2"),) if packages else None
        return Drift(block=BLOCK, changed_cells=1, cells="## modified\n", packages=changes)

    def publish(self, request: PublishRequest, report: Reporter) -> PublishResult:
        self.asked.append(("publish", request))
        report.say(Step.ANALYSE, "reading clean.ipynb")
        for done in range(3):
            report.say(Step.BUILD, "sending", done, 2)
        if request.name == "faulty":
            raise Invalid("Not a valid notebook", ("cells[0]: empty",))
        if request.name == "broken":
            raise ZeroDivisionError("a secret detail")
        while not self.hold.wait(0.01):
            report.check()
        report.say(Step.REGISTER, "registering")
        spec = dataclasses.replace(SPEC, name=request.name or SPEC.name)
        block = dataclasses.replace(BLOCK, spec=spec)
        return PublishResult(block=block, bytes_sent=10, bytes_total=20, seconds={"build": 0.5}, notes=("all well",))

    def blocks(self, query: BlockQuery = BlockQuery()) -> list[Block]:  # noqa: B008  # frozen
        if query != BlockQuery():
            self.asked.append(("blocks", query))
        return [] if query.words == "nothing" else [BLOCK]

    def block_versions(self, name: str) -> list[Block]:
        if name != SPEC.name:
            raise NotFound(f"There is no block {name}.", "Publish it first.")
        return [BLOCK, OLD]

    def block(self, reference: str) -> Block:
        name, version = split_reference(reference)
        for one in self.block_versions(name):
            if version in (None, one.version):
                return one
        raise NotFound(f"There is no block {reference}.", "Its versions: 2, 1.")

    def dockerfile(self, reference: str) -> str:
        self.block(reference)
        return "FROM python:3.11-slim\n"

    def readme(self, reference: str) -> str:
        self.block(reference)
        return README

    def sbom(self, reference: str) -> dict[str, Json]:
        if self.block(reference) == OLD:
            raise NotFound(f"Block {OLD.reference} has no list of packages.", "Publish it again with this release.")
        return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}

    def diff_blocks(self, old: str, new: str) -> BlockDiff:
        return dataclasses.replace(DIFF, old=self.block(old), new=self.block(new))

    def block_users(self, reference: str) -> list[BlockUse]:
        name, version = split_reference(reference)
        return [one for one in USES if name == SPEC.name and version in (None, one.version)]

    def deprecate_block(self, reference: str, reason: str | None) -> Block:
        self.asked.append(("deprecate_block", (reference, reason)))
        return dataclasses.replace(self.block(reference), deprecated=reason)

    def remove_block(self, reference: str, *, force: bool = False) -> None:
        if self.block(reference) == BLOCK and not force:
            raise Conflict("Workflow default/nightly uses clean-sales@2.", "Change it first.")
        self.asked.append(("remove_block", (reference, force) if force else reference))

    def block_from_image(self, request: ImageRequest) -> Block:
        self.asked.append(("block_from_image", request))
        spec = BlockSpec(name=request.name, kind=BlockKind.IMAGE, inputs=request.inputs, base=request.image)
        return dataclasses.replace(BLOCK, spec=spec, version=request.version or "1")

    def save_project(self, project: Project) -> Project:
        return project

    def projects(self) -> list[dict[str, Json]]:
        quota = Project(name="default", quota=Resources(cpu_millicores=2000, memory_bytes=2**31))
        return [{"project": encode(quota), "used": encode(DEFAULT_RESOURCES)}]

    def workflow_text(self, workflow: Workflow, base: str | None = None) -> str:
        return base or f"workflow: {workflow.name}\n"

    def read_workflow(self, text: str, project: str = "default") -> Workflow:
        name = text.strip().splitlines()[0].removeprefix("workflow: ")
        if name == "faulty":
            raise Invalid("Not a valid workflow file", ("tasks: missing (line 1)",))
        return dataclasses.replace(WORKFLOW, name=name, project=project, revision=0)

    def check_workflow(self, workflow: Workflow) -> Check:
        faults = () if workflow.tasks else ("tasks: a workflow needs at least one task",)
        return Check(faults=faults, next_starts=(NOW,) if workflow.schedule else ())

    def save_workflow(self, workflow: Workflow) -> Workflow:
        check = self.check_workflow(workflow)
        if check.faults:
            raise Invalid("Not a valid workflow", check.faults)
        saved = dataclasses.replace(workflow, revision=workflow.revision + 1)
        self.saved[workflow.project, workflow.name] = saved
        return saved

    def workflows(self, project: str | None = None) -> list[dict[str, Json]]:
        return [
            {"workflow": encode(one), "next_start": None, "last_run": {"id": "r1", "state": "RUNNING"}}
            for key, one in sorted(self.saved.items())
            if project in (None, key[0])
        ]

    def workflow(self, name: str, project: str = "default") -> Workflow:
        if (project, name) not in self.saved:
            raise NotFound(f"There is no workflow {project}/{name}.", "Save it first.")
        return self.saved[project, name]

    def delete_workflow(self, name: str, project: str = "default") -> None:
        self.workflow(name, project)
        del self.saved[project, name]

    def pause_workflow(self, name: str, project: str = "default", *, paused: bool = True) -> Workflow:
        self.saved[project, name] = dataclasses.replace(self.workflow(name, project), paused=paused)
        return self.saved[project, name]

    def start_workflow(
        self, name: str, project: str = "default", *, inputs: Mapping[str, Mapping[str, Json]] | None = None
    ) -> Run:
        workflow = self.workflow(name, project)
        if inputs:
            self.asked.append(("start_workflow", {task: dict(values) for task, values in inputs.items()}))
            unknown = [task for task in inputs if task not in {one.name for one in workflow.tasks}]
            if unknown:
                raise Invalid("It does not start", tuple(f"tasks.{task}: there is no such task" for task in unknown))
            tasks = (dataclasses.replace(one, inputs={**one.inputs, **inputs[one.name]}) for one in workflow.tasks)
            workflow = dataclasses.replace(workflow, tasks=tuple(tasks))
        return self._start(workflow)

    def backfill_workflow(
        self, name: str, project: str = "default", *, first: datetime, last: datetime, preview: bool = False
    ) -> list[RequestedStart]:
        self.workflow(name, project)
        self.asked.append(("backfill_workflow", (name, project, first, last)))
        if last < first:
            raise BadInput("The backfill ends before it begins.", "Swap the two.")
        starts = [
            RequestedStart(project=project, workflow=name, due_at=due, requested_at=NOW, author="ana")
            for due in dict.fromkeys((first, last))
        ]
        added = [one for one in starts if one not in self.requested]
        self.requested += [] if preview else added
        return added

    def withdraw_backfill(self, name: str, project: str = "default") -> int:
        count = len(self.requested_starts(name, project))
        self.requested = []
        return count

    def requested_starts(self, name: str, project: str = "default") -> list[RequestedStart]:
        self.workflow(name, project)
        return list(self.requested)

    def propose_resources(self, reference: str) -> Resources | None:
        return None if self.block(reference) == OLD else PROPOSED

    def run_block(
        self,
        reference: str,
        inputs: Mapping[str, Json],
        *,
        resources: Resources | None = None,
        project: str = "default",
    ) -> Run:
        block = self.block(reference)
        self.asked.append(("run_block", (reference, dict(inputs), resources, project)))
        task = Task(
            name=block.spec.name,
            block=block.spec.name,
            version=block.version,
            inputs=block.spec.fill(dict(inputs)),
            resources=resources or block.spec.resources,
        )
        return self._start(Workflow(name=block.spec.name, project=project, tasks=(task,)))

    def _start(self, workflow: Workflow) -> Run:
        run_id = f"r{len(self.made) + 1}"
        tasks = tuple(TaskRun(run_id=run_id, task=task, state=TaskState.PENDING) for task in workflow.tasks)
        self.made[run_id] = Run(
            id=run_id, workflow=workflow, state=RunState.PENDING, created_at=NOW, tasks=tasks, author="ana"
        )
        return self.made[run_id]

    def finish(self, run_id: str, state: RunState = RunState.SUCCEEDED) -> None:
        """What a scheduler would do in time."""
        self.made[run_id] = dataclasses.replace(self.made[run_id], state=state, ended_at=NOW)

    def runs(self, *, project: str | None = None, workflow: str | None = None, limit: int = 100) -> list[Run]:
        self.asked.append(("runs", (project, workflow, limit)))
        return list(reversed(self.made.values()))[:limit]

    def run(self, run_id: str) -> Run:
        if run_id not in self.made:
            raise NotFound(f"There is no run {run_id}.", "See the list of runs.")
        return self.made[run_id]

    def cancel_run(self, run_id: str, task: str | None = None) -> Run:
        if task is not None:
            self.asked.append(("cancel_run", (run_id, task)))
            return self.run(run_id)
        self.made[run_id] = dataclasses.replace(self.run(run_id), cancel_requested=True, state=RunState.CANCELLED)
        return self.made[run_id]

    def rerun(self, run_id: str, *, from_failed: bool = False) -> Run:
        old = self.run(run_id)
        if from_failed and not old.state.ended:
            raise Conflict(f"Run {run_id} has not ended; it is {old.state}.", "Wait for its end, or cancel it.")
        made = self._start(old.workflow)
        self.made[made.id] = dataclasses.replace(made, rerun_of=run_id if from_failed else None)
        return self.made[made.id]

    def log(self, run_id: str, task: str, offset: int = 0) -> str:
        self.run(run_id)
        self.asked.append(("log", (run_id, task, offset)))
        return LOG.encode()[offset:].decode()

    def notebook(self, run_id: str, task: str) -> bytes:
        self.run(run_id)
        return b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'
