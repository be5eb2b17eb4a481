"""CPU and memory, and how people write them."""

from __future__ import annotations

import re

from ..errors import BadInput
from .record import record

_CPU = re.compile(r"(\d+)m|(\d+(?:\.\d+)?)")
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?B?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@record
class Resources:
    """An amount of CPU (millicores: 1000 is one core) and memory (bytes)."""

    cpu_millicores: int
    memory_bytes: int

    def __post_init__(self) -> None:
        if self.cpu_millicores < 0 or self.memory_bytes < 0:
            raise BadInput("CPU and memory cannot be negative.")

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            cpu_millicores=self.cpu_millicores + other.cpu_millicores,
            memory_bytes=self.memory_bytes + other.memory_bytes,
        )

    def minus(self, other: Resources) -> Resources:
        """What is left of this after `other`, never below zero."""
        return Resources(
            cpu_millicores=max(0, self.cpu_millicores - other.cpu_millicores),
            memory_bytes=max(0, self.memory_bytes - other.memory_bytes),
        )

    def fits(self, room: Resources) -> bool:
        """Whether this amount fits into `room`."""
        return self.cpu_millicores <= room.cpu_millicores and self.memory_bytes <= room.memory_bytes

    def __str__(self) -> str:
        return f"{format_cpu(self.cpu_millicores)} CPU, {readable_memory(self.memory_bytes)}"


ZERO = Resources(cpu_millicores=0, memory_bytes=0)
DEFAULT_RESOURCES = Resources(cpu_millicores=500, memory_bytes=2**30)


def parse_cpu(text: str | int | float) -> int:
    """CPU in millicores from ``500m``, ``2``, ``0.5`` (the Kubernetes notation).

    Raises
    ------
    BadInput
        If it is not an amount of CPU above zero.
    """
    found = _CPU.fullmatch(str(text).strip())
    millicores = 0
    if found and not isinstance(text, bool):
        millicores = int(found[1]) if found[1] else round(float(found[2]) * 1000)
    if not millicores:
        raise BadInput(f"{text!r} is not an amount of CPU.", "Write cores (2, 0.5) or millicores (500m).")
    return millicores


def parse_memory(text: str | int | float) -> int:
    """Memory in bytes from ``512Mi``, ``1Gi``, ``2G``, ``1048576`` (the Kubernetes notation).

    Raises
    ------
    BadInput
        If it is not an amount of memory above zero.
    """
    found = _MEMORY.fullmatch(str(text).strip())
    size = 0
    if found and not isinstance(text, bool):
        size = int(float(found[1]) * _UNITS[found[2] or ""])
    if not size:
        raise BadInput(f"{text!r} is not an amount of memory.", "Write for example 512Mi or 4Gi.")
    return size


def format_cpu(millicores: int) -> str:
    """``500m``, ``2``: the shortest exact form that `parse_cpu` reads."""
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"


def format_memory(size_bytes: int) -> str:
    """``1Gi``, ``512Mi``, ``1000``: the shortest exact form that `parse_memory` reads."""
    for unit in ("Ti", "Gi", "Mi", "Ki"):
        if size_bytes and size_bytes % _UNITS[unit] == 0:
            return f"{size_bytes // _UNITS[unit]}{unit}"
    return str(size_bytes)


def readable_memory(size_bytes: int) -> str:
    """``1050Mi``, ``23.5Gi``: as `format_memory` where that is short, else tenths of the largest unit, rounded down.

    Down, so that what does not fit into an amount does not read like it.
    """
    exact = format_memory(size_bytes)
    if len(exact) <= len("1023Mi"):
        return exact
    unit = next(one for one in ("Ti", "Gi", "Mi", "Ki") if size_bytes >= _UNITS[one])
    return f"{size_bytes * 10 // _UNITS[unit] / 10:g}{unit}"
