"""Which running kernel a notebook has in this server, and what that kernel says of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

from jupyter_server.serverapp import ServerApp

from ..errors import NotFound
from ..model import LiveKernel


@dataclasses.dataclass(frozen=True)
class OpenKernel:
    """A running kernel: its kernelspec's name, and `ask`, which asks it and disturbs nobody (None: no answer)."""

    name: str
    ask: Callable[[], Awaitable[LiveKernel | None]]


async def find_kernel(app: ServerApp, path: str, kernel_id: str | None) -> OpenKernel | None:
    """The kernel of that id, or else of the open session of the notebook at `path`; None without one.

    Raises
    ------
    NotFound
        If no kernel of that id runs.
    """
    if kernel_id is None:
        kernel_id = await _of_session(app, path.strip("/"))
    elif kernel_id not in app.kernel_manager:
        raise NotFound(f"There is no running kernel {kernel_id}.", "Restart the notebook's kernel.")
    if kernel_id is None or kernel_id not in app.kernel_manager:
        return None
    manager = app.kernel_manager.get_kernel(kernel_id)

    async def ask() -> LiveKernel | None:
        from ..environment import ask_kernel

        return await ask_kernel(manager)

    return OpenKernel(str(manager.kernel_name), ask)


async def _of_session(app: ServerApp, path: str) -> str | None:
    """The kernel's id; a notebook's own session goes before that of a console beside it."""
    found = [one for one in await app.session_manager.list_sessions() if one["path"] == path and one.get("kernel")]
    found.sort(key=lambda one: one.get("type") != "notebook")
    return str(found[0]["kernel"]["id"]) if found else None
