"""The use cases about projects and workflows: save, check, list, pause, backfill."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from ..errors import BadInput, Invalid, NeverFits, NotFound
from ..model import ZERO, Block, Check, Json, Project, RequestedStart, RunState, Task, Workflow, encode
from ..scheduler import check_workflow, clock_change, first_start, next_start, preview, starts_between
from .block_cases import BlockCases
from .image_request import unrunnable

# Runs that are read at first when looking for those that answered a start; then four times as many.
WINDOW = 1000
_CLOCKS = timedelta(days=1)


class WorkflowCases(BlockCases):
    """The part of `Workspace` that knows what is to run, and when; parameters as there."""

    def _changed(self, kind: str, name: str, state: str) -> None:
        """Say that something changed that a scheduler, or whoever looks on, should see."""
        self._notify(kind, name, state)

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
                        used = used + one.task.resources if one.holds_resources else used
            found.append({"project": encode(project), "used": encode(used)})
        return found

    def workflow_text(self, workflow: Workflow, base: str | None = None) -> str:
        """See `Service.workflow_text`."""
        from .workflow_file import write_workflow
        from .workflow_rewriting import rewrite_workflow

        return write_workflow(workflow) if base is None else rewrite_workflow(workflow, base)

    def read_workflow(self, text: str, project: str = "default") -> Workflow:
        """See `Service.read_workflow`."""
        from .workflow_file import read_workflow

        return read_workflow(text, project=project)

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
        faults += unrunnable(workflow, blocks, self.settings.executor)
        starts: tuple[datetime, ...] = ()
        changes: tuple[str, ...] = ()
        if workflow.schedule is not None and not any(fault.startswith("schedule") for fault in faults):
            starts = tuple(preview(workflow.schedule, self._clock()))
            changes = tuple(clock_change(workflow.schedule, start) for start in starts)
        return workflow, Check(faults=faults, next_starts=starts, clock_changes=changes), never_fits

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
                upcoming = self.store.next_start(pinned.project, pinned.name)
        saved = self.store.save_workflow(pinned, upcoming, now, author=self.settings.author)
        self._changed("workflows", saved.name, "saved")
        return saved

    def workflows(self, project: str | None = None) -> list[dict[str, Json]]:
        """See `Service.workflows`."""
        found: list[dict[str, Json]] = []
        runs = self.store.last_runs(project)
        for workflow, upcoming in self.store.workflows(project):
            last = runs.get((workflow.project, workflow.name))
            found.append(
                {
                    "workflow": encode(workflow),
                    "next_start": encode(None if workflow.paused else upcoming),
                    "last_run": {"id": last[0], "state": str(last[1])} if last else None,
                }
            )
        return found

    def workflow(self, name: str, project: str = "default") -> Workflow:
        """See `Service.workflow`."""
        return self.store.workflow(project, name)

    def delete_workflow(self, name: str, project: str = "default") -> None:
        """See `Service.delete_workflow`. Its runs stay, and go on; starts of a backfill that wait are withdrawn."""
        self.store.withdraw_starts(project, name)
        self.store.delete_workflow(project, name)
        self._changed("workflows", name, "deleted")

    def pause_workflow(self, name: str, project: str = "default", *, paused: bool = True) -> Workflow:
        """See `Service.pause_workflow`. Starts missed while paused are not made up for.

        What runs goes on. Starts of a backfill are kept, and wait until the workflow is resumed.
        """
        now = self._clock()
        workflow = dataclasses.replace(self.store.workflow(project, name), paused=paused)
        upcoming = next_start(workflow.schedule, now) if workflow.schedule else None
        saved = self.store.save_workflow(workflow, upcoming, now)
        self._changed("workflows", name, "paused" if paused else "resumed")
        return saved

    # ---- backfill ----------------------------------------------------------------------------------------------------

    def backfill_workflow(
        self, name: str, project: str = "default", *, first: datetime, last: datetime, preview: bool = False
    ) -> list[RequestedStart]:
        """See `Service.backfill_workflow`. Starts that the schedule itself will answer are left to it.

        So are those to come. A start that was held back (a SKIPPED row) counts as one without a run.

        Raises
        ------
        BadInput
            If the workflow has no schedule; as `scheduler.starts_between`.
        """
        now = self._clock()
        workflow, upcoming = self.store.workflow(project, name), self.store.next_start(project, name)
        if workflow.schedule is None:
            raise BadInput(f"Workflow {name} has no schedule.", f"Start it with: lentiq workflow start {name}")
        found = starts_between(workflow.schedule, first, last)
        answered = self._answered(name, project, first)
        known = {one.due_at for one in self.store.requested_starts(project=project, workflow=name)}
        asked = [
            RequestedStart(project=project, workflow=name, due_at=start, requested_at=now, author=self.settings.author)
            for start in found
            if start <= now
            and start not in answered | known
            and (workflow.paused or upcoming is None or start < upcoming)
        ]
        if asked and not preview:
            self.store.request_starts(asked)
            self._changed("workflows", name, "backfill")
        return asked

    def _answered(self, name: str, project: str, first: datetime) -> set[datetime | None]:
        """The starts from `first` on that a run answered.

        No run is older than the start it answers, but for clocks that differ; so older ones need not be read.
        """
        limit = WINDOW
        while True:
            found = self.store.runs(project=project, workflow=name, limit=limit)
            if len(found) < limit or found[-1].created_at < first - _CLOCKS:
                return {run.due_at for run in found if run.state is not RunState.SKIPPED}
            limit *= 4

    def withdraw_backfill(self, name: str, project: str = "default") -> int:
        """See `Service.withdraw_backfill`. Raises NotFound if there is no such workflow."""
        self.store.workflow(project, name)
        count = self.store.withdraw_starts(project, name)
        self._changed("workflows", name, "backfill withdrawn")
        return count

    def requested_starts(self, name: str, project: str = "default") -> list[RequestedStart]:
        """See `Service.requested_starts`. Raises NotFound if there is no such workflow."""
        self.store.workflow(project, name)
        return self.store.requested_starts(project=project, workflow=name)
