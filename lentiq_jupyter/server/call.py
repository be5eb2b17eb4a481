"""What every route's function gets besides its own arguments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..interfaces import Service
from .kernels import OpenKernel
from .publishing import PublishJobs

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, past authentication and validation.

    Parameters
    ----------
    service, publishes
        The use cases, and the publishes of this server.
    root : Path
        The server's root folder; every path a client gives lies inside it.
    user : str
        Name of who asks.
    kernel : async callable taking a path and a kernel id or None
        That running kernel, or the one of the notebook's open session; None without one.
    pool : Executor
        Where blocking work goes.
    """

    service: Service
    publishes: PublishJobs
    root: Path
    user: str
    kernel: Callable[[str, str | None], Awaitable[OpenKernel | None]]
    pool: Executor

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work in the thread pool."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)
