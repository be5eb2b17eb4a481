"""What a job takes of memory and processor: the control group's figures in a container, else the processes' own."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Optional

from .results import Results

_GROUPS = Path("/sys/fs/cgroup")
_RSS_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


class Meter:
    """Looks from time to time, and keeps the most it has seen.

    Parameters
    ----------
    results : Results
        Where `write` puts what is known.
    contained : bool
        Whether the control group is this job's alone, as in a container.
    """

    def __init__(self, results: Results, *, contained: bool, groups: Path = _GROUPS) -> None:
        self._results = results
        self._contained = contained
        self._groups = groups
        self._most_bytes = 0
        self.kernel: Optional[int] = None
        """The kernel's process id, while it runs."""

    def look(self) -> None:
        """Take note of what is used now."""
        self._most_bytes = max(self._most_bytes, self._taken_bytes() or 0, _highest_bytes(self.kernel))

    def write(self) -> None:
        """Say what was used so far."""
        self.look()
        self._results.usage(self.peak_bytes(), self.cpu_s())

    def peak_bytes(self) -> int:
        """Memory at most. Files that were read count in the group's own maximum, and not here: they make room."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _RSS_BYTES
        # Not ru_maxrss of this process: that may be of who started it, from before its program was loaded.
        seen = max(self._most_bytes, ended, _highest_bytes(os.getpid()))
        highest = self._number("memory.peak", "memory/memory.max_usage_in_bytes") if self._contained else None
        return min(seen, highest) if highest else seen

    def cpu_s(self) -> float:
        """Seconds of processor time, of all processes together."""
        if self._contained:
            with suppress(OSError, ValueError, IndexError):
                for line in (self._groups / "cpu.stat").read_text().splitlines():
                    if line.startswith("usage_usec "):
                        return int(line.split()[1]) / 1e6
            nanoseconds = self._number("cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage")
            if nanoseconds is not None:
                return nanoseconds / 1e9
        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ended = sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, kinds))
        return ended + self._kernel_cpu_s()

    def _taken_bytes(self) -> Optional[int]:
        """What the group uses now, without files that it could let go of."""
        if not self._contained:
            return None
        taken = self._number("memory.current", "memory/memory.usage_in_bytes")
        for name, word in (("memory.stat", "inactive_file "), ("memory/memory.stat", "total_inactive_file ")):
            with suppress(OSError, ValueError, IndexError):
                for line in (self._groups / name).read_text().splitlines():
                    if taken is not None and line.startswith(word):
                        return taken - int(line.split()[1])
        return taken

    def _kernel_cpu_s(self) -> float:
        """What the kernel, and what it has waited for, has used; 0 once it has ended and is counted with the others."""
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{self.kernel}/stat").read_text().rpartition(")")[2].split()
            return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def _number(self, *names: str) -> Optional[int]:
        for name in names:
            with suppress(OSError, ValueError):
                return int((self._groups / name).read_text())
        return None


def _highest_bytes(process: Optional[int]) -> int:
    """The most memory that a running process has held; 0 where the system does not say."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
