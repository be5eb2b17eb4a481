"""What containers take of memory and processor while they run: looks at the engine's figures, and the most seen.

The engine forgets them when a container ends. A notebook's runner writes its own to `RESULT_USAGE`; for others,
and for what was killed, the last look counts.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import docker
from docker.errors import APIError, InvalidVersion

_REMEMBERED = 4096
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class Usage:
    """Memory at most in bytes, processor time in seconds; None where nobody measured."""

    peak_memory_bytes: int | None = None
    cpu_s: float | None = None

    def most(self, other: Usage) -> Usage:
        """The larger of each."""
        return Usage(_larger(self.peak_memory_bytes, other.peak_memory_bytes), _larger(self.cpu_s, other.cpu_s))


class Meter:
    """Remembers the most that each container was seen to use."""

    def __init__(self) -> None:
        self._most: OrderedDict[str, Usage] = OrderedDict()

    def look(self, client: docker.DockerClient, identity: str) -> Usage:
        """Look at a running container; what it has used at most, and in all, so far."""
        try:
            # One look: without it the engine waits a second for a second one, to tell a rate.
            now = usage_of(client.api.stats(identity, stream=False, one_shot=True))
        except (APIError, InvalidVersion):  # ended meanwhile; or an engine from before 2020
            now = Usage()
        most = self._most[identity] = self.seen(identity).most(now)
        if len(self._most) > _REMEMBERED:
            self._most.popitem(last=False)
        return most

    def seen(self, identity: str) -> Usage:
        """The most that was seen of a container."""
        return self._most.get(identity, Usage())

    def forget(self, identity: str) -> None:
        """The container is gone."""
        self._most.pop(identity, None)


def usage_of(stats: Mapping[str, Any]) -> Usage:
    """The engine's figures. Files that were read once count as memory there, and not here: they make room."""
    memory = stats.get("memory_stats") or {}
    details = memory.get("stats") or {}
    taken = memory.get("usage")
    # By the names of control groups of version 1 and 2.
    files = details.get("total_inactive_file", details.get("inactive_file", 0))
    cpu_ns = ((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
    return Usage(max(taken - files, 0) if taken else None, cpu_ns / 1e9 if cpu_ns else None)


def usage_written(body: bytes | None) -> Usage:
    """What `RESULT_USAGE` says; nothing where it says nothing."""
    try:
        found = json.loads(body or b"")
    except ValueError:
        return Usage()
    if not isinstance(found, dict):
        return Usage()
    peak, cpu = found.get("peak_memory_bytes"), found.get("cpu_s")
    return Usage(
        peak if isinstance(peak, int) and peak > 0 else None,
        float(cpu) if isinstance(cpu, int | float) and cpu >= 0 else None,
    )


def _larger(one: _Number | None, other: _Number | None) -> _Number | None:
    return max((value for value in (one, other) if value is not None), default=None)
