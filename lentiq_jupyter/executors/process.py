"""Runs blocks as processes of this machine, without Docker.

Each job is a folder ``jobs/<name>`` with ``job.json`` (no secrets), ``log``, ``results/`` and what its supervisor
writes: ``lock``, ``started`` (or ``forbidden``), ``usage.json``, ``exit.json``; see `supervision`. Limits:
memory is watched and the job killed when it takes more; CPU by affinity, in whole processors. Where the system allows
namespaces, a job sees no processes and no temporary files but its own, and of the private folder its block and its
results only; anywhere, it has no privileges beyond those of a plain user.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from ..errors import BadInput, Conflict, NotFound, Unavailable
from ..interfaces import LOG_CHUNK_BYTES, Registry
from ..model import ENV_INPUTS, ENV_RESULTS, BlockKind, Execution, ExecutionState, Job, format_memory
from ..scratch import hold_shared
from .inputs import inputs_text
from .job_folder import RESULTS, open_result, read_document, read_execution, write_document
from .launching import Launcher, probe_isolation
from .results import RESULT_FILES, put_stream, unwritable
from .supervision.claim import FORBIDDEN, STARTED, claim
from .supervision.task import find_user
from .supervision.words import NEVER
from .unpacked import UnpackedImages
from .watching import Watch

# Inside the executor's folder.
JOBS, BYTECODE = "jobs", "bytecode"
LOG_LIMIT_BYTES = 1 << 30
_PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip


def run_block(root: Path) -> list[str]:
    """What is run of a block: its runner."""
    return [str(root / "runner/bin/python"), "-m", "lentiq_jupyter.runner"]


class ProcessExecutor:
    """See `interfaces.Executor`.

    Parameters
    ----------
    folder : Path
        Holds the unpacked images and the jobs.
    interpreter : callable from ``X.Y`` to a Python of this machine
    command : callable
        The program of a job and its arguments, from the unpacked block.
    private : Path or None
        What jobs must not see, but for what is theirs; None: `folder`.
    user : str or None
        Whom jobs run as, where the executor runs as root: a name or ``1000:1000``. That user must be able to
        reach the folder and the interpreters. None: as the executor does.
    log_limit_bytes : int
        What is kept of a log's beginning. Of what is more, only the end is.
    """

    name = "process"

    def __init__(
        self,
        folder: Path,
        registry: Registry,
        interpreter: Callable[[str], Path],
        *,
        command: Callable[[Path], list[str]] = run_block,
        private: Path | None = None,
        user: str | None = None,
        log_limit_bytes: int = LOG_LIMIT_BYTES,
    ) -> None:
        self._folder = folder
        self._images = UnpackedImages(folder, registry, interpreter)
        self._command = command
        # Both: a folder may lie anywhere.
        self._hidden = [os.path.realpath(one) for one in dict.fromkeys((private or folder, folder))]
        self._known_places: dict[tuple[Path, int, str], list[str]] = {}
        self._user = user if os.geteuid() == 0 else None
        self._log_limit = log_limit_bytes
        self._watches: list[Watch] = []
        # Folders of bound jobs that this process started, by job: open, and so held, until they are removed.
        self._bound: dict[str, ExitStack] = {}
        self._heard: set[str] = set()
        self._isolation = ""
        # Its thread must not keep this object.
        this = weakref.ref(self)
        self._launcher = Launcher(lambda name, pool: _tell(this(), name, pool))
        weakref.finalize(self, self._launcher.close)

    def _job(self, name: str) -> Path:
        if "/" in name or name.startswith("."):
            raise BadInput(f"{name!r} is not the name of a job.")
        return self._folder / JOBS / name

    def start(self, job: Job) -> None:
        """See `Executor.start`. The supervisor, not this method, makes sure that it happens once."""
        folder = self._job(job.name)
        if (folder / STARTED).exists():
            return
        if (folder / FORBIDDEN).exists():
            raise _forbidden(job.name)
        if job.block.spec.kind is not BlockKind.NOTEBOOK:
            raise BadInput(f"Block {job.block.reference} is an image.", "Run it with the docker executor.")
        inputs = inputs_text(job.inputs)
        with self._images.held(job.block) as (root, held):
            # Compiled once for all runs of a block, beside its unpacked files, which stay as they are.
            compiled = self._folder / BYTECODE / root.name
            try:
                (folder / RESULTS).mkdir(parents=True, exist_ok=True)
                self._note(job.name, job.pool, job.block.reference, bound=job.bound)
                compiled.mkdir(parents=True, exist_ok=True)
                self._give([folder / RESULTS, compiled])
                if job.bound:
                    self._bound[job.name] = self._bound.get(job.name) or _hold(folder)
            except OSError as error:
                raise unwritable(folder, error) from error
            spec = self._spec(job, inputs, root, compiled)
            self._heard.add(job.name)
            try:
                answer = self._launcher.start(job.name, job.pool, folder, spec, held)
            except Unavailable:
                self._heard.discard(job.name)
                raise
        if answer == NEVER:
            raise _forbidden(job.name)

    def _note(self, name: str, pool: str, block: str, *, bound: bool) -> None:
        runner = self._command is run_block
        document: dict[str, object] = {"pool": pool, "block": block, "bound": bound, "runner": runner}
        write_document(self._job(name) / "job.json", document)

    def _give(self, folders: list[Path]) -> None:
        """Let the user that jobs run as write there."""
        if self._user is not None:
            with contextlib.suppress(KeyError):  # the supervisor says so
                for one in folders:
                    os.chown(one, *find_user(self._user))

    def _spec(self, job: Job, inputs: str, root: Path, compiled: Path) -> dict[str, object]:
        """What the supervisor is told: real paths, for links may lie in what is hidden."""
        results = os.path.realpath(self._job(job.name) / RESULTS)
        root, compiled = Path(os.path.realpath(root)), Path(os.path.realpath(compiled))
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= job.environment | job.secrets
        environment |= {
            ENV_INPUTS: inputs,
            ENV_RESULTS: results,
            "LENTIQ_ROOT": str(root),
            "PYTHONPATH": str(root / "runner" / "lentiq"),
            "PYTHONPYCACHEPREFIX": str(compiled),
            "PYTHONUNBUFFERED": "1",
        }
        read = [(one, False) for one in self._places(root)]
        return {
            "folder": str(Path(results).parent),
            "argv": self._command(root),
            "environment": environment,
            "memory_bytes": job.resources.memory_bytes,
            "memory": format_memory(job.resources.memory_bytes),
            "cpus": max(1, math.ceil(job.resources.cpu_millicores / 1000)),
            "log_bytes": self._log_limit,
            "network": job.allow_network,
            "bound": job.bound,
            "user": self._user,
            "temporary": tempfile.gettempdir(),
            "hidden": self._hidden,
            "shown": [*read, (str(compiled), True), (results, True)],
        }

    def _places(self, root: Path) -> list[str]:
        """Where a block's files really lie, and the interpreters that run them."""
        key = (root, root.stat().st_ino, os.readlink(root / "env" / "bin" / "python"))
        if key not in self._known_places:
            self._known_places[key] = self._images.places(root)
        return self._known_places[key]

    def forbid(self, name: str, pool: str) -> bool:
        """See `Executor.forbid`. What it leaves goes with `remove`, or a week later; see `clearing`."""
        folder = self._job(name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "job.json").exists():
                self._note(name, pool, "", bound=False)
            mark, lock = claim(str(folder), FORBIDDEN)
        except OSError as error:
            raise unwritable(folder, error) from error
        if lock is not None:
            os.close(lock)
        return mark == FORBIDDEN

    def isolation(self) -> str:
        """What keeps jobs from others' files and processes here: ``namespaces``, ``landlock`` or ``none``.

        Asked of the system once. Raises Unavailable if no process can be started.
        """
        self._isolation = self._isolation or probe_isolation()
        return self._isolation

    def tell(self, name: str, pool: str) -> None:
        """Say to all who subscribed that a job has ended."""
        self._heard.discard(name)
        for watch in tuple(self._watches):
            if watch.pool == pool:
                watch.tell(name)

    def is_heard(self, name: str) -> bool:
        """Whether the end of that job will be told without looking."""
        return name in self._heard

    def pool_of(self, name: str) -> str | None:
        """The data pool of a job; None if there is no such job, or not yet."""
        found = read_document(self._job(name) / "job.json")
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
            return sorted(one for one in os.listdir(self._folder / JOBS) if not one.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be read: {error.strerror}.", "Look at its rights.") from error

    def inspect(self, name: str) -> Execution | None:
        """See `Executor.inspect`."""
        return read_execution(self._job(name))

    def collect(self, name: str, into: Path) -> None:
        """See `Executor.collect`. Raises NotFound for a job that is not here."""
        folder = self._job(name)
        if not folder.is_dir():
            raise NotFound(f"There is no job {name} here.")
        for file in RESULT_FILES:
            try:
                result = open_result(folder, file)
            except OSError as error:
                raise Unavailable(f"{folder} cannot be read: {error.strerror}.", "Look at its rights.") from error
            if result is not None:
                with result:
                    put_stream(into, file, result)

    def log(self, name: str, offset: int = 0, limit: int = LOG_CHUNK_BYTES) -> bytes:
        """See `Executor.log`. Beyond its bound, a log is to be had when the job has ended."""
        folder = self._job(name)
        if not folder.is_dir():
            raise NotFound(f"There is no job {name} here.")
        if not self.has_exit(name):
            limit = min(limit, self._log_limit - offset)
        try:
            with (folder / "log").open("rb") as file:
                file.seek(offset)
                return file.read(max(0, limit))
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise Unavailable(f"{folder} cannot be read: {error.strerror}.", "Look at its rights.") from error

    def stop(self, name: str, grace_s: float = 10.0) -> None:
        """See `Executor.stop`. The supervisor finds the wish within a tenth of a second."""
        folder = self._job(name)
        if (folder / STARTED).exists() and not (folder / "exit.json").exists():
            partial = folder / f".stop-{os.getpid()}"
            try:
                partial.write_text(str(grace_s), encoding="ascii")
                partial.replace(folder / "stop")
            except FileNotFoundError:
                return  # removed meanwhile
            except OSError as error:
                raise unwritable(folder, error) from error

    def remove(self, name: str) -> None:
        """See `Executor.remove`."""
        execution = self.inspect(name)
        if execution is not None and execution.state is ExecutionState.RUNNING:
            return
        bound = self._bound.pop(name, None)
        if bound is not None:
            bound.close()
        elif execution is None and not (self._job(name) / FORBIDDEN).exists():
            return
        # Renamed first: half a job must never look like one that was not started.
        gone = self._folder / JOBS / f".gone-{name}"
        with contextlib.suppress(OSError):
            shutil.rmtree(gone, ignore_errors=True)
            self._job(name).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def subscribe(self, pool: str, ended: Callable[[str], None]) -> Callable[[], None]:
        """See `Executor.subscribe`. What had ended before is the caller's to find.

        Jobs that this object started are told of at once; those of other processes are seen by looking at
        their folders.
        """
        watch = Watch(self, pool, ended)
        self._watches.append(watch)
        watch.thread.start()

        def unsubscribe() -> None:
            if watch in self._watches:
                self._watches.remove(watch)
            watch.close()

        return unsubscribe


def _tell(executor: ProcessExecutor | None, name: str, pool: str) -> None:
    if executor is not None:
        executor.tell(name, pool)


def _forbidden(name: str) -> Conflict:
    return Conflict(f"Job {name} must not be started any more: another scheduler took over.", "Do nothing about it.")


def _hold(folder: Path) -> ExitStack:
    stack = ExitStack()
    stack.enter_context(hold_shared(folder))
    return stack
