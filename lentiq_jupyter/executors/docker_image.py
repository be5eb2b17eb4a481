"""The image of a job in the Docker engine: there, pulled, or refused with what to do."""

from __future__ import annotations

import platform as host_platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound
from docker.models.images import Image
from docker.utils import parse_repository_tag

from ..errors import BadInput, NotFound
from ..interfaces import Registry
from ..model import BlockKind, Job
from .docker_errors import refused

_AGAIN = {
    BlockKind.NOTEBOOK: "Publish the block again.",
    BlockKind.IMAGE: "Push it there again, or make the block again of an image that is there.",
}
_EMULATORS = Path("/proc/sys/fs/binfmt_misc")
_QEMU = {"amd64": "x86_64", "arm64": "aarch64", "386": "i386"}


@dataclass(frozen=True)
class JobImage:
    """What a container is made of. `user` is the image's own, "" where it names none."""

    reference: str
    user: str


def job_image(
    client: docker.DockerClient, registry: Registry, job: Job, version: Callable[[], Mapping[str, Any]]
) -> JobImage:
    """The job's image, pulled if it was not in the engine.

    Parameters
    ----------
    version : callable
        Gives what the engine says of itself.

    Raises
    ------
    BadInput
        If this block cannot run in Docker, or not on the engine's platform.
    NotFound
        If it is neither in the engine nor in the registry.
    Denied, Unavailable
        From the registry.
    """
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
        reference = registry.pull_reference(repository, digest)
    if not reference:
        raise BadInput(
            f"Docker cannot pull block {block.reference} from {registry.location}.",
            "Publish it to a registry with --registry, or run it with --executor process.",
        )
    try:
        image = client.images.get(reference)
    except ImageNotFound:
        image = _pulled(client, reference, _AGAIN[block.spec.kind])
    _check_platform(client, image.attrs, version(), reference)
    return JobImage(reference, str((image.attrs.get("Config") or {}).get("User") or ""))


def gone(job: Job, reference: str) -> NotFound:
    """The error for an image that is removed as fast as it is pulled."""
    return NotFound(
        f"Image {reference} was removed from Docker while its job was being started.",
        f"Run it again; if something cleans up Docker's images, let it spare this one. {_AGAIN[job.block.spec.kind]}",
    )


def _pulled(client: docker.DockerClient, reference: str, again: str) -> Image:
    repository, tag = parse_repository_tag(reference)
    try:
        # Credentials are taken from Docker's own configuration.
        for event in client.api.pull(repository, tag=tag or "latest", stream=True, decode=True):
            if "error" in event:
                raise refused(reference, str(event["error"]), again)
        return client.images.get(reference)
    except ImageNotFound as error:
        raise NotFound(f"Docker does not find {reference}.", again) from error
    except APIError as error:
        raise refused(reference, str(error.explanation), again) from error


def _check_platform(
    client: docker.DockerClient, image: Mapping[str, Any], said: Mapping[str, Any], reference: str
) -> None:
    """Refuse what the engine would start only for the kernel to refuse it (``exec format error``)."""
    machine = str(image.get("Architecture") or "")
    if not machine or machine == said.get("Arch") or _is_emulated(client, machine):
        return
    raise BadInput(
        f"{reference} is made for {image.get('Os')}/{machine}; Docker here runs {said.get('Os')}/{said.get('Arch')}.",
        f"Publish it for this platform, or let Docker emulate {machine} (binfmt, QEMU).",
    )


def _is_emulated(client: docker.DockerClient, machine: str) -> bool:
    """Whether the engine may run programs of another machine; an engine elsewhere is believed to."""
    if not str(client.api.base_url).startswith("http+docker:") or host_platform.system() != "Linux":
        return True
    try:
        return (_EMULATORS / f"qemu-{_QEMU.get(machine, machine)}").read_text().startswith("enabled")
    except OSError:
        return False
