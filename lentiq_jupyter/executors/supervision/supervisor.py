"""Keeps watch over one job, in a process and a session of its own, so that it survives whoever asked for it.

It alone decides whether the job is started: see `claim`. What it is to do comes through its connection to the
executor, so secrets are nowhere on disk and in no command line; how the start went and that the job has ended go
back the same way, by one byte each, if somebody is still there to hear.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import time
from dataclasses import dataclass
from typing import Any

from . import child, family
from .claim import FORBIDDEN, STARTED, claim, is_deserted
from .logfile import LogFile
from .shelter import leave, make_temporary
from .task import Task, find_user
from .words import BEFORE, CANNOT, END, LENGTH, NEVER, NOW

_LOOK_S = 0.1
_USAGE_S = 1.0
_RECORD_BYTES = 4096
_COULD_NOT_START = 127


def supervise(caller: socket.socket, turn: int) -> None:
    """Do what `caller` says, unless the job has been started, or must never be.

    Parameters
    ----------
    turn : int
        Counts supervisors: jobs that ask for few processors are spread over them in turn.
    """
    spec = _told(caller)
    if spec is None:
        return
    os.chdir(spec["folder"])
    record = _Record()
    try:
        log = LogFile("log", spec["log_bytes"])
        # A fault of this program is told where the job's are.
        os.dup2(log.output, 2)
        mark, lock = claim(".", STARTED, record.reserve)
    except OSError as error:
        record.drop()
        _say(caller, CANNOT + (error.strerror or str(error)).encode())
        return
    if lock is None:
        _say(caller, NEVER if mark == FORBIDDEN else BEFORE)
        return
    _say(caller, NOW)
    end = _run(spec, log, turn)
    record.publish(end)
    _say(caller, END)
    caller.close()
    record.keep()
    if spec["bound"] and is_deserted("."):
        # Nobody else will ask for it.
        shutil.rmtree(os.getcwd(), ignore_errors=True)


def _told(caller: socket.socket) -> dict[str, Any] | None:
    """What there is to do; None if the caller is gone."""
    with contextlib.suppress(OSError), caller.makefile("rb") as stream:
        head = stream.read(LENGTH.size)
        if len(head) == LENGTH.size:
            (length,) = LENGTH.unpack(head)
            body = stream.read(length)
            if len(body) == length:
                found = json.loads(body)
                return found if isinstance(found, dict) else None
    return None


def _say(caller: socket.socket, word: bytes) -> None:
    with contextlib.suppress(OSError):
        caller.sendall(word)


class _Record:
    """The file that tells of the end: its place on the disk is taken before the job is started."""

    def __init__(self) -> None:
        self._name = f".exit.json-{os.getpid()}"
        self._file: int | None = None

    def reserve(self) -> None:
        """Raises OSError, where the disk is full."""
        self._file = os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.posix_fallocate(self._file, 0, _RECORD_BYTES)

    def drop(self) -> None:
        """Take nothing."""
        with contextlib.suppress(OSError):
            os.unlink(self._name)

    def publish(self, end: dict[str, Any]) -> None:
        """Let everybody see it."""
        assert self._file is not None  # noqa: S101  for the type checker
        body = json.dumps(end).encode()
        os.pwrite(self._file, body, 0)
        os.ftruncate(self._file, len(body))
        os.rename(self._name, "exit.json")

    def keep(self) -> None:
        """Let it survive the machine, too; nobody waits for this."""
        assert self._file is not None  # noqa: S101
        os.fsync(self._file)
        os.close(self._file)


@dataclass(slots=True)
class _Use:
    """The most that was seen."""

    memory_bytes: int = 0
    cpu_s: float = 0.0
    written_at: float = 0.0

    def look(self, pids: list[int], limit_bytes: int) -> int:
        """Bytes in use now."""
        now = family.use_of(pids, limit_bytes)
        self.memory_bytes = max(self.memory_bytes, now.memory_bytes)
        self.cpu_s = max(self.cpu_s, now.cpu_s + _waited().ru_utime + _waited().ru_stime)
        return now.memory_bytes

    def finish(self) -> None:
        """With what the kernel counted of all that was waited for."""
        counted = _waited()
        self.memory_bytes = max(self.memory_bytes, counted.ru_maxrss * 1024)
        self.cpu_s = max(self.cpu_s, counted.ru_utime + counted.ru_stime)

    def document(self) -> dict[str, Any]:
        """As the executor reads it."""
        return {"peak_memory_bytes": self.memory_bytes or None, "cpu_s": round(self.cpu_s, 3)}

    def write(self) -> None:
        """Once in a while, for those who want to know while it runs."""
        now = time.monotonic()
        if now - self.written_at < _USAGE_S:
            return
        self.written_at = now
        # A full disk is no reason to end a job that does well.
        with contextlib.suppress(OSError):
            with open(".usage.json.partial", "w", encoding="ascii") as file:
                json.dump(self.document(), file)
            os.replace(".usage.json.partial", "usage.json")


def _waited() -> resource.struct_rusage:
    return resource.getrusage(resource.RUSAGE_CHILDREN)


def _run(spec: dict[str, Any], log: LogFile, turn: int) -> dict[str, Any]:
    """Start the program and watch it to its end; what there is to tell of that."""
    began = time.time()
    temporary, held = None, None
    outermost = os.path.realpath(spec["temporary"])
    use = _Use()
    found: dict[str, Any] = {"network": "", "isolation": "", "signal": 0, "stopped": False}
    try:
        user = find_user(spec["user"]) if spec["user"] else None
        outer, temporary, held = make_temporary(outermost, user)
        # The record of real starts: one line each, written just before the only place that starts anything.
        starts = os.open(STARTED, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(starts, f"{began}\n".encode())
        os.close(starts)
        task = Task(
            argv=spec["argv"],
            environment={**spec["environment"], "HOME": temporary, "TMPDIR": temporary},
            folder=temporary,
            log=log.output,
            processors=_processors(spec["cpus"], turn),
            user=user,
            shelter=outer,
            hidden=spec["hidden"],
            shown=[(str(path), bool(writable)) for path, writable in spec["shown"]],
            network=spec["network"],
        )
        job = child.start(task)
        # Nothing of it is needed any more, and secrets are in it.
        del task
        spec["environment"] = {}
        found.update(network=job.network, isolation=job.isolation)
        found.update(_watch(job, spec, log, use))
        log.finish()
    except (OSError, KeyError) as error:
        found.update(exit_code=_COULD_NOT_START, reason=f"could not start: {error}", cause="start_failed")
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
            leave(outermost)
        if held is not None:
            os.close(held)
    use.finish()
    return {**found, **use.document(), "started_at": began, "ended_at": time.time()}


def _watch(job: child.Child, spec: dict[str, Any], log: LogFile, use: _Use) -> dict[str, Any]:
    reason, cause, stop_at, stopped = "", "", None, False
    pause = _LOOK_S
    out_of_memory = _kills_for_memory()
    while not job.ended(pause):
        began = time.perf_counter()
        used = use.look(job.members(), spec["memory_bytes"])
        log.bound()
        if used > spec["memory_bytes"]:
            reason, cause = reason or f"killed: used more than {spec['memory']} of memory", "out_of_memory"
            job.kill()
        elif stop_at is None and os.path.exists("stop"):
            stopped, stop_at = True, time.monotonic() + _grace()
            job.ask()
        elif spec["bound"] and not stopped and is_deserted("."):
            stopped, reason = True, "killed: whoever started it is gone"
            job.kill()
        elif stop_at is not None and time.monotonic() >= stop_at:
            reason = reason or f"killed: did not end within {_grace():g} s of being asked to"
            job.kill()
        use.write()
        # Looking takes a twentieth of a processor at most, however many processes there are.
        pause = max(_LOOK_S, 20 * (time.perf_counter() - began))
    code = os.waitstatus_to_exitcode(job.status())
    number = max(0, -code)
    if number:
        if not reason and number == signal.SIGKILL and _kills_for_memory() > out_of_memory:
            reason, cause = "killed: the machine had no memory left", "out_of_memory"
        reason = reason or f"killed by {_signal_name(number)}"
        code = 128 + number
    return {"exit_code": code, "signal": number, "reason": reason, "cause": cause, "stopped": stopped}


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _processors(count: int, turn: int) -> list[int]:
    allowed = sorted(os.sched_getaffinity(0))
    return [allowed[(turn * count + one) % len(allowed)] for one in range(min(count, len(allowed)))]


def _kills_for_memory() -> int:
    """How often the kernel has killed a process because the machine, or a group in it, had no memory left."""
    with contextlib.suppress(OSError, ValueError), open("/proc/vmstat", "rb") as file:
        for line in file:
            if line.startswith(b"oom_kill "):
                return int(line.split()[1])
    return 0


def _grace() -> float:
    try:
        with open("stop", encoding="ascii") as file:
            return float(file.read() or 0)
    except ValueError:
        return 0.0
