"""Runs blocks as processes of this machine, without Docker.

Each job is a folder ``jobs/<name>`` with ``job.json`` (no secrets), ``log``, ``results/`` and what its
supervisor writes: ``lock``, ``started``, ``starts``, ``exit.json``; see `supervisor`. Limits: memory is
watched and the job killed when it takes more; CPU by affinity, in whole processors. This isolates
nothing but the network of a proof: blocks run with the rights of whoever runs the scheduler.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import BadInput, LentiqError, NotFound, Unavailable
from ..interfaces import Registry
from ..model import (
    ENV_INPUTS,
    ENV_RESULTS,
    RESULT_ERROR,
    BlockKind,
    Execution,
    ExecutionState,
    Job,
    format_memory,
)
from .inputs import inputs_text
from .results import RESULT_FILES, failure, put, unwritable
from .unpacked import UnpackedImages

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
_WATCH_S = 0.05
_SEARCH_S = 0.5


class ProcessExecutor:
    """See `interfaces.Executor`.

    Parameters
    ----------
    folder : Path
        Holds the unpacked images and the jobs.
    interpreter : callable from ``X.Y`` to a Python of this machine
    """

    name = "process"

    def __init__(self, folder: Path, registry: Registry, interpreter: Callable[[str], Path]) -> None:
        self._folder = folder
        self._images = UnpackedImages(folder, registry, interpreter)
        self._watches: list[_Watch] = []

    def _job(self, name: str) -> Path:
        if "/" in name or name.startswith("."):
            raise BadInput(f"{name!r} is not the name of a job.")
        return self._folder / "jobs" / name

    def start(self, job: Job) -> None:
        """See `Executor.start`. The supervisor, not this method, makes sure that it happens once."""
        folder = self._job(job.name)
        if (folder / "started").exists():
            return
        if job.block.spec.kind is not BlockKind.NOTEBOOK:
            raise BadInput(f"Block {job.block.reference} is an image.", "Run it with the docker executor.")
        inputs = inputs_text(job.inputs)
        root = self._images.root(job.block)
        try:
            (folder / "results").mkdir(parents=True, exist_ok=True)
            _write(folder / "job.json", {"pool": job.pool, "block": job.block.reference})
        except OSError as error:
            raise unwritable(folder, error) from error
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= job.environment | job.secrets
        environment |= {
            ENV_INPUTS: inputs,
            ENV_RESULTS: str(folder / "results"),
            "LENTIQ_ROOT": str(root),
            "PYTHONPATH": str(root / "runner" / "lentiq"),
            # Compiled once for all runs, beside the unpacked images, which stay as they are.
            "PYTHONPYCACHEPREFIX": str(self._folder / "bytecode"),
            "PYTHONUNBUFFERED": "1",
        }
        spec = {
            "argv": [str(root / "runner/bin/python"), "-m", "lentiq_jupyter.runner"],
            "environment": environment,
            "memory_bytes": job.resources.memory_bytes,
            "memory": format_memory(job.resources.memory_bytes),
            "cpus": max(1, math.ceil(job.resources.cpu_millicores / 1000)),
            "network": job.allow_network,
        }
        self._spawn(job.name, folder, spec)

    def _spawn(self, name: str, folder: Path, spec: dict[str, object]) -> None:
        try:
            errors = (folder / "supervisor.log").open("ab")
        except OSError as error:
            raise unwritable(folder, error) from error
        with errors:
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISOR), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd="/",
                start_new_session=True,
            )
        assert child.stdin is not None  # noqa: S101  for the type checker: both are pipes
        assert child.stdout is not None  # noqa: S101
        with child.stdin, child.stdout:
            child.stdin.write(json.dumps(spec).encode())
            child.stdin.close()
            child.stdout.read(1)
        threading.Thread(target=self._await, args=(name, child), name=f"wait-{name}", daemon=True).start()
        if not (folder / "started").exists():
            raise Unavailable(f"Job {name} could not be started.", f"See {folder / 'supervisor.log'}.")

    def _await(self, name: str, child: subprocess.Popen[bytes]) -> None:
        child.wait()
        pool = self.pool_of(name)
        for watch in tuple(self._watches):
            if watch.pool == pool:
                watch.tell(name)

    def pool_of(self, name: str) -> str | None:
        """The data pool of a job; None if there is no such job, or not yet."""
        found = _read(self._job(name) / "job.json")
        return str(found["pool"]) if found and "pool" in found else None

    def has_exit(self, name: str) -> bool:
        """Whether a job has left its end: the cheapest look."""
        return (self._job(name) / "exit.json").exists()

    def find(self, pool: str) -> dict[str, Execution]:
        """See `Executor.find`."""
        found: dict[str, Execution] = {}
        for name in self.names():
            if self.pool_of(name) == pool:
                execution = self.inspect(name)
                if execution is not None:
                    found[name] = execution
        return found

    def names(self) -> list[str]:
        """All jobs here, of whatever pool and state."""
        try:
            return sorted(one for one in os.listdir(self._folder / "jobs") if not one.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be read: {error.strerror}.", "Look at its rights.") from error

    def inspect(self, name: str) -> Execution | None:
        """See `Executor.inspect`."""
        folder = self._job(name)
        if not (folder / "started").exists():
            return None
        end = _read(folder / "exit.json")
        if end is None and _is_locked(folder / "lock"):
            return Execution(
                name=name,
                state=ExecutionState.RUNNING,
                starts=_starts(folder),
                started_at=_time((folder / "started").stat().st_mtime),
            )
        # It may have ended between the two looks.
        end = end or _read(folder / "exit.json")
        if end is None:
            return Execution(
                name=name,
                state=ExecutionState.LOST,
                starts=_starts(folder),
                started_at=_time((folder / "started").stat().st_mtime),
                reason="its supervisor was killed; it neither runs nor left a result",
            )
        code = end["exit_code"]
        return Execution(
            name=name,
            state=ExecutionState.FAILED if code else ExecutionState.SUCCEEDED,
            starts=_starts(folder),
            started_at=_time(end["started_at"]),
            ended_at=_time(end["ended_at"]),
            exit_code=code,
            reason=end.get("reason") or _said(folder / "results") or (f"exit code {code}" if code else ""),
            stopped=bool(end.get("stopped")),
            peak_memory_bytes=end.get("peak_memory_bytes"),
        )

    def collect(self, name: str, into: Path) -> None:
        """See `Executor.collect`. Raises NotFound for a job that is not here."""
        folder = self._job(name)
        if not folder.is_dir():
            raise NotFound(f"There is no job {name} here.")
        for file in RESULT_FILES:
            try:
                body = (folder / "results" / file).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Unavailable(f"{folder} cannot be read: {error.strerror}.", "Look at its rights.") from error
            put(into, file, body)

    def log(self, name: str, offset: int = 0) -> bytes:
        """See `Executor.log`."""
        folder = self._job(name)
        if not folder.is_dir():
            raise NotFound(f"There is no job {name} here.")
        try:
            with (folder / "log").open("rb") as file:
                file.seek(offset)
                return file.read()
        except FileNotFoundError:
            return b""

    def stop(self, name: str, grace_s: float = 10.0) -> None:
        """See `Executor.stop`. The supervisor finds the wish within a tenth of a second."""
        folder = self._job(name)
        if (folder / "started").exists() and not (folder / "exit.json").exists():
            partial = folder / f".stop-{os.getpid()}"
            partial.write_text(str(grace_s), encoding="ascii")
            partial.replace(folder / "stop")

    def remove(self, name: str) -> None:
        """See `Executor.remove`."""
        execution = self.inspect(name)
        if execution is None or execution.state is ExecutionState.RUNNING:
            return
        # Renamed first: half a job must never look like one that was not started.
        gone = self._folder / "jobs" / f".gone-{name}"
        with contextlib.suppress(OSError):
            shutil.rmtree(gone, ignore_errors=True)
            self._job(name).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def subscribe(self, pool: str, ended: Callable[[str], None]) -> Callable[[], None]:
        """See `Executor.subscribe`. What had ended before is the caller's to find.

        Jobs that this object started are told of at once; those of other processes are seen by looking at
        their folders.
        """
        watch = _Watch(self, pool, ended)
        self._watches.append(watch)
        watch.thread.start()

        def unsubscribe() -> None:
            if watch in self._watches:
                self._watches.remove(watch)
            watch.close()

        return unsubscribe


class _Watch:
    """One thread that looks for the ends of a pool's jobs, and tells each once."""

    def __init__(self, executor: ProcessExecutor, pool: str, ended: Callable[[str], None]) -> None:
        self._executor = executor
        self.pool = pool
        self._ended = ended
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._running: set[str] = set()
        # Names that need no more looks: told, or of another pool.
        self._settled: set[str] = set()
        for name in executor.names():
            self._look(name, tell=False)
        self.thread = threading.Thread(target=self._watch, name=f"watch-{pool}", daemon=True)

    def tell(self, name: str) -> None:
        """Say that a job of the pool has ended, unless that was said."""
        with self._lock:
            self._running.discard(name)
            if name in self._settled or self._done.is_set():
                return
            self._settled.add(name)
        self._ended(name)

    def _look(self, name: str, *, tell: bool) -> None:
        pool = self._executor.pool_of(name)
        if pool is not None and pool != self.pool:
            self._settled.add(name)
            return
        execution = self._executor.inspect(name) if pool is not None else None
        if execution is None:
            return  # being prepared
        if execution.state is ExecutionState.RUNNING:
            self._running.add(name)
        elif tell:
            self.tell(name)
        else:
            self._settled.add(name)

    def _watch(self) -> None:
        searched = time.monotonic()
        while not self._done.wait(_WATCH_S):
            for name in tuple(self._running):
                if self._executor.has_exit(name):
                    self.tell(name)
            if time.monotonic() - searched < _SEARCH_S:
                continue
            searched = time.monotonic()
            # A disk that does not answer now may at the next look.
            with contextlib.suppress(LentiqError):
                names = set(self._executor.names())
                with self._lock:
                    self._settled &= names
                    self._running &= names
                    todo = names - self._settled
                for name in todo:
                    self._look(name, tell=True)

    def close(self) -> None:
        """Stop looking."""
        self._done.set()
        if threading.current_thread() is not self.thread:
            self.thread.join(timeout=5)


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            # Shared, so that two who look do not take each other for the supervisor.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _starts(folder: Path) -> int:
    try:
        return len((folder / "starts").read_text(encoding="ascii").splitlines())
    except OSError:
        return 0


def _said(results: Path) -> str:
    try:
        return failure((results / RESULT_ERROR).read_bytes())
    except OSError:
        return ""


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(path: Path, document: dict[str, object]) -> None:
    partial = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
    partial.write_text(json.dumps(document), encoding="utf-8")
    partial.replace(path)
