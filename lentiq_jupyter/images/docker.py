"""Images by the Docker Engine: what needs a container to build, system packages and other platforms."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import requests
from docker.api import APIClient
from docker.errors import DockerException, ImageNotFound

from ..errors import BadInput, BuildFailed, Denied, NotFound, Unavailable
from ..interfaces import Registry
from ..model import LABEL_BASE_LAYERS, Descriptor, Image, Recipe, Reporter, Step
from .base import Base, OpenRemote, bring_base, find_base, send
from .base_files import Unreadable
from .base_interpreters import official_version
from .base_python import check_python, official_python, provides_python
from .context import write_context
from .disk import disk_errors, work_folder
from .docker_engine import engine, engine_errors, runs
from .docker_failure import cannot_run, failure_of
from .docker_log import follow
from .dockerfile import BUILD_FOLDER, LABEL_BUILD, dockerfile
from .network import Network, container_proxies, pip_way, pip_wheel
from .packing import CHUNK_BYTES, LAYER_TYPE, compress
from .settings import CONFIG_TYPE

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # the engine paints what a command writes to its errors
_GZIP_MAGIC = b"\x1f\x8b"


class DockerBuilder:
    """Builds the generated Dockerfile (interfaces.Builder), and moves the image into the registry.

    Parameters
    ----------
    open_remote : callable
        From an image's reference to its registry, repository, and tag or digest. Where the base's layers
        can be had from there, they are not compressed again.
    client : callable
        Makes the engine's client, one a build.
    folder : Path or None
        Where contexts and images are put for the time of a build; None: the system's temporary folder.
    cache : Path or None
        A folder that keeps what was learned of base images; None keeps nothing.
    network : Network
        The way to packages; nothing of it stays in the image.
    """

    name = "docker"

    def __init__(
        self,
        *,
        open_remote: OpenRemote,
        client: Callable[[], APIClient] = engine,
        folder: Path | None = None,
        cache: Path | None = None,
        network: Network = Network(),  # noqa: B008  # frozen
    ) -> None:
        self._open_remote = open_remote
        self._client = client
        self._folder = folder or Path(tempfile.gettempdir())
        self._cache = cache
        self._network = network

    def build(self, recipe: Recipe, sources: Mapping[str, Path], registry: Registry, report: Reporter) -> Image:
        """See `interfaces.Builder`."""
        tag = f"lentiq-build:{secrets.token_hex(8)}"
        with work_folder(self._folder) as folder:
            archive = folder / "image.tar"
            with engine_errors():
                client = self._client()
                try:
                    if runs(client, recipe.platform) is False:
                        raise cannot_run(recipe.platform)
                    base = self._base(recipe, report, on_engine=bool(_base_diff_ids(client, recipe)))
                    self._run(client, tag, folder / "context", recipe, sources, base, report)
                    known = _base_diff_ids(client, recipe)
                    _save(client, tag, archive, report)
                finally:
                    # Untagged parents stay: they are what makes the next build fast.
                    with suppress(DockerException, requests.RequestException):
                        client.remove_image(tag, noprune=True)
                    client.close()
            with disk_errors(archive), tarfile.open(archive) as saved:
                return self._move(recipe, saved, base, known, registry, folder, report)

    def _run(
        self,
        client: APIClient,
        tag: str,
        context: Path,
        recipe: Recipe,
        sources: Mapping[str, Path],
        base: Base | None,
        report: Reporter,
    ) -> None:
        """Build the recipe's Dockerfile; where a network is set, with a stage for it that is not kept."""
        arguments = container_proxies(self._network, os.environ)
        more: dict[str, str | bytes] = {}
        if base is None or base.python != official_python(recipe):
            wheel = pip_wheel()
            if wheel is not None:  # else the base's own pip must do
                more["pip.whl"] = wheel
                arguments["LENTIQ_PIP"] = f"{BUILD_FOLDER}/pip.whl/pip"
            if base and base.python:
                arguments["LENTIQ_PYTHON"] = base.python
        way = pip_way(self._network, BUILD_FOLDER, os.environ)
        name, mark = "Dockerfile", ""
        if way:
            name = "Dockerfile.build"
            mark = secrets.token_hex(8) if "netrc" in way.files else ""
            more |= {f"network/{one}": body for one, body in way.files.items()}
            more["network/.keep"] = b""  # Docker copies no empty folder
            more[name] = dockerfile(recipe, way.variables, mark)
        write_context(context, recipe, sources, more)
        try:
            _build(client, context, name, arguments, tag, recipe, report)
        finally:
            if mark:
                # What has seen a password is not to stay in the engine's cache either.
                with suppress(DockerException, requests.RequestException):
                    client.prune_images({"dangling": True, "label": [f"{LABEL_BUILD}={mark}"]})  # type: ignore[no-untyped-call]

    def _move(
        self,
        recipe: Recipe,
        saved: tarfile.TarFile,
        base: Base | None,
        known: tuple[str, ...],
        registry: Registry,
        folder: Path,
        report: Reporter,
    ) -> Image:
        """From what ``docker save`` gave into the registry."""
        repository = recipe.spec.name
        listed = json.load(_member(saved, "manifest.json"))[0]
        document = json.load(_member(saved, listed["Config"]))
        diff_ids = tuple(document["rootfs"]["diff_ids"])
        if base and base.diff_ids != diff_ids[: len(base.diff_ids)]:
            base = None  # the engine built on another image of that name
        base_layers = len(base.layers) if base else len(known) if diff_ids[: len(known)] == known else 0
        layers = list(base.layers) if base else []
        sent = bring_base(base, registry, repository, folder, report) if base else 0
        for number in range(len(layers), len(diff_ids)):
            where = f"layer {number + 1} of {len(diff_ids)}"
            report.say(Step.BUILD, f"packing {where}")
            layer = _pack(_member(saved, listed["Layers"][number]), diff_ids[number], folder / "layer", report)
            sent += send(registry, repository, folder / "layer", layer, f"sending {where}", report)
            layers.append(layer)
        settings = document.setdefault("config", {})
        settings["Labels"] = {**(settings.get("Labels") or {}), LABEL_BASE_LAYERS: str(base_layers)}
        body = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        described = Descriptor(
            media_type=CONFIG_TYPE, digest="sha256:" + hashlib.sha256(body).hexdigest(), size=len(body)
        )
        sent += send(registry, repository, body, described, "sending the configuration", report)
        return Image(
            repository=repository,
            config=described,
            layers=tuple(layers),
            base_layers=base_layers,
            complete=True,
            bytes_sent=sent,
            bytes_total=described.size + sum(one.size for one in layers),
        )

    def _base(self, recipe: Recipe, report: Reporter, *, on_engine: bool) -> Base | None:
        """The base in its registry; None if it is not to be had there, though it may be on the engine.

        Raises
        ------
        BadInput
            If it is in neither place, or has no Python that fits.
        """
        try:
            return find_base(recipe, self._open_remote, self._cache, report.check)
        except (Unavailable, Denied):
            return None
        except BadInput as error:
            # An image that nobody pushed, or whose layers cannot be looked into, is the engine's to judge.
            unknown = isinstance(error.__cause__, Unreadable) or (on_engine and isinstance(error.__cause__, NotFound))
            if unknown or recipe.dockerfile:
                return None
            raise


def _build(
    client: APIClient,
    context: Path,
    name: str,
    arguments: dict[str, str],
    tag: str,
    recipe: Recipe,
    report: Reporter,
) -> None:
    def start() -> Iterator[dict[str, Any]]:
        messages: Iterator[dict[str, Any]] = client.build(
            path=str(context),
            dockerfile=name,
            buildargs=arguments,
            tag=tag,
            platform=recipe.platform,
            rm=True,
            forcerm=True,
            decode=True,
        )
        return messages

    log: list[str] = []
    for message in follow(client, start, report.check):
        text = _COLOUR.sub("", str(message.get("stream") or message.get("error") or "")).strip()
        if not text and message.get("status") and not message.get("progressDetail"):
            text = str(message["status"])
        log += text.splitlines()
        if "error" in message:
            raise failure_of(log, recipe)
        for line in text.splitlines():
            report.say(Step.BUILD, line)


def _base_diff_ids(client: APIClient, recipe: Recipe) -> tuple[str, ...]:
    """The layers of the base as the engine has it; empty where it keeps no bases."""
    try:
        found = client.inspect_image(recipe.base)  # type: ignore[no-untyped-call]  # decorated without types
    except ImageNotFound:
        return ()
    if not provides_python(recipe):
        check_python(recipe, official_version(found.get("Config") or {}, ()))
    return tuple(found.get("RootFS", {}).get("Layers") or ())


def _save(client: APIClient, tag: str, archive: Path, report: Reporter) -> None:
    report.say(Step.BUILD, "taking the image out of Docker")
    with disk_errors(archive), archive.open("wb") as out:
        for chunk in client.get_image(tag):
            report.check()
            out.write(chunk)


def _member(saved: tarfile.TarFile, name: str) -> BinaryIO:
    stream = saved.extractfile(name)
    if stream is None:
        raise BuildFailed(f"Docker gave an image without {name}.", "Update Docker, or use --builder layers.")
    return stream  # type: ignore[return-value]  # typeshed: IO[bytes]


def _pack(stream: BinaryIO, diff_id: str, target: Path, report: Reporter) -> Descriptor:
    magic = stream.read(2)
    stream.seek(0)
    chunks = iter(lambda: stream.read(CHUNK_BYTES), b"")
    if magic != _GZIP_MAGIC:
        packed = compress(chunks, target, report.check)
        if packed.diff_id != diff_id:
            raise BuildFailed("Docker gave a layer that is not what it says.", "Build again.")
        return packed.descriptor
    # Engines that keep images as they were pulled give layers that are compressed already.
    hasher = hashlib.sha256()
    with disk_errors(target), target.open("wb") as out:
        for chunk in chunks:
            report.check()
            hasher.update(chunk)
            out.write(chunk)
    return Descriptor(media_type=LAYER_TYPE, digest="sha256:" + hasher.hexdigest(), size=target.stat().st_size)
