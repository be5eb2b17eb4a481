"""``inspect``, ``drift`` and ``publishes``: from a notebook to a block."""

from __future__ import annotations

import dataclasses

from ..model import Drift, Inspection, LiveKernel, PublishRequest
from .call import Call
from .documents import DriftRequest, InspectRequest, Publish, Publishes, PublishStarted
from .paths import inside


async def inspect_notebook(call: Call, body: InspectRequest) -> Inspection:
    """What packaging this saved notebook would find; nothing is executed."""
    path = inside(call.root, body.path)
    kernel, live = body.kernel, body.live
    if not body.no_kernel:
        kernel, live = await _ask(call, body.path, body.kernel_id, kernel, live)
    return await call.run(
        lambda: call.service.inspect(
            str(path), kernel=kernel, no_kernel=body.no_kernel, add=body.add, remove=body.remove, live=live
        )
    )


async def compare_with_block(call: Call, body: DriftRequest) -> Drift:
    """How a saved notebook stands to the block that was made of it."""
    path = inside(call.root, body.path)
    kernel, live = body.kernel, body.live
    if body.packages:
        kernel, live = await _ask(call, body.path, body.kernel_id, kernel, live)
    return await call.run(lambda: call.service.drift(str(path), packages=body.packages, kernel=kernel, live=live))


async def start_publish(call: Call, body: PublishRequest) -> PublishStarted:
    """Publish a saved notebook as a block, in the background."""
    path = inside(call.root, body.path)
    kernel, live = body.kernel, body.live
    if not body.no_kernel:
        kernel, live = await _ask(call, body.path, None, kernel, live)
    request = dataclasses.replace(body, path=str(path), kernel=kernel, live=live)
    return PublishStarted(id=call.publishes.start(request, shown_path=body.path))


async def _ask(
    call: Call, path: str, kernel_id: str | None, kernel: str | None, live: LiveKernel | None
) -> tuple[str | None, LiveKernel | None]:
    """Which kernelspec is meant, and what the running kernel says of itself.

    A kernelspec that was asked for is meant even where another one runs; that one then has no say.
    """
    if live is not None and kernel is not None:
        return kernel, live
    running = await call.kernel(path, kernel_id)
    if running is None or kernel not in (None, running.name):
        return kernel, live
    return running.name, live if live is not None else await running.ask()


def list_publishes(call: Call) -> Publishes:
    """Publishes since the server started, newest first; old ones are forgotten."""
    return Publishes(publishes=call.publishes.all())


def get_publish(call: Call, id: str) -> Publish:  # noqa: A002 - the address says id
    """How far one publish is."""
    return call.publishes.get(id)


def cancel_publish(call: Call, id: str) -> Publish:  # noqa: A002 - the address says id
    """Ask a publish to stop; nothing is registered then."""
    return call.publishes.cancel(id)
