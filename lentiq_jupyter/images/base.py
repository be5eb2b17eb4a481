"""The base image: found by its reference and platform, its layers brought into the target registry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import BadInput, Conflict, Denied, Invalid, NotFound, Unavailable
from ..interfaces import Registry
from ..model import Descriptor, Recipe, Reporter, Step, decode, encode, record
from .disk import disk_errors, work_folder
from .packing import CHUNK_BYTES

OpenRemote = Callable[[str], tuple[Registry, str, str]]
_MEGABYTE = 1_000_000


@record
class Base:
    """A base image of one platform: where it is, its layers in order, its configuration's document."""

    registry: Registry
    repository: str
    layers: tuple[Descriptor, ...]
    config: dict[str, Any]

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """Digests of the layers' tars, in order."""
        return tuple(self.config.get("rootfs", {}).get("diff_ids", ()))

    @property
    def settings(self) -> dict[str, Any]:
        """What containers of it inherit: environment, labels …"""
        return self.config.get("config") or {}


def find_base(recipe: Recipe, open_remote: OpenRemote) -> Base:
    """The base image of a recipe, by its registry.

    Raises
    ------
    BadInput
        If it has another Python, does not exist, or not for the recipe's platform.
    Unavailable, Denied
        If its registry does not answer or refuses.
    """
    registry, repository, reference = open_remote(recipe.base)
    fitting = f"Take --base python:{recipe.python}-slim, or another image with Python {recipe.python}."
    try:
        _, body = registry.get_manifest(repository, reference)
        document = json.loads(body)
        if "manifests" in document:
            digest = _of_platform(document["manifests"], recipe.platform)
            if digest is None:
                raise BadInput(f"Base image {recipe.base} is not made for {recipe.platform}.", fitting)
            _, body = registry.get_manifest(repository, digest)
            document = json.loads(body)
        with registry.open_blob(repository, document["config"]["digest"]) as stream:
            config = json.load(stream)
        layers = tuple(
            Descriptor(media_type=one["mediaType"], digest=one["digest"], size=one["size"])
            for one in document["layers"]
        )
    except NotFound as error:
        raise BadInput(f"There is no base image {recipe.base}.", fitting) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"Base image {recipe.base} has a manifest that cannot be read.", fitting) from error
    base = Base(registry=registry, repository=repository, layers=layers, config=config)
    if len(base.diff_ids) != len(layers):
        raise BadInput(f"Base image {recipe.base} has a manifest that cannot be read.", fitting)
    check_python(recipe, base.settings.get("Env") or ())
    return base


def note_base(base: Base, recipe: Recipe, cache: Path) -> None:
    """Keep in `cache` what is known of the recipe's base, for a time when its registry does not answer."""
    note = {"config": base.config, "layers": [encode(layer) for layer in base.layers]}
    with work_folder(cache) as folder, disk_errors(cache):
        (folder / "note").write_text(json.dumps(note))
        (folder / "note").replace(_note(recipe, cache))


def recall_base(recipe: Recipe, cache: Path, target: Registry) -> Base | None:
    """The recipe's base as it was last seen, if all its layers are in `target` already."""
    try:
        note = json.loads(_note(recipe, cache).read_bytes())
        layers = decode(tuple[Descriptor, ...], note["layers"])
        base = Base(registry=target, repository=recipe.spec.name, layers=layers, config=note["config"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Invalid):
        return None
    return base if all(target.has_blob(recipe.spec.name, layer.digest) for layer in layers) else None


def _note(recipe: Recipe, cache: Path) -> Path:
    key = hashlib.sha256(f"{recipe.base} {recipe.platform}".encode()).hexdigest()
    return cache / f"base-{key}.json"


def check_python(recipe: Recipe, environment: list[str] | tuple[str, ...]) -> None:
    """Raise BadInput if a base image's environment says that it has another Python than the recipe needs."""
    found = dict(line.partition("=")[::2] for line in environment).get("PYTHON_VERSION")
    if found and found.split(".")[:2] != recipe.python.split("."):
        raise BadInput(
            f"Base image {recipe.base} has Python {found}, the notebook's kernel has {recipe.python}.",
            f"Take --base python:{recipe.python}-slim, or another image with Python {recipe.python}.",
        )


def bring_base(base: Base, target: Registry, repository: str, cache: Path, report: Reporter) -> int:
    """Have all layers of the base in `repository` of `target`; returns the bytes that were sent.

    Layers are mounted where both are on one server, so that not one byte of them moves. Elsewhere each
    is fetched to a file, verified and sent on.
    """
    sent = 0
    for number, layer in enumerate(base.layers, 1):
        if target.has_blob(repository, layer.digest) or _mounted(base, layer, target, repository):
            continue
        with work_folder(cache) as folder:
            path = folder / "layer"
            where = f"base layer {number} of {len(base.layers)}"
            _fetch(base, layer, path, _counter(report, f"fetching {where}", layer.size))
            sent += target.put_blob(
                repository, path, layer.digest, report=_counter(report, f"sending {where}", layer.size)
            )
    return sent


def send(
    target: Registry, repository: str, source: Path | bytes, what: Descriptor, words: str, report: Reporter
) -> int:
    """Put one blob, with progress in megabytes; returns the bytes that were sent."""
    return target.put_blob(repository, source, what.digest, report=_counter(report, words, what.size))


def _of_platform(manifests: list[dict[str, Any]], platform: str) -> str | None:
    system, machine, variant = (*platform.split("/"), "")[:3]
    fitting = [
        one
        for one in manifests
        if (one.get("platform") or {}).get("os") == system and one["platform"].get("architecture") == machine
    ]
    # ``linux/arm64`` and ``linux/arm64/v8`` are the same; a variant that was asked for is preferred.
    fitting.sort(key=lambda one: one["platform"].get("variant", "") != variant)
    return str(fitting[0]["digest"]) if fitting else None


def _mounted(base: Base, layer: Descriptor, target: Registry, repository: str) -> bool:
    host, _, prefix = base.registry.location.partition("/")
    if not host or host != target.location.partition("/")[0]:
        return False
    home = f"{prefix}/{base.repository}" if prefix else base.repository
    # No bytes are at hand: a registry that will not mount finds that none is not the blob.
    with suppress(Conflict, Unavailable, Denied):
        target.put_blob(repository, b"", layer.digest, mount_from=home)
        return True
    return False


def _fetch(base: Base, layer: Descriptor, path: Path, count: Callable[[int], None]) -> None:
    hasher = hashlib.sha256()
    with base.registry.open_blob(base.repository, layer.digest) as stream, disk_errors(path), path.open("wb") as out:
        while chunk := stream.read(CHUNK_BYTES):
            hasher.update(chunk)
            out.write(chunk)
            count(len(chunk))
    if "sha256:" + hasher.hexdigest() != layer.digest:
        raise Unavailable(f"Layer {layer.digest} of the base image came damaged.", "Try again.")


def _counter(report: Reporter, words: str, total: int) -> Callable[[int], None]:
    """What takes the size of each chunk: it stops on a cancel, and reports every tenth part, or every megabyte."""
    step = max(total // 10, _MEGABYTE)
    done = shown = 0

    def count(size: int) -> None:
        nonlocal done, shown
        report.check()
        done += size
        if total > _MEGABYTE and (done - shown >= step or done == total):
            shown = done
            report.say(
                Step.BUILD,
                f"{words}, {round(done / _MEGABYTE)} of {round(total / _MEGABYTE)} MB",
                done=done,
                total=total,
            )

    return count
