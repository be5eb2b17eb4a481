"""The processes of a job, by asking /proc: what they use, and how they all end."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from . import linux

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Use:
    """What living processes use: memory in bytes, and seconds of processor time since each began."""

    memory_bytes: int
    cpu_s: float


def use_of(pids: list[int], limit_bytes: int) -> Use:
    """What these processes use.

    The sum of resident sizes counts shared pages once a process and is cheap; only where it is over the
    limit, the proportional sizes decide.
    """
    resident, ticks = 0, 0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            # utime, stime, cutime, cstime and rss of proc_pid_stat(5), counted from its third field.
            ticks += sum(map(int, fields[11:15]))
            resident += int(fields[21]) * _PAGE_BYTES
    memory = resident if resident <= limit_bytes else sum(map(_proportional, pids)) or resident
    return Use(memory, ticks / _TICKS)


def descendants(pid: int) -> list[int]:
    """Process ids of what descends from a process.

    By the kernel's lists of children, which cost by the size of the job and may be short of some while they
    change: good enough to measure, not to kill. Where the kernel keeps none, every process is asked for its parent.
    """
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        return list(_family(pid))
    found: list[int] = []
    todo = [pid]
    while todo:
        with contextlib.suppress(OSError):
            more = _children(todo.pop())
            found += more
            todo += more
    return found


def strike() -> None:
    """SIGKILL once to everything that descends from this process now."""
    for pid, began in _family(os.getpid()).items():
        _kill(pid, began)


def kill_descendants() -> None:
    """SIGKILL to everything that descends from this process, a subreaper, until nothing is left; takes their ends."""
    for _ in range(500):
        if not _bury():
            return
        strike()
        time.sleep(0.002)


def _bury() -> bool:
    """Take the ends of children that have ended; whether any child is left.

    Orphans of the job become children of its supervisor. So without children it has no descendants either.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            found += map(int, file.read().split())
    return found


def _family(pid: int) -> dict[int, bytes]:
    """All that descend from a process, each with the time it began."""
    below: dict[int, list[tuple[int, bytes]]] = {}
    for one, fields in _everything():
        below.setdefault(int(fields[1]), []).append((one, fields[19]))
    found: dict[int, bytes] = {}
    todo = [pid]
    while todo:
        for one, began in below.get(todo.pop(), []):
            found[one] = began
            todo.append(one)
    return found


def _everything() -> Iterator[tuple[int, list[bytes]]]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(int(name))
            if fields:
                yield int(name), fields


def _stat(pid: int) -> list[bytes]:
    """The fields of ``/proc/PID/stat`` after the command's name, which may hold anything; none if it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()
    return []


def _proportional(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _kill(pid: int, began: bytes) -> None:
    """Kill that process, and none that got its number since."""
    with contextlib.suppress(OSError):
        try:
            descriptor = linux.pidfd_open(pid)
        except OSError as error:
            if error.errno == errno.ENOSYS and _began(pid) == began:
                os.kill(pid, signal.SIGKILL)
            return
        try:
            if _began(pid) == began:
                linux.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)


def _began(pid: int) -> bytes:
    fields = _stat(pid)
    return fields[19] if fields else b""
