"""Make a block of an existing image: look it up in its registry, pin it, describe it. Nothing is copied or run."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import BadInput, NotFound, SecretFound
from ..interfaces import Registry
from ..model import Block, BlockSpec, ImageRequest, record
from .image_request import image_spec
from .provenance import tool_provenance

if TYPE_CHECKING:
    from ..registry import Catalogue

OpenRemote = Callable[[str], tuple[Registry, str, str]]
_CONFIG_LIMIT = 16 << 20
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@record
class FoundImage:
    """An image in its registry: its reference by digest, what it starts with."""

    reference: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]


def block_from_image(request: ImageRequest, *, catalogue: Catalogue, open_remote: OpenRemote, author: str) -> Block:
    """See `Service.block_from_image`. If the newest version is the same already, that is it.

    Raises
    ------
    Invalid
        With every fault of the request.
    BadInput
        If the reference names no image that tasks can run.
    SecretFound
        If a secret stands in the request, where everyone who sees the block would read it.
    Conflict
        If the version exists and is another.
    NotFound
        If there is no such image.
    Unavailable, Denied
        From either registry.
    """
    from ..registry.image_block import register_image_block

    image = find_image(request.image.strip(), open_remote)
    spec = image_spec(request, image.reference, image.entrypoint)
    if not (image.entrypoint or request.command or image.command):
        raise BadInput(f"Image {request.image} does not say what to run.", "Give a command.")
    _refuse_secrets(spec)
    return register_image_block(catalogue, spec, version=request.version, author=author, provenance=tool_provenance())


def find_image(reference: str, open_remote: OpenRemote) -> FoundImage:
    """Look up an image, of whatever platforms; of several, this machine's says what it starts with.

    Raises
    ------
    BadInput
        If it is no reference, or what it names is no image for Linux.
    NotFound
        If there is none.
    Unavailable, Denied
        From its registry.
    """
    registry, repository, tag = open_remote(reference)
    try:
        described, body = registry.get_manifest(repository, tag)
        pinned = registry.pull_reference(repository, described.digest)
        document = _document(body, reference)
        if "manifests" in document:
            described, body = registry.get_manifest(repository, _of_platform(document["manifests"], reference))
            document = _document(body, reference)
        config = document.get("config") or {}
        if "image" not in str(config.get("mediaType", "")):
            raise BadInput(f"{reference} is no container image but {config.get('mediaType', 'an index')}.", "Name one.")
        with registry.open_blob(repository, str(config.get("digest"))) as stream:
            settings = _document(stream.read(_CONFIG_LIMIT), reference)
    except NotFound as error:
        raise NotFound(
            f"There is no image {reference} in {registry.location}.",
            "Look at its name and tag. One that only Docker on this machine has must be pushed to a registry first.",
        ) from error
    if pinned is None:
        raise BadInput(f"Docker cannot pull {reference}.", "Name an image in a registry server.")
    if settings.get("os", "linux") != "linux":
        raise BadInput(f"Image {reference} is for {settings['os']}.", "Name one for Linux.")
    inner = settings.get("config") or {}
    return FoundImage(
        reference=pinned,
        entrypoint=tuple(map(str, inner.get("Entrypoint") or ())),
        command=tuple(map(str, inner.get("Cmd") or ())),
    )


def _of_platform(manifests: list[Mapping[str, Any]], reference: str) -> str:
    """The digest of the image for this machine's platform, else of the first for Linux."""
    platforms = [(one.get("platform") or {}, str(one.get("digest"))) for one in manifests]
    linux = [(one, digest) for one, digest in platforms if one.get("os", "linux") == "linux"]
    machine = _ARCHITECTURES.get(platform.machine(), platform.machine())
    for one, digest in (*(pair for pair in linux if pair[0].get("architecture") == machine), *linux):
        if one.get("architecture") != "unknown":
            return digest
    names = ", ".join(f"{one.get('os')}/{one.get('architecture')}" for one, _ in platforms) or "nothing"
    raise BadInput(f"{reference} has no image for Linux; it has {names}.", "Name one for Linux.")


def _document(body: bytes, reference: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BadInput(f"{reference} is damaged in its registry.", "Push it there again.")
    return document


def _refuse_secrets(spec: BlockSpec) -> None:
    from ..analysis.guard import sightings
    from ..analysis.literals import secret_kind

    texts = {"description": spec.description}
    texts |= {f"command[{number}]": word for number, word in enumerate(spec.command, 1)}
    texts |= {f"environment.{name}": text for name, text in spec.environment.items()}
    texts |= {
        f"inputs.{one.name}": one.default if isinstance(one.default, str) else json.dumps(one.default)
        for one in spec.inputs
        if one.default is not None
    }
    for place, text in texts.items():
        kind = next((one.kind for one in sightings(text)), "") or secret_kind(place.partition(".")[2], text)
        if kind:
            name = place.partition(".")[2] or "TOKEN"
            raise SecretFound(
                f"{place} holds {kind}, which everyone who sees the block would read.",
                f"Make it a secret input, say {name}, and set it with: lentiq secret set {name}",
            )
