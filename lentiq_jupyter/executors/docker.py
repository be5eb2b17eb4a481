"""Runs blocks as containers of a Docker Engine.

The engine is the only record: a container is named after its job, stays when it has ended, and is found
again by its labels. Secrets are in the container's environment: never in the image, on a command line
or in a log, but whoever may ask this engine to inspect a container can read them.
"""

from __future__ import annotations

import fcntl
import io
import logging
import os
import tarfile
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.errors import NotFound as NoSuchContainer
from docker.models.containers import Container
from docker.utils import parse_repository_tag
from urllib3.exceptions import HTTPError

from ..errors import BadInput, Denied, LentiqError, NotFound, Unavailable
from ..interfaces import Registry
from ..model import RESULT_ERROR, RESULTS_FOLDER, BlockKind, Execution, ExecutionState, Job
from .container import LABEL_POOL, container_options, execution_of, grace, was_started
from .results import RESULT_FILES, failure, put

log = logging.getLogger(__name__)

# A notebook with many pictures has some ten MiB; the service holds what it fetches in memory.
RESULT_LIMIT_BYTES = 256 * 2**20
_TIMEOUT_S = 60
_RECONNECT_S = 1.0
_LOCKS = 64
_MESSAGES = {
    "denied": ("denied", "unauthorized", "authentication required", "no basic auth"),
    "missing": ("not found", "manifest unknown", "does not exist", "name unknown"),
}


class DockerExecutor:
    """See `interfaces.Executor`.

    CPU and memory are the engine's own limits; there is no swap. How much memory a container took at
    most, the engine does not keep: `peak_memory_bytes` is None.

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
        self._said: dict[str, str] = {}

    def _engine(self) -> docker.DockerClient:
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _container(self, name: str) -> Container | None:
        try:
            return self._engine().containers.get(name)
        except NoSuchContainer:
            return None

    def start(self, job: Job) -> None:
        """See `Executor.start`.

        The container's name makes it single: of two callers one creates it, and both find it. One that
        was created and never started, because its creator died in between, is started now. Callers on
        one host take turns at that; callers on several hosts are kept apart by the scheduler's lease.
        """
        with _translated("start the job"):
            container = self._container(job.name)
            if container is not None and was_started(container.attrs["State"]):
                return
            options = container_options(job, self._image(job))
            with _turn(job.name):
                container = self._container(job.name) or self._create(options)
                if not was_started(container.attrs["State"]):
                    self._begin(container)

    def _create(self, options: dict[str, Any]) -> Container:
        try:
            container = self._engine().containers.create(**options)
        except ImageNotFound as error:
            raise NotFound(f"Image {options['image']} is gone.", "Publish the block again.") from error
        except APIError as error:
            if error.status_code == 409 and (found := self._container(options["name"])) is not None:
                return found
            if error.status_code == 400:
                raise BadInput(f"Docker refuses the job: {error.explanation}.", "Change what it asks for.") from error
            raise
        container.reload()
        return container

    def _begin(self, container: Container) -> None:
        try:
            container.start()
        except APIError as error:
            # What cannot be started (no such program in the image) is no execution.
            with suppress(APIError):
                container.remove(v=True)
            raise BadInput(f"Docker cannot start it: {error.explanation}.", "Look at the block's image.") from error

    def _image(self, job: Job) -> str:
        """The reference of the job's image, pulled if it was not here."""
        block = job.block
        if block.spec.kind is BlockKind.IMAGE:
            reference: str | None = block.spec.base
        elif not block.complete:
            raise BadInput(
                f"Block {block.reference} has no base layers, so Docker cannot run it.",
                "Run it with --executor process, or publish it again where the base image can be reached.",
            )
        else:
            repository, _, digest = block.image.partition("@")
            reference = self._registry.pull_reference(repository, digest)
        if not reference:
            raise BadInput(
                f"Docker cannot pull block {block.reference} from {self._registry.location}.",
                "Publish it to a registry with --registry, or run it with --executor process.",
            )
        try:
            self._engine().images.get(reference)
        except ImageNotFound:
            self._pull(reference)
        return reference

    def _pull(self, reference: str) -> None:
        repository, tag = parse_repository_tag(reference)
        try:
            # Credentials are taken from Docker's own configuration.
            for event in self._engine().api.pull(repository, tag=tag or "latest", stream=True, decode=True):
                if "error" in event:
                    raise _refused(reference, str(event["error"]))
        except APIError as error:
            raise _refused(reference, str(error.explanation)) from error

    def find(self, pool: str) -> dict[str, Execution]:
        """See `Executor.find`."""
        found: dict[str, Execution] = {}
        with _translated("list the jobs"):
            listed = self._engine().containers.list(
                all=True, filters={"label": f"{LABEL_POOL}={pool}"}, ignore_removed=True
            )
            for container in listed:
                execution = self._execution(container)
                if execution is not None:
                    found[execution.name] = execution
        return found

    def inspect(self, name: str) -> Execution | None:
        """See `Executor.inspect`."""
        with _translated("look at the job"):
            container = self._container(name)
            return self._execution(container) if container is not None else None

    def _execution(self, container: Container) -> Execution | None:
        execution = execution_of(str(container.name), container.attrs)
        if execution is None or execution.state is not ExecutionState.FAILED:
            return execution
        identity = str(container.id)
        if identity not in self._said:
            # What has ended does not change, so it is asked once.
            self._said[identity] = failure(_file(container, RESULT_ERROR) or b"")
        return execution_of(str(container.name), container.attrs, self._said[identity])

    def collect(self, name: str, into: Path) -> None:
        """See `Executor.collect`."""
        with _translated("fetch the results"):
            container = self._container(name)
            if container is None:
                raise NotFound(f"There is no job {name} here.")
            files = {file: _file(container, file) for file in RESULT_FILES}
        for file, body in files.items():
            if body is not None:
                put(into, file, body)

    def log(self, name: str, offset: int = 0) -> bytes:
        """See `Executor.log`. The engine gives the whole log; what was read before is cut off here."""
        with _translated("read the log"):
            container = self._container(name)
            if container is None:
                raise NotFound(f"There is no job {name} here.")
            return bytes(container.logs(stdout=True, stderr=True))[offset:]

    def stop(self, name: str, grace_s: float = 10.0) -> None:
        """See `Executor.stop`. The engine waits and kills; a thread waits for the engine."""
        with _translated("stop the job"):
            container = self._container(name)
        if container is None or container.attrs["State"]["Status"] != "running":
            return

        def ask() -> None:
            # Gone meanwhile, or the engine went away: the next look at the job shows which.
            with suppress(LentiqError), _translated("stop the job"):
                container.stop(timeout=grace(grace_s))

        threading.Thread(target=ask, name=f"stop-{name}", daemon=True).start()

    def remove(self, name: str) -> None:
        """See `Executor.remove`. The results volume goes too."""
        with _translated("remove the job"):
            container = self._container(name)
            if container is None or container.attrs["State"]["Status"] in ("running", "paused", "restarting"):
                return
            with suppress(NoSuchContainer):
                container.remove(v=True)
            self._said.pop(str(container.id), None)

    def subscribe(self, pool: str, ended: Callable[[str], None]) -> Callable[[], None]:
        """See `Executor.subscribe`. After a broken connection, what ended meanwhile is told late, not lost."""
        with _translated("listen to events"):
            listener = _Listener(self._connect(), pool, ended)
        listener.thread.start()
        return listener.close


class _Listener:
    """One thread that reads the engine's events of one pool."""

    def __init__(self, client: docker.DockerClient, pool: str, ended: Callable[[str], None]) -> None:
        self._client = client
        self._filters = {"type": "container", "event": "die", "label": f"{LABEL_POOL}={pool}"}
        self._ended = ended
        self._done = threading.Event()
        # The engine's own clock says from when on; connecting twice must leave no gap.
        self._since_ns = _engine_time_ns(client)
        self._events: Any = None
        self.thread = threading.Thread(target=self._listen, name=f"docker-events-{pool}", daemon=True)

    def _listen(self) -> None:
        while not self._done.is_set():
            with suppress(LentiqError), _translated("listen to events"):
                self._events = self._client.api.events(
                    since=self._since_ns // 10**9, filters=self._filters, decode=True
                )
                if self._done.is_set():
                    # Closed while it was being connected: `close` had nothing to close yet.
                    self._hang_up()
                    return
                for event in self._events:
                    if self._done.is_set():
                        return
                    # The engine is asked for whole seconds, so it may tell some again.
                    if event["timeNano"] > self._since_ns:
                        self._since_ns = event["timeNano"]
                        self._ended(str(event["Actor"]["Attributes"]["name"]))
            self._done.wait(_RECONNECT_S)

    def close(self) -> None:
        """Stop listening."""
        self._done.set()
        self._hang_up()
        if threading.current_thread() is not self.thread:
            self.thread.join(timeout=5)
        self._client.close()

    def _hang_up(self) -> None:
        if self._events is not None:
            with suppress(DockerException, OSError, HTTPError, AttributeError):
                self._events.close()


def _engine_time_ns(client: docker.DockerClient) -> int:
    text = client.info().get("SystemTime")
    return int(datetime.fromisoformat(text).timestamp() * 1e9) if text else time.time_ns()


def _file(container: Container, name: str) -> bytes | None:
    """One result file of a container, running or ended; None if it is not there, no plain file, or too large.

    One by one, because a job may keep large files of its own beside them.
    """
    for attempt in (1, 2, 3):
        try:
            stream, status = container.get_archive(f"{RESULTS_FOLDER}/{name}")
        except NoSuchContainer:
            return None  # said of a missing file as well
        size = int((status or {}).get("size", 0))
        if size > RESULT_LIMIT_BYTES:
            log.warning("%s of %s has %s bytes and is left out.", name, container.name, size)
            return None
        try:
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
                member = archive.next()
                content = archive.extractfile(member) if member is not None and member.isfile() else None
                return content.read() if content is not None else None
        except tarfile.TarError as error:
            # The file was replaced while the engine read it.
            if attempt == 3:
                raise Unavailable("The job's results cannot be read.", "Try again.") from error
    return None


@contextmanager
def _turn(name: str) -> Iterator[None]:
    """One caller of this host at a time for jobs of that name."""
    folder = Path(tempfile.gettempdir()) / f"lentiq-docker-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / str(zlib.crc32(name.encode()) % _LOCKS)).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Errors of the engine as errors of this package. Those of the connection are OSErrors."""
    try:
        yield
    except APIError as error:
        raise Unavailable(f"Docker could not {what}: {error.explanation}.", "Try again.") from error
    except (DockerException, OSError, HTTPError) as error:
        raise Unavailable(
            f"Docker could not {what}: no Docker Engine answers.", "Start Docker, or use --executor process."
        ) from error


def _refused(reference: str, explanation: str) -> LentiqError:
    text = explanation.lower()
    if any(word in text for word in _MESSAGES["denied"]):
        return Denied(f"Docker may not pull {reference}: {explanation}.", "Sign in with docker login.")
    if any(word in text for word in _MESSAGES["missing"]):
        return NotFound(f"Docker does not find {reference}.", "Publish the block again.")
    return Unavailable(f"Docker could not pull {reference}: {explanation}.", "Try again.")
