"""Keeps watch over one job: run as ``python -I -S supervisor.py FOLDER``, standard library only.

A process of its own, in a session of its own, so that it survives whoever started it. It alone decides
whether the job is started: it takes the lock of the job's folder and makes the file ``started``
exclusively, so that two callers, or one caller twice, start one job once. While it lives it holds the
lock; whoever finds ``started`` without ``exit.json`` and the lock free knows that the job was lost.

Standard input brings one JSON document (argv, environment, limits): secrets are nowhere on disk and in no
command line. One byte on standard output says that the job was started.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x1 | 0x40
LOOK_S = 0.1
LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Watch the job of the folder in argv; returns 0, also when somebody else has it."""
    os.chdir(sys.argv[1])
    spec = json.load(sys.stdin)
    lock = os.open("lock", os.O_RDWR | os.O_CREAT, 0o600)
    if not _claim(lock):
        return 0
    # Grandchildren whose parents die become children of this process, and so stay in reach.
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    network = "open" if spec["network"] else "isolated" if _leave_network() else "not isolated"
    temporary = tempfile.mkdtemp(prefix="lentiq-job-")
    began = time.time()
    try:
        end = _watch(spec, temporary)
    except OSError as error:
        end = {"exit_code": 127, "reason": f"could not start: {error}"}
    finally:
        _kill_all()
        _bury()
        shutil.rmtree(temporary, ignore_errors=True)
    end.update(started_at=began, ended_at=time.time(), network=network)
    _write("exit.json", end)
    return 0


def _claim(lock: int) -> bool:
    """Whether this process is the one that starts the job."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(os.open("started", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        except BlockingIOError:
            # Somebody else has it. The caller is to find it started, which may be a moment ahead.
            if os.path.exists("started"):
                return False
            time.sleep(0.005)
        else:
            return True


def _watch(spec: dict[str, Any], temporary: str) -> dict[str, Any]:
    environment = {**spec["environment"], "HOME": temporary, "TMPDIR": temporary}
    # The record of real starts, made just before the only place that starts anything.
    with open("starts", "a", encoding="ascii") as starts:
        starts.write(f"{time.time()}\n")
    with open("log", "ab") as log:
        child = subprocess.Popen(
            spec["argv"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=temporary,
            start_new_session=True,
            preexec_fn=lambda: _limit(spec["cpus"]),
        )
    os.write(1, b"1")
    os.close(1)
    peak, reason, stop_at, stopped = 0, "", None, False
    ended = _end_of(child)
    pause = LOOK_S
    while not ended(pause):
        began = time.perf_counter()
        used = _memory(spec["memory_bytes"])
        # Looking takes a twentieth of a processor at most, however many processes there are.
        pause = max(LOOK_S, 20 * (time.perf_counter() - began))
        peak = max(peak, used)
        if used > spec["memory_bytes"] and not reason:
            reason = f"killed: used more than {spec['memory']} of memory"
            _kill_all()
        elif stop_at is None and os.path.exists("stop"):
            stopped, stop_at = True, time.monotonic() + _grace()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
        elif stop_at is not None and time.monotonic() >= stop_at:
            reason = reason or f"killed: did not end within {_grace():g} s of being asked to"
            _kill_all()
    code = child.returncode if child.returncode >= 0 else 128 - child.returncode
    if code and not reason and child.returncode < 0:
        reason = f"killed by signal {-child.returncode}"
    return {"exit_code": code, "reason": reason, "stopped": stopped, "peak_memory_bytes": peak or None}


def _limit(cpus: int) -> None:
    """In the child: die with the supervisor, use that many processors, go first when the machine lacks memory."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, random.sample(allowed, min(cpus, len(allowed))))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("500")


def _end_of(child: subprocess.Popen[bytes]) -> Callable[[float], bool]:
    """A function that waits up to so many seconds and says whether the child has ended."""
    try:
        pidfd = os.pidfd_open(child.pid)
    except (AttributeError, OSError):

        def waited(limit_s: float) -> bool:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(limit_s)
            return child.returncode is not None

        return waited

    def polled(limit_s: float) -> bool:
        select.select([pidfd], [], [], limit_s)
        return child.poll() is not None

    return polled


def _grace() -> float:
    try:
        with open("stop", encoding="ascii") as file:
            return float(file.read() or 0)
    except ValueError:
        return 0.0


def _descendants() -> list[int]:
    """Process ids of all that descend from this one.

    By asking every process for its parent: the kernel's lists of children are not kept everywhere and may
    be short of some while they change.
    """
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:
                # The command's name may hold anything; the fields follow its last parenthesis.
                parents.setdefault(int(file.read().rpartition(b")")[2].split()[1]), []).append(int(name))
    found, todo = [], [os.getpid()]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def _memory(limit: int) -> int:
    """Bytes that the job's processes hold.

    The sum of resident sizes counts shared pages once a process and is cheap; only where it is over the
    limit, the proportional sizes decide.
    """
    pids = _descendants()
    resident = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm", "rb") as file:
            resident += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if resident <= limit:
        return resident
    proportional = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    proportional += int(line.split()[1]) * 1024
    return proportional or resident


def _kill_all() -> None:
    """SIGKILL to everything of the job, until nothing is left."""
    for _ in range(50):
        pids = _descendants()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        # Orphans of the job are this process's children now; the child itself is left to its Popen.
        if not [pid for pid in pids if _still_runs(pid)]:
            return
        time.sleep(0.02)


def _bury() -> None:
    """Take the ends of orphans, so that nothing of the job is left in the table of processes."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _still_runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def _leave_network() -> bool:
    """Move to a network of loopback alone; False where the system does not allow it."""
    uid, gid = os.geteuid(), os.getegid()
    if LIBC.unshare(CLONE_NEWNET if uid == 0 else CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    try:
        if uid != 0:
            for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                    file.write(text)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))
    except OSError:
        # Loopback stays down: what needs it fails, which is what "no network" may mean.
        return True
    return True


def _write(name: str, document: dict[str, Any]) -> None:
    with open(f".{name}.partial", "w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f".{name}.partial", name)


if __name__ == "__main__":
    sys.exit(main())
