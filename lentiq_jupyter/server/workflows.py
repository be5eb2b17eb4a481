"""``workflows``: save, check, start, pause."""

from __future__ import annotations

from ..errors import BadInput
from ..model import Check, Run, Workflow, decode
from .call import Call
from .documents import Workflows


def list_workflows(call: Call, project: str | None = None) -> Workflows:
    """Workflows with their next start and newest run."""
    return decode(Workflows, {"workflows": call.service.workflows(project)})


def check_workflow(call: Call, body: Workflow) -> Check:
    """What saving this workflow would say; nothing is stored."""
    return call.service.check_workflow(body)


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
    """Delete a workflow; its runs stay."""
    call.service.delete_workflow(name, project)


def start_workflow(call: Call, project: str, name: str) -> Run:
    """Start now; a conflict while a run of it is pending or running."""
    return call.service.start_workflow(name, project)


def pause_workflow(call: Call, project: str, name: str) -> Workflow:
    """Hold back its scheduled starts."""
    return call.service.pause_workflow(name, project, paused=True)


def resume_workflow(call: Call, project: str, name: str) -> Workflow:
    """Let its scheduled starts happen again."""
    return call.service.pause_workflow(name, project, paused=False)
