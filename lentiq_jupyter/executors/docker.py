"""Runs blocks as containers of a Docker Engine.

The engine is the only record: a container is named after its job, stays when it has ended, and is found
again by its labels. Secrets are in the container's environment: never in the image, on a command line
or in a log, but whoever may ask this engine to inspect a container can read them.
"""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound
from docker.errors import NotFound as NoSuchContainer
from docker.models.containers import Container

from ..errors import BadInput, Conflict, LentiqError, NotFound, Unavailable
from ..interfaces import LOG_CHUNK_BYTES, Registry
from ..model import RESULT_ERROR, RESULT_OUTPUTS, RESULT_USAGE, RESULTS_FOLDER, Execution, ExecutionState, Job
from .container import (
    LABEL_POOL,
    Told,
    container_options,
    execution_of,
    grace,
    is_alive,
    is_ours,
    needs_open_folder,
    output_sources,
    secret_values,
    was_started,
)
from .container_files import open_folder, read_file, read_outputs
from .docker_clearing import sweep_unstarted
from .docker_errors import translated
from .docker_events import Listener, was_ever_started
from .docker_image import JobImage, gone, job_image
from .docker_log import LogReader
from .docker_marks import Mark, drop_mark, drop_marks, has_mark, put_mark
from .docker_usage import Meter, usage_written
from .image_block import Mask, masked, outputs_document
from .results import RESULT_FILES, failure, put

log = logging.getLogger(__name__)

# A notebook with many pictures has some ten MiB; the service holds what it fetches in memory.
RESULT_LIMIT_BYTES = 256 * 2**20
_TIMEOUT_S = 60
_LOCKS = 64
_SETTLE_S = 20.0
_FORBID_S = 2.0
_PULLS = 2  # how often an image is pulled that is gone again before its container is made


class DockerExecutor:
    """See `interfaces.Executor`.

    CPU and memory are the engine's own limits; there is no swap. What a job prints beyond 1 GiB drops what
    it printed first.

    Parameters
    ----------
    client : callable that makes a client, or None
        None: as the environment says (``DOCKER_HOST``, contexts aside).
    """

    name = "docker"

    def __init__(self, registry: Registry, client: Callable[[], docker.DockerClient] | None = None) -> None:
        self._registry = registry
        self._connect = client or (lambda: docker.from_env(timeout=_TIMEOUT_S))
        self._client: docker.DockerClient | None = None
        self._connecting = threading.Lock()
        self._version: Mapping[str, Any] | None = None
        self._told: dict[str, Told] = {}
        self._meter = Meter()
        self._logs = LogReader()

    def _engine(self) -> docker.DockerClient:
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _named(self, name: str) -> Container | None:
        """The container of that name, whosever it is."""
        try:
            return self._engine().containers.get(name)
        except NoSuchContainer:
            return None

    def _container(self, name: str) -> Container | None:
        """The job's container; a stranger's of that name is as good as none."""
        found = self._named(name)
        return found if found is not None and is_ours(name, found.attrs) else None

    def start(self, job: Job) -> None:
        """See `Executor.start`.

        The container's name makes it single: of two callers one creates it, and both find it. One that
        was created and never started, because its creator died in between, is started now. Callers on
        one host take turns at that; callers on several hosts are kept apart by the scheduler's lease.

        Raises
        ------
        BadInput
            Also if another's container has that name, or the image is for other machines than the engine's.
        """
        with translated("start the job"):
            container = self._named(job.name)
            if container is not None and is_ours(job.name, container.attrs) and was_started(container.attrs["State"]):
                return
            with _turn(job.name):
                container = self._prepared(job)
                if was_started(container.attrs["State"]):
                    return
                # After the container was made: whoever forbids the job marks it first, and then looks for that.
                if has_mark(self._engine(), Mark.FORBIDDEN, job.name):
                    with suppress(APIError):
                        container.remove(v=True)
                    raise _forbidden(job.name)
                self._begin(container)

    def _prepared(self, job: Job) -> Container:
        """The job's container, made if there is none."""
        for _ in range(_PULLS):
            image = job_image(self._engine(), self._registry, job, self._said_of_itself)
            container = self._named(job.name) or self._create(job, image)
            if container is not None:
                if not is_ours(job.name, container.attrs):
                    raise BadInput(
                        f"Docker has a container {job.name} that is not this job, and it is left alone.",
                        "Rename or remove that container, and run the job again.",
                    )
                return container
        raise gone(job, image.reference)

    def _create(self, job: Job, image: JobImage) -> Container | None:
        """A new container, or the one that another caller has just made; None if the image is gone."""
        options = container_options(job, image.reference, image.user)
        try:
            container = self._engine().containers.create(**options)
        except ImageNotFound:
            return None
        except APIError as error:
            if error.status_code == 409 and (found := self._named(job.name)) is not None:
                return found
            if error.status_code == 400:
                raise BadInput(f"Docker refuses the job: {error.explanation}.", "Change what it asks for.") from error
            raise
        container.reload()
        return container

    def _begin(self, container: Container) -> None:
        name = str(container.name)
        try:
            if needs_open_folder(container.attrs):
                open_folder(container, RESULTS_FOLDER)
            container.start()
        except APIError as error:
            if has_mark(self._engine(), Mark.FORBIDDEN, name):
                raise _forbidden(name) from error
            if self._named(name) is None:
                raise Unavailable(f"The container of {name} was removed before it ran.", "Start it again.") from error
            # What cannot be started (no such program in the image) is no execution.
            with suppress(APIError):
                container.remove(v=True)
            raise BadInput(f"Docker cannot start it: {error.explanation}.", "Look at the block's image.") from error

    def _said_of_itself(self) -> Mapping[str, Any]:
        if self._version is None:
            self._version = self._engine().version()
        return self._version

    def forbid(self, name: str, pool: str) -> bool:
        """See `Executor.forbid`.

        A mark is made first, then a container that was created and not started is removed: a starter that
        finds no mark has made its container before, and starts it before or after that. One of this host that
        is at it now may go on first, unless it is frozen. Of one elsewhere whose job runs to its end in the instant
        of the removal, that it has started is told, and nothing else is left.
        """
        with translated("forbid the job"), _turn(name, _FORBID_S):
            engine = self._engine()
            container = self._container(name)
            if container is not None and was_started(container.attrs["State"]):
                return False
            put_mark(engine, Mark.FORBIDDEN, name, pool)
            container = self._container(name)
            if container is None:
                return True
            with suppress(APIError):
                # Without force; it runs by now, or its starter has found the mark and is removing it.
                container.remove(v=True)
            left = self._settled(container)
            # What runs is not removed, but what has run and ended since the look may have been.
            if left is None and not was_ever_started(engine, str(container.id), container.attrs["Created"]):
                return True
            drop_mark(engine, Mark.FORBIDDEN, name)
            return False

    def _settled(self, container: Container) -> Container | None:
        """A container that is being started or removed, when it has become one of these; None: removed."""
        end = time.monotonic() + _SETTLE_S
        while time.monotonic() < end:
            found = self._container(str(container.name))
            if found is None or was_started(found.attrs["State"]):
                return found
            with suppress(APIError):
                found.remove(v=True)
            time.sleep(0.05)
        raise Unavailable(f"Docker neither starts nor removes {container.name}.", "Look at the engine's log.")

    def find(self, pool: str) -> dict[str, Execution]:
        """See `Executor.find`. Containers that were made an hour ago and never started are removed."""
        found: dict[str, Execution] = {}
        with translated("list the jobs"):
            sweep_unstarted(self._engine(), pool)
            listed = self._engine().containers.list(
                all=True, filters={"label": f"{LABEL_POOL}={pool}"}, ignore_removed=True
            )
            for container in listed:
                if is_ours(str(container.name), container.attrs):
                    execution = self._execution(container)
                    if execution is not None:
                        found[execution.name] = execution
        return found

    def inspect(self, name: str) -> Execution | None:
        """See `Executor.inspect`. Of one that runs, what it uses is looked at, too."""
        with translated("look at the job"):
            container = self._container(name)
            if container is not None and container.attrs["State"]["Status"] == "running":
                self._meter.look(self._engine(), str(container.id))
            return self._execution(container) if container is not None else None

    def _execution(self, container: Container) -> Execution | None:
        identity, name = str(container.id), str(container.name)
        state = container.attrs["State"]
        if not was_started(state):
            return None
        if is_alive(state):
            seen = self._meter.seen(identity)
            told = Told(peak_memory_bytes=seen.peak_memory_bytes, cpu_s=seen.cpu_s)
        else:
            # What has ended does not change, so it is asked once.
            told = self._told.get(identity) or self._tell(container)
            self._told[identity] = told
        return execution_of(name, container.attrs, told)

    def _tell(self, container: Container) -> Told:
        """What an ended job says of its failure, or what is wrong with its outputs; and what it has used."""
        usage = self._meter.seen(str(container.id))
        sources = output_sources(container.attrs)
        if sources is None:
            usage = usage.most(usage_written(_file(container, RESULT_USAGE)))
        plain = execution_of(str(container.name), container.attrs)
        stopped, said = False, ""
        if plain is not None and plain.state is ExecutionState.SUCCEEDED:
            said = read_outputs(container, sources, plain.exit_code or 0)[1] if sources else ""
        else:
            said = failure(_file(container, RESULT_ERROR) or b"")
            stopped = has_mark(self._engine(), Mark.STOPPED, str(container.name))
        return Told(said, stopped, usage.peak_memory_bytes, usage.cpu_s)

    def collect(self, name: str, into: Path) -> None:
        """See `Executor.collect`."""
        with translated("fetch the results"):
            container = self._known(name)
            files = {file: _file(container, file) for file in RESULT_FILES}
            sources = output_sources(container.attrs)
            if sources:  # else an image that knows of lentiq may write its outputs as our runner does
                files[RESULT_OUTPUTS] = _outputs(container, sources)
        for file, body in files.items():
            if body is not None:
                put(into, file, body)

    def log(self, name: str, offset: int = 0, limit: int = LOG_CHUNK_BYTES) -> bytes:
        """See `Executor.log`.

        Offsets count from the oldest byte that the engine has: the first one printed, up to 1 GiB. A reader
        whom the log has overtaken finds a line that says so.
        """
        with translated("read the log"):
            container = self._known(name)
            # By the state from before the log is read: what had ended then has said all.
            ended = not is_alive(container.attrs["State"])
            mask = Mask(secret_values(container.attrs))
            return self._logs.read(self._engine(), str(container.id), offset, limit, mask, ended=ended)

    def _known(self, name: str) -> Container:
        container = self._container(name)
        if container is None:
            raise NotFound(f"There is no job {name} here.")
        return container

    def stop(self, name: str, grace_s: float = 10.0) -> None:
        """See `Executor.stop`. The engine waits and kills; a thread waits for the engine."""
        with translated("stop the job"):
            container = self._container(name)
            if container is None or container.attrs["State"]["Status"] != "running":
                return
            # So that one who was not asked is told from one who was.
            put_mark(self._engine(), Mark.STOPPED, name, str(container.labels[LABEL_POOL]))

        def ask() -> None:
            # Gone meanwhile, or the engine went away: the next look at the job shows which.
            with suppress(LentiqError), translated("stop the job"):
                container.stop(timeout=grace(grace_s))

        threading.Thread(target=ask, name=f"stop-{name}", daemon=True).start()

    def remove(self, name: str) -> None:
        """See `Executor.remove`. The results volume goes too, and what forbade the job."""
        with translated("remove the job"):
            container = self._container(name)
            if container is not None:
                if is_alive(container.attrs["State"]):
                    return
                with suppress(NoSuchContainer):
                    container.remove(v=True)
                identity = str(container.id)
                self._told.pop(identity, None)
                self._meter.forget(identity)
                self._logs.forget(identity)
            drop_marks(self._engine(), name)

    def subscribe(self, pool: str, ended: Callable[[str], None]) -> Callable[[], None]:
        """See `Executor.subscribe`. After a broken connection, what ended meanwhile is told late, not lost."""
        with translated("listen to events"):
            listener = Listener(self._connect(), pool, ended)
        listener.thread.start()
        return listener.close


def _forbidden(name: str) -> Conflict:
    return Conflict(f"Job {name} may not start any more.", "Start it under another name.")


def _file(container: Container, name: str) -> bytes | None:
    """One result file of a container, without secrets; None if it is not there, no plain file, or too large.

    One by one, because a job may keep large files of its own beside them.
    """
    body, wrong = read_file(container, f"{RESULTS_FOLDER}/{name}", RESULT_LIMIT_BYTES)
    if body is None and "bytes" in wrong:
        log.warning("%s of %s %s and is left out.", name, container.name, wrong)
    return masked(body, secret_values(container.attrs)) if body is not None else None


def _outputs(container: Container, sources: dict[str, str]) -> bytes | None:
    """The outputs of an image block as a notebook block writes them; None while it runs."""
    state = container.attrs["State"]
    if is_alive(state):
        return None
    values, _ = read_outputs(container, sources, int(state["ExitCode"]))
    return outputs_document(values, secret_values(container.attrs))


@contextmanager
def _turn(name: str, patience_s: float = float("inf")) -> Iterator[None]:
    """One caller of this host at a time for jobs of that name; who has waited for so long goes on without."""
    folder = Path(tempfile.gettempdir()) / f"lentiq-docker-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / str(zlib.crc32(name.encode()) % _LOCKS)).open("w") as lock:
        if patience_s == float("inf"):
            fcntl.flock(lock, fcntl.LOCK_EX)
        end = time.monotonic() + patience_s
        while patience_s < float("inf"):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < end:
                    time.sleep(0.02)
                    continue
            break
        yield
