"""``projects``: quotas and what is used of them."""

from __future__ import annotations

from ..errors import BadInput
from ..model import Project, decode
from .call import Call
from .documents import Projects


def list_projects(call: Call) -> Projects:
    """All projects with what their running tasks hold."""
    return decode(Projects, {"projects": call.service.projects()})


def save_project(call: Call, name: str, body: Project) -> Project:
    """Create a project or change its quota."""
    if body.name != name:
        raise BadInput(f"The address names project {name}, the document {body.name}.", "Make them the same.")
    return call.service.save_project(body)
