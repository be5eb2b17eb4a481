"""The base image: found by its reference and platform, its layers brought into the target registry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import BadInput, Conflict, Denied, Invalid, NotFound, Unavailable
from ..interfaces import Registry
from ..model import Descriptor, Recipe, Reporter, Step, decode, encode, record
from .base_python import fitting, provides_python, python_in
from .disk import disk_errors, work_folder
from .packing import CHUNK_BYTES

OpenRemote = Callable[[str], tuple[Registry, str, str]]
_MEGABYTE = 1_000_000


@record
class Base:
    """A base image of one platform: where it is, its layers in order, its configuration's document.

    `python` is the interpreter of the recipe's Python inside of it: an absolute path, no symbolic link;
    "" where the recipe brings the interpreter itself. `config_digest` is the configuration's, "" if unknown.
    """

    registry: Registry
    repository: str
    layers: tuple[Descriptor, ...]
    config: dict[str, Any]
    python: str
    config_digest: str = ""

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """Digests of the layers' tars, in order."""
        return tuple(self.config.get("rootfs", {}).get("diff_ids", ()))

    @property
    def settings(self) -> dict[str, Any]:
        """What containers of it inherit: environment, labels …"""
        return self.config.get("config") or {}


def find_base(
    recipe: Recipe, open_remote: OpenRemote, cache: Path | None = None, check: Callable[[], None] = lambda: None
) -> Base:
    """The base image of a recipe, by its registry.

    Parameters
    ----------
    cache : Path or None
        A folder that keeps what was learned of layers; None keeps nothing.
    check : callable
        Called often while layers are read; may raise to stop.

    Raises
    ------
    BadInput
        If it does not exist, not for the recipe's platform, or has no interpreter that the block can run with.
    Unavailable, Denied
        If its registry does not answer or refuses.
    """
    registry, repository, reference = open_remote(recipe.base)
    try:
        _, body = registry.get_manifest(repository, reference)
        document = json.loads(body)
        if "manifests" in document:
            digest = _of_platform(document["manifests"], recipe.platform)
            if digest is None:
                raise BadInput(f"Base image {recipe.base} is not made for {recipe.platform}.", fitting(recipe))
            _, body = registry.get_manifest(repository, digest)
            document = json.loads(body)
        config = _noted_config(recipe, cache, document["config"]["digest"])
        if config is None:
            with registry.open_blob(repository, document["config"]["digest"]) as stream:
                config = json.load(stream)
        layers = tuple(
            Descriptor(media_type=one["mediaType"], digest=one["digest"], size=one["size"])
            for one in document["layers"]
        )
        base = Base(
            registry=registry,
            repository=repository,
            layers=layers,
            config=config,
            python="",
            config_digest=document["config"]["digest"],
        )
        if len(base.diff_ids) != len(layers):
            raise ValueError("as many layers as diff ids are needed")
        machine = {"os": config.get("os"), "architecture": config.get("architecture")}
    except NotFound as error:
        raise BadInput(f"There is no base image {recipe.base}.", fitting(recipe, registry)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"Base image {recipe.base} has a manifest that cannot be read.", fitting(recipe, registry)
        ) from error
    if machine["architecture"] and _of_platform([{"platform": machine, "digest": ""}], recipe.platform) is None:
        made = "/".join(str(one) for one in machine.values())
        raise BadInput(f"Base image {recipe.base} is made for {made}, not for {recipe.platform}.", fitting(recipe))
    if provides_python(recipe):
        return base
    return replace(base, python=python_in(base, recipe, cache, check))


def note_base(base: Base, recipe: Recipe, cache: Path) -> None:
    """Keep in `cache` what is known of the recipe's base, for a time when its registry does not answer."""
    note = {
        "config": base.config,
        "digest": base.config_digest,
        "layers": [encode(layer) for layer in base.layers],
        "python": base.python,
    }
    if _read_note(recipe, cache) == note:
        return
    with work_folder(cache) as folder, disk_errors(cache):
        (folder / "note").write_text(json.dumps(note))
        (folder / "note").replace(_note(recipe, cache))


def recall_base(recipe: Recipe, cache: Path, target: Registry) -> Base | None:
    """The recipe's base as it was last seen, if all its layers are in `target` already."""
    try:
        note = _read_note(recipe, cache)
        layers = decode(tuple[Descriptor, ...], note["layers"])
        base = Base(
            registry=target,
            repository=recipe.spec.name,
            layers=layers,
            config=note["config"],
            python=str(note["python"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Invalid):
        return None
    return base if all(target.has_blob(recipe.spec.name, layer.digest) for layer in layers) else None


def _noted_config(recipe: Recipe, cache: Path | None, digest: str) -> Any:
    """The base's configuration from when it was last seen; None if that was another one, which its digest tells."""
    note = _read_note(recipe, cache) if cache is not None else {}
    return note.get("config") if note.get("digest") == digest else None


def _read_note(recipe: Recipe, cache: Path) -> dict[str, Any]:
    try:
        note = json.loads(_note(recipe, cache).read_bytes())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _note(recipe: Recipe, cache: Path) -> Path:
    key = hashlib.sha256(f"{recipe.base} {recipe.platform}".encode()).hexdigest()
    return cache / f"base-{key}.json"


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
