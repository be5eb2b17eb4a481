"""``status``: what is up, what is not, what to do."""

from __future__ import annotations

from .. import __version__
from ..model import Json
from .call import Call
from .documents import Status


def get_status(call: Call) -> Status:
    """What is up, what is not, what to do."""
    found = call.service.status()
    late_s = found.get("late_s")
    return Status(
        version=str(found.get("version", __version__)),
        home=str(found.get("home", "")),
        root=str(call.root),
        registry=found.get("registry"),
        executor=found.get("executor"),
        scheduler=found.get("scheduler"),
        problems=_texts(found.get("problems")),
        user=call.user,
        author=str(found.get("author", "")),
        database=str(found.get("database", "")),
        late_s=late_s if isinstance(late_s, float) else None,
        tasks=found.get("tasks"),
        pending=found.get("pending"),
        executors=found.get("executors"),
        isolation=found.get("isolation"),
        notify=_texts(found.get("notify")),
    )


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
