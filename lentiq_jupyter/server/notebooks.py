"""``inspect`` and ``publishes``: from a notebook to a block."""

from __future__ import annotations

import dataclasses

from ..model import Inspection, PublishRequest
from .call import Call
from .documents import InspectRequest, Publish, Publishes, PublishStarted
from .paths import inside


async def inspect_notebook(call: Call, body: InspectRequest) -> Inspection:
    """What packaging this saved notebook would find; nothing is executed."""
    path = inside(call.root, body.path)
    kernel = body.kernel
    if kernel is None and not body.no_kernel:
        kernel = await call.kernel_name(body.path, body.kernel_id)
    return await call.run(
        lambda: call.service.inspect(
            str(path), kernel=kernel, no_kernel=body.no_kernel, add=body.add, remove=body.remove, live=body.live
        )
    )


async def start_publish(call: Call, body: PublishRequest) -> PublishStarted:
    """Publish a saved notebook as a block, in the background."""
    path = inside(call.root, body.path)
    kernel = body.kernel
    if kernel is None and not body.no_kernel:
        kernel = await call.kernel_name(body.path, None)
    request = dataclasses.replace(body, path=str(path), kernel=kernel)
    return PublishStarted(id=call.publishes.start(request, shown_path=body.path))


def list_publishes(call: Call) -> Publishes:
    """Publishes since the server started, newest first; old ones are forgotten."""
    return Publishes(publishes=call.publishes.all())


def get_publish(call: Call, id: str) -> Publish:  # noqa: A002 - the address says id
    """How far one publish is."""
    return call.publishes.get(id)


def cancel_publish(call: Call, id: str) -> Publish:  # noqa: A002 - the address says id
    """Ask a publish to stop; nothing is registered then."""
    return call.publishes.cancel(id)
