"""Images without Docker: three layers over a base image's own, each packed here and kept by what it is made of."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import BadInput, Conflict, Denied, Unavailable
from ..interfaces import Registry
from ..model import BLOCK_FOLDER, RESULTS_FOLDER, ROOT, RUNNER_CODE, Descriptor, Image, Recipe, Reporter, Step
from .base import Base, OpenRemote, bring_base, find_base, note_base, recall_base, send
from .context import runner_source
from .disk import disk_errors, locked, work_folder
from .grammar import check_recipe
from .installing import find_uv, install
from .packing import Entry, Packed, pack
from .recipe import recipe_documents
from .settings import CONFIG_TYPE, USER, config

# Raised by one when the bytes of a layer change for the same inputs.
_PACKER = "1"
_RUNNER = f"{ROOT}/runner".lstrip("/")
_ENV = f"{ROOT}/env".lstrip("/")
_BLOCK = BLOCK_FOLDER.lstrip("/")


class LayersBuilder:
    """Builds with uv on this host (interfaces.Builder).

    Parameters
    ----------
    cache : Path
        Folder for packed layers; made when needed, may be removed any time nothing is built.
    open_remote : callable
        From an image's reference to its registry, repository, and tag or digest.
    uv : str or None
        The uv program; None finds it.
    bare : bool
        Leaves the base out, and so makes incomplete images: for blocks that need more than their base has.
    """

    name = "layers"

    def __init__(self, *, cache: Path, open_remote: OpenRemote, uv: str | None = None, bare: bool = False) -> None:
        self._cache = cache
        self._open_remote = open_remote
        self._uv = uv
        self._bare = bare

    def build(self, recipe: Recipe, sources: Mapping[str, Path], registry: Registry, report: Reporter) -> Image:
        """See `interfaces.Builder`. Without its base, the image in a layout folder is incomplete, and says so."""
        check_recipe(recipe)
        if recipe.system_packages:
            raise BadInput(
                f"System packages ({', '.join(recipe.system_packages)}) need a container to be installed in.",
                "Use --builder docker, a base image that has them, or leave them out with --remove-system NAME.",
            )
        base = self._base(recipe, registry, report)
        runner = self._runner_layer(recipe, report)
        environment = self._environment_layer(recipe, report)
        with work_folder(self._cache) as folder:
            block = pack(_block_entries(recipe, sources), folder / "block", report.check)
            own = ((runner, "runner"), (environment, "environment"), (block, "notebook and files"))
            return self._send(recipe, base, own, registry, report)

    def _base(self, recipe: Recipe, registry: Registry, report: Reporter) -> Base | None:
        if self._bare:
            return None
        report.say(Step.BUILD, f"base image: {recipe.base}")
        try:
            base = find_base(recipe, self._open_remote)
            note_base(base, recipe, self._cache)
            return base
        except (Unavailable, Denied) as error:
            known = recall_base(recipe, self._cache, registry)
            if known is not None:
                report.say(Step.BUILD, f"base image: as last seen, it cannot be reached ({error.message})")
                return known
            if registry.pull_reference(recipe.spec.name, "sha256:" + "0" * 64) is None:
                report.say(Step.BUILD, f"base image: left out, it cannot be reached ({error.message})")
                return None
            raise type(error)(
                f"Base image {recipe.base} cannot be had: {error.message}",
                "Name one that can with --base, as in registry.example.com/python:3.11-slim.",
            ) from error

    def _runner_layer(self, recipe: Recipe, report: Reporter) -> Packed:
        source = runner_source()
        contents = {name: path.read_bytes() for name, path in source.items()}
        key = _key(recipe, recipe.runner_requirements, *(part for pair in sorted(contents.items()) for part in pair))
        code = [Entry(name=f"{RUNNER_CODE.lstrip('/')}/{name}", source=body) for name, body in contents.items()]
        return self._kept("runner", key, recipe, recipe.runner_requirements, _RUNNER, code, report)

    def _environment_layer(self, recipe: Recipe, report: Reporter) -> Packed:
        key = _key(recipe, recipe.requirements)
        return self._kept("environment", key, recipe, recipe.requirements, _ENV, (), report)

    def _kept(
        self, what: str, key: str, recipe: Recipe, lock: str, prefix: str, more: Sequence[Entry], report: Reporter
    ) -> Packed:
        """The layer of an installed lock: the one in the cache, else made now, by one process at a time."""
        place = self._cache / f"{what}-{key}"

        def wait(seconds: float) -> None:
            report.check()
            time.sleep(seconds)

        with locked(place.with_suffix(".lock"), wait):
            kept = _recall(place)
            if kept is not None and not _is_local(lock):
                return kept
            with work_folder(self._cache) as folder:
                entries = install(
                    lock,
                    python=recipe.python,
                    platform=recipe.platform,
                    uv=find_uv(self._uv),
                    folder=folder,
                    prefix=prefix,
                    what=what,
                    report=report,
                )
                report.say(Step.BUILD, f"{what}: packing {len(entries)} files")
                made = pack([*entries, *more], folder / "layer", report.check)
                return _remember(made, place)

    def _send(
        self,
        recipe: Recipe,
        base: Base | None,
        own: Sequence[tuple[Packed, str]],
        registry: Registry,
        report: Reporter,
    ) -> Image:
        repository = recipe.spec.name
        sent = bring_base(base, registry, repository, self._cache, report) if base else 0
        for number, (layer, _) in enumerate(own, 1):
            words = f"sending layer {number} of {len(own)}"
            try:
                sent += send(registry, repository, layer.path, layer.descriptor, words, report)
            except Conflict:
                # The packed file is not what it was: the next build makes it anew.
                layer.path.with_suffix(".json").unlink(missing_ok=True)
                raise
        body = config(
            recipe,
            base.settings if base else {},
            base.config.get("history") or () if base else (),
            base.diff_ids if base else (),
            [(layer.diff_id, words) for layer, words in own],
        )
        described = Descriptor(
            media_type=CONFIG_TYPE, digest="sha256:" + hashlib.sha256(body).hexdigest(), size=len(body)
        )
        sent += send(registry, repository, body, described, "sending the configuration", report)
        layers = (*(base.layers if base else ()), *(layer.descriptor for layer, _ in own))
        return Image(
            repository=repository,
            config=described,
            layers=layers,
            base_layers=len(base.layers) if base else 0,
            complete=base is not None,
            bytes_sent=sent,
            bytes_total=described.size + sum(one.size for one in layers),
        )


def _block_entries(recipe: Recipe, sources: Mapping[str, Path]) -> list[Entry]:
    documents = recipe_documents(recipe).items()
    return [
        Entry(name=RESULTS_FOLDER.lstrip("/"), owner=USER),
        *(Entry(name=f"{_BLOCK}/{name}", source=text.encode()) for name, text in documents),
        *(Entry(name=f"{_BLOCK}/{one.path}", source=sources[one.path], sha256=one.sha256) for one in recipe.files),
    ]


def _key(recipe: Recipe, *parts: str | bytes) -> str:
    hasher = hashlib.sha256()
    for part in (_PACKER, recipe.python, recipe.platform, *parts):
        body = part.encode() if isinstance(part, str) else part
        hasher.update(b"%d:" % len(body) + body)
    return hasher.hexdigest()


def _is_local(lock: str) -> bool:
    """Whether a lock names files of this host: they may change while their name stays."""
    return "file:" in lock


def _recall(place: Path) -> Packed | None:
    path = place.with_suffix(".tar.gz")
    try:
        noted = json.loads(place.with_suffix(".json").read_bytes())
        kept = Packed(path=path, digest=noted["digest"], diff_id=noted["diff_id"], size=noted["size"])
        return kept if path.stat().st_size == kept.size else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(made: Packed, place: Path) -> Packed:
    """Move a layer to its place in the cache; the note that makes it count comes last."""
    kept = Packed(path=place.with_suffix(".tar.gz"), digest=made.digest, diff_id=made.diff_id, size=made.size)
    note = made.path.with_name("note")
    with disk_errors(kept.path):
        note.write_text(json.dumps({"digest": kept.digest, "diff_id": kept.diff_id, "size": kept.size}))
        place.with_suffix(".json").unlink(missing_ok=True)
        made.path.replace(kept.path)
        note.replace(place.with_suffix(".json"))
    return kept
