"""Runs blocks as processes of this machine, without Docker.

Each job is a folder ``jobs/<name>`` with ``job.json`` (no secrets), ``log``, ``results/`` and what its
supervisor writes: ``lock``, ``started``, ``starts``, ``exit.json``; see `supervisor`. Limits: memory is
watched and the job killed when it takes more; CPU by affinity, in whole processors. This isolates
nothing but the network of a proof: blocks run with the rights of whoever runs the scheduler.
"""

from __future__ import annotations

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
    RESULT_NOTEBOOK,
    RESULT_OUTPUTS,
    RESULT_PROGRESS,
    BlockKind,
    Execution,
    ExecutionState,
    Job,
    format_memory,
)
from .unpacked import UnpackedImages

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
_RESULTS = (RESULT_NOTEBOOK, RESULT_OUTPUTS, RESULT_PROGRESS, RESULT_ERROR)
# A single string of the environment may have 128 KiB on Linux (MAX_ARG_STRLEN).
_INPUTS_LIMIT = 120 * 1024
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
        self._subscribers: list[tuple[str, Callable[[str], None]]] = []

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
        inputs = json.dumps(job.inputs, ensure_ascii=False)
        if len(inputs.encode()) > _INPUTS_LIMIT:
            raise BadInput(f"The inputs have more than {_INPUTS_LIMIT} bytes.", "Pass a path instead of the data.")
        root = self._images.root(job.block)
        try:
            (folder / "results").mkdir(parents=True, exist_ok=True)
            _write(folder / "job.json", {"pool": job.pool, "block": job.block.reference})
        except OSError as error:
            raise _unwritable(folder, error) from error
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= job.environment | job.secrets
        environment |= {
            ENV_INPUTS: inputs,
            ENV_RESULTS: str(folder / "results"),
            "LENTIQ_ROOT": str(root),
            "PYTHONPATH": str(root / "runner" / "lentiq"),
            "PYTHONDONTWRITEBYTECODE": "1",
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
            raise _unwritable(folder, error) from error
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
        self._tell(name)

    def _tell(self, name: str) -> None:
        pool = self._pool(self._job(name))
        for wanted, ended in tuple(self._subscribers):
            if wanted == pool:
                ended(name)

    def _pool(self, folder: Path) -> str | None:
        try:
            return str(json.loads((folder / "job.json").read_bytes())["pool"])
        except (OSError, ValueError, KeyError):
            return None

    def find(self, pool: str) -> dict[str, Execution]:
        """See `Executor.find`."""
        found: dict[str, Execution] = {}
        for folder in self._jobs():
            if self._pool(folder) == pool:
                execution = self.inspect(folder.name)
                if execution is not None:
                    found[folder.name] = execution
        return found

    def _jobs(self) -> list[Path]:
        try:
            return sorted((self._folder / "jobs").iterdir())
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
        """See `Executor.collect`."""
        results = self._job(name) / "results"
        try:
            into.mkdir(parents=True, exist_ok=True)
            for file in _RESULTS:
                if (results / file).is_file():
                    partial = into / f".{file}.partial"
                    shutil.copyfile(results / file, partial)
                    partial.replace(into / file)
        except OSError as error:
            raise _unwritable(into, error) from error

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
        if execution is not None and execution.state is not ExecutionState.RUNNING:
            shutil.rmtree(self._job(name), ignore_errors=True)

    def subscribe(self, pool: str, ended: Callable[[str], None]) -> Callable[[], None]:
        """See `Executor.subscribe`. Jobs started by other processes are seen by looking at their folders."""
        entry = (pool, ended)
        self._subscribers.append(entry)
        done = threading.Event()
        thread = threading.Thread(target=self._watch, args=(pool, ended, done), name=f"watch-{pool}", daemon=True)
        thread.start()

        def unsubscribe() -> None:
            done.set()
            if entry in self._subscribers:
                self._subscribers.remove(entry)
            if threading.current_thread() is not thread:
                thread.join(timeout=5)

        return unsubscribe

    def _watch(self, pool: str, ended: Callable[[str], None], done: threading.Event) -> None:
        running: set[str] = set()
        searched = 0.0
        while not done.wait(_WATCH_S):
            gone = {name for name in running if (self._job(name) / "exit.json").exists()}
            now = time.monotonic()
            if now - searched >= _SEARCH_S:
                searched = now
                try:
                    found = self.find(pool)
                except LentiqError:
                    continue  # the disk does not answer; the next look may
                gone |= {
                    name for name in running if name not in found or found[name].state is not ExecutionState.RUNNING
                }
                running |= {name for name, one in found.items() if one.state is ExecutionState.RUNNING}
            for name in gone:
                running.discard(name)
                ended(name)


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
    found = _read(results / RESULT_ERROR)
    if not found:
        return ""
    cell = found.get("cell")
    where = f" (cell {cell + 1})" if isinstance(cell, int) else ""
    return f"{found.get('ename')}: {str(found.get('evalue')).splitlines()[0] if found.get('evalue') else ''}{where}"


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


def _unwritable(folder: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{folder} cannot be written: {error.strerror}.", "Free space, or set LENTIQ_HOME.")
