"""``workflows``: save, check, start, pause, backfill."""

from __future__ import annotations

from ..errors import BadInput
from ..model import Check, Run, Workflow, decode
from .call import Call
from .documents import (
    BackfillRequest,
    RequestedStarts,
    StartRequest,
    Withdrawn,
    WorkflowFile,
    Workflows,
    WorkflowText,
    WorkflowToWrite,
)


def list_workflows(call: Call, project: str | None = None) -> Workflows:
    """Workflows with their next start and newest run."""
    return decode(Workflows, {"workflows": call.service.workflows(project)})


def check_workflow(call: Call, body: Workflow) -> Check:
    """What saving this workflow would say; nothing is stored."""
    return call.service.check_workflow(body)


def write_workflow(call: Call, body: WorkflowToWrite) -> WorkflowText:
    """A workflow as a YAML file, or written into one that there was; nothing is stored."""
    return WorkflowText(text=call.service.workflow_text(body.workflow, body.base))


def read_workflow(call: Call, body: WorkflowFile) -> Workflow:
    """The workflow that a YAML file describes; nothing is stored."""
    return call.service.read_workflow(body.text, body.project)


def get_workflow(call: Call, project: str, name: str) -> Workflow:
    """One workflow."""
    return call.service.workflow(name, project)


def save_workflow(call: Call, project: str, name: str, body: Workflow) -> Workflow:
    """Check and store a workflow; its revision must be the stored one, or 0."""
    if (body.project, body.name) != (project, name):
        raise BadInput(
            f"The address names workflow {project}/{name}, the document {body.project}/{body.name}.",
            "Make them the same.",
        )
    return call.service.save_workflow(body)


def delete_workflow(call: Call, project: str, name: str) -> None:
    """Delete a workflow and the starts of its backfill; its runs stay."""
    call.service.delete_workflow(name, project)


def start_workflow(call: Call, project: str, name: str, body: StartRequest = StartRequest()) -> Run:  # noqa: B008
    """Start now; a conflict while a run of it is pending or running."""
    return call.service.start_workflow(name, project, inputs=body.inputs)


def backfill_workflow(call: Call, project: str, name: str, body: BackfillRequest) -> RequestedStarts:
    """Ask for a run for each start that the schedule has in that time, one after another."""
    return RequestedStarts(
        starts=tuple(
            call.service.backfill_workflow(name, project, first=body.first, last=body.last, preview=body.preview)
        )
    )


def list_requested_starts(call: Call, project: str, name: str) -> RequestedStarts:
    """The starts of a backfill that still wait."""
    return RequestedStarts(starts=tuple(call.service.requested_starts(name, project)))


def withdraw_backfill(call: Call, project: str, name: str) -> Withdrawn:
    """Forget the starts of a backfill that still wait."""
    return Withdrawn(withdrawn=call.service.withdraw_backfill(name, project))


def pause_workflow(call: Call, project: str, name: str) -> Workflow:
    """Hold back its scheduled starts."""
    return call.service.pause_workflow(name, project, paused=True)


def resume_workflow(call: Call, project: str, name: str) -> Workflow:
    """Let its scheduled starts happen again."""
    return call.service.pause_workflow(name, project, paused=False)
