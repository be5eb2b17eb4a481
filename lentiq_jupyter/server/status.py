"""``status``: what is up, what is not, what to do."""

from __future__ import annotations

from .. import __version__
from .call import Call
from .documents import Status


def get_status(call: Call) -> Status:
    """What is up, what is not, what to do."""
    found = call.service.status()
    problems = found.get("problems")
    return Status(
        version=str(found.get("version", __version__)),
        home=str(found.get("home", "")),
        root=str(call.root),
        registry=found.get("registry"),
        executor=found.get("executor"),
        scheduler=found.get("scheduler"),
        problems=tuple(str(one) for one in problems) if isinstance(problems, list) else (),
        user=call.user,
    )
