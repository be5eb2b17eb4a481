"""The Docker Engine: reached, asked what it can run, and its refusals said in words."""

from __future__ import annotations

import platform as host_platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from docker.api import APIClient
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env

from ..errors import BuildFailed, Unavailable

_ENGINE_TIMEOUT_S = 600
_QUESTION_TIMEOUT_S = 5
# The kernel's handlers of foreign programs; one of them per machine is what QEMU registers.
_EMULATORS = Path("/proc/sys/fs/binfmt_misc")
_QEMU = {"amd64": "x86_64", "arm64": "aarch64", "386": "i386"}


def engine() -> APIClient:
    """The engine that the environment names (``DOCKER_HOST``), else this machine's."""
    return APIClient(version="auto", timeout=_ENGINE_TIMEOUT_S, **kwargs_from_env())


def docker_answers() -> bool:
    """Whether an engine answers within some seconds."""
    try:
        client = APIClient(version="auto", timeout=_QUESTION_TIMEOUT_S, **kwargs_from_env())
    except (DockerException, requests.RequestException):
        return False
    client.close()
    return True


def docker_runs(platform: str) -> bool:
    """Whether an engine answers that is known to run programs of a platform (``linux/arm64``)."""
    try:
        client = APIClient(version="auto", timeout=_QUESTION_TIMEOUT_S, **kwargs_from_env())
    except (DockerException, requests.RequestException):
        return False
    try:
        return bool(runs(client, platform))
    except (DockerException, requests.RequestException):
        return False
    finally:
        client.close()


def runs(client: APIClient, platform: str) -> bool | None:
    """Whether the engine runs programs of a platform; None where it is on another machine, with its emulators."""
    said = client.version()
    system, machine = platform.split("/")[:2]
    if (said.get("Os"), said.get("Arch")) == (system, machine):
        return True
    if not str(client.base_url).startswith(("http+docker:", "http+unix:")) or host_platform.system() != "Linux":
        return None
    try:
        return (_EMULATORS / f"qemu-{_QEMU.get(machine, machine)}").read_text().startswith("enabled")
    except OSError:
        return False


@contextmanager
def engine_errors() -> Iterator[None]:
    try:
        yield
    except APIError as error:
        if error.is_client_error():
            raise BuildFailed(f"docker build failed: {error.explanation}", "Look at the Dockerfile.") from error
        raise Unavailable(f"Docker refused: {error.explanation}", "Look at the engine's log.") from error
    except (DockerException, requests.RequestException) as error:
        raise Unavailable(
            f"The Docker engine does not answer ({type(error).__name__}).",
            "Start Docker, set DOCKER_HOST, or use --builder layers.",
        ) from error
