"""What every route's function gets besides its own arguments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..interfaces import Service
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
    kernel_name : async callable taking a path and a kernel id or None
        Kernelspec name of that running kernel, or of the notebook's open session; None without one.
    pool : Executor
        Where blocking work goes.
    """

    service: Service
    publishes: PublishJobs
    root: Path
    user: str
    kernel_name: Callable[[str, str | None], Awaitable[str | None]]
    pool: Executor

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work in the thread pool."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)
