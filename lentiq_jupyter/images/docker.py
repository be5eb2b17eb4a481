"""Images by the Docker Engine: what needs a container to build, system packages and other platforms."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import requests
from docker.api import APIClient
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils import kwargs_from_env

from ..errors import BadInput, BuildFailed, Denied, Unavailable
from ..interfaces import Registry
from ..model import LABEL_BASE_LAYERS, Descriptor, Image, Recipe, Reporter, Step
from .base import Base, OpenRemote, bring_base, check_python, find_base, send
from .context import write_context
from .disk import disk_errors, work_folder
from .docker_log import follow
from .packing import CHUNK_BYTES, LAYER_TYPE, compress
from .settings import CONFIG_TYPE

_ENGINE_TIMEOUT_S = 600
_QUESTION_TIMEOUT_S = 5
_UNREACHABLE = (
    "dial tcp",
    "i/o timeout",
    "Temporary failure in name resolution",
    "Temporary failure resolving",
    "Could not resolve",
    "NewConnectionError",
    "Client.Timeout",
)
_NO_PACKAGE = re.compile(r"E: (?:Unable to locate package |Package ')([a-z0-9][a-z0-9+.-]+)")
_GZIP_MAGIC = b"\x1f\x8b"
_LOG_LINES = 40


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
    """

    name = "docker"

    def __init__(
        self, *, open_remote: OpenRemote, client: Callable[[], APIClient] = engine, folder: Path | None = None
    ) -> None:
        self._open_remote = open_remote
        self._client = client
        self._folder = folder or Path(tempfile.gettempdir())

    def build(self, recipe: Recipe, sources: Mapping[str, Path], registry: Registry, report: Reporter) -> Image:
        """See `interfaces.Builder`."""
        tag = f"lentiq-build:{secrets.token_hex(8)}"
        with work_folder(self._folder) as folder:
            archive = folder / "image.tar"
            with _engine_errors():
                client = self._client()
                try:
                    base = self._base(recipe, on_engine=bool(_base_diff_ids(client, recipe)))
                    write_context(folder / "context", recipe, sources)
                    _build(client, folder / "context", tag, recipe, report)
                    known = _base_diff_ids(client, recipe)
                    _save(client, tag, archive, report)
                finally:
                    # Untagged parents stay: they are what makes the next build fast.
                    with suppress(DockerException, requests.RequestException):
                        client.remove_image(tag, noprune=True)
                    client.close()
            with disk_errors(archive), tarfile.open(archive) as saved:
                return self._move(recipe, saved, base, known, registry, folder, report)

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

    def _base(self, recipe: Recipe, *, on_engine: bool) -> Base | None:
        """The base in its registry; None if it is not to be had there, though it may be on the engine.

        Raises
        ------
        BadInput
            If it is in neither place, or has another Python.
        """
        try:
            return find_base(recipe, self._open_remote)
        except (Unavailable, Denied):
            return None
        except BadInput:
            if on_engine:
                return None
            raise


def _build(client: APIClient, context: Path, tag: str, recipe: Recipe, report: Reporter) -> None:
    def start() -> Iterator[dict[str, Any]]:
        messages: Iterator[dict[str, Any]] = client.build(
            path=str(context), tag=tag, platform=recipe.platform, rm=True, forcerm=True, decode=True
        )
        return messages

    log: list[str] = []
    for message in follow(client, start, report.check):
        text = str(message.get("stream") or message.get("error") or "").strip()
        if not text and message.get("status") and not message.get("progressDetail"):
            text = str(message["status"])
        log += text.splitlines()
        if "error" in message:
            raise _failed(log)
        for line in text.splitlines():
            report.say(Step.BUILD, line)


def _failed(log: list[str]) -> BuildFailed | Unavailable:
    shown = "\n".join(log[-_LOG_LINES:])
    said = _gist(log)
    if "no space left on device" in shown.lower():
        return Unavailable(f"Docker's disk is full: {said}.", "Run docker system prune, or give it more space.")
    if any(words in shown for words in _UNREACHABLE):
        return Unavailable(
            f"Docker cannot reach what the build needs: {said}.",
            "Check that the engine reaches the base image's registry and the package index.",
        )
    unknown = sorted(set(_NO_PACKAGE.findall(shown)))
    if unknown:
        return BuildFailed(
            f"The base image's Debian has no package {', '.join(unknown)}.",
            "Take another base with --base, or leave it out with --remove-system NAME.",
            shown,
        )
    return BuildFailed(f"docker build failed: {said}.", "Look at the log; the Dockerfile can be shown.", shown)


def _gist(log: list[str]) -> str:
    """The line that says most: what the command said last, rather than that it failed."""
    lines = [line for line in log if not line.startswith(("Removing intermediate", "--->", "The command"))] or log
    errors = [line for line in lines if line.startswith(("ERROR:", "E: "))]
    return (errors or lines)[-1].rstrip(".")


def _base_diff_ids(client: APIClient, recipe: Recipe) -> tuple[str, ...]:
    """The layers of the base as the engine has it; empty where it keeps no bases."""
    try:
        found = client.inspect_image(recipe.base)  # type: ignore[no-untyped-call]  # decorated without types
    except ImageNotFound:
        return ()
    check_python(recipe, (found.get("Config") or {}).get("Env") or ())
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


@contextmanager
def _engine_errors() -> Iterator[None]:
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
