"""The recipe: a pure value from which an image follows. Same recipe, same digest."""

from __future__ import annotations

from .block import BlockSpec
from .record import record


@record
class RecipeFile:
    """One file of the block, by content. `path` is relative, with forward slashes."""

    path: str
    sha256: str
    size: int


@record
class Recipe:
    """Everything an image is made of; host paths and times are no part of it.

    `base` is the base image's reference, `platform` the OCI platform (``linux/amd64``), `requirements`
    and `runner_requirements` the lock texts of the block's and the runner's environment,
    `system_packages` Debian package names, `notebook` the path of the notebook among `files`.
    """

    spec: BlockSpec
    base: str
    platform: str
    python: str
    requirements: str
    runner_requirements: str
    files: tuple[RecipeFile, ...]
    notebook: str
    system_packages: tuple[str, ...] = ()


@record
class Descriptor:
    """An OCI content descriptor: media type, digest (``sha256:…``), size in bytes."""

    media_type: str
    digest: str
    size: int


@record
class Image:
    """A built image, its blobs already in the registry, not yet registered under a version.

    `layers` in order, base first; `config` describes the configuration blob; `complete` is False where
    the base layers are missing; `bytes_sent` went over the wire for it.
    """

    repository: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    base_layers: int
    complete: bool
    bytes_sent: int
    bytes_total: int
