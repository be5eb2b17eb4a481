"""Images without Docker: layers over a base image's own, packed and sent by several threads.

Above the base lie, in this order: the runner's wheels, the block's wheels, the links of both environments to
the base's interpreter, the runner's code and lock, the block. A wheel's layer is a function of the wheel, the
Python and the platform, whatever else a lock has: blocks share it, and it is packed and sent once. So is the
kernel's, of the wheels that come with any kernel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..errors import BadInput, Denied, Unavailable
from ..interfaces import Registry
from ..model import BLOCK_FOLDER, RESULTS_FOLDER, ROOT, RUNNER_CODE, Descriptor, Image, Recipe, Reporter, Step
from .base import Base, OpenRemote, bring_base, find_base, note_base, recall_base
from .context import runner_source
from .crew import Crew
from .disk import work_folder
from .environment import Environment, Layer
from .grammar import check_recipe
from .kept import KeptLayers
from .network import Network, uv_variables
from .packing import Entry, pack
from .recipe import RUNNER_LOCK, recipe_documents
from .sending import Sender, named_by_latest
from .settings import CONFIG_TYPE, USER, config
from .wheels import KERNEL

_RUNNER = f"{ROOT}/runner".lstrip("/")
_ENV = f"{ROOT}/env".lstrip("/")
_BLOCK = BLOCK_FOLDER.lstrip("/")
_THREADS = 8
# Engines stack 127 layers at most; a base has up to a dozen, and whoever builds upon a block needs some.
_LAYERS, _ENGINE_LAYERS = 110, 127
_OTHERS = 3  # runner's code, links, block
_RUNNER_LAYERS = 1  # its wheels change with a release only, and each layer costs time when an image is pulled
# With so many layers of packages an image fits on any base of up to 39 layers: no need to know it first.
_SURE_LAYERS = 60


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
    network : Network
        The way to packages.
    """

    name = "layers"

    def __init__(
        self,
        *,
        cache: Path,
        open_remote: OpenRemote,
        uv: str | None = None,
        bare: bool = False,
        network: Network = Network(),  # noqa: B008  # frozen
    ) -> None:
        self._cache = cache
        self._open_remote = open_remote
        self._uv = uv
        self._bare = bare
        self._network = network

    def build(self, recipe: Recipe, sources: Mapping[str, Path], registry: Registry, report: Reporter) -> Image:
        """See `interfaces.Builder`. Without its base, the image in a layout folder is incomplete, and says so."""
        check_recipe(recipe)
        _check_possible(recipe)
        with work_folder(self._cache) as folder, Crew(report, _THREADS) as crew:
            there = crew.start(named_by_latest, registry, recipe.spec.name)
            sender = Sender(registry, recipe.spec.name, there, crew.report)
            base = crew.start(self._base, recipe, registry, sender, crew)
            environment = partial(
                Environment,
                recipe=recipe,
                crew=crew,
                sender=sender,
                kept=KeptLayers(self._cache),
                uv=self._uv,
                variables=uv_variables(self._network, self._cache),
            )
            runner = environment(what="runner", prefix=_RUNNER, lock=recipe.runner_requirements, sure=_RUNNER_LAYERS)
            packages = environment(
                what="environment", prefix=_ENV, lock=recipe.requirements, together=KERNEL, sure=_SURE_LAYERS
            )
            runner_layers = crew.start(runner.layers, folder, lambda: _RUNNER_LAYERS)
            layers = crew.start(packages.layers, folder, partial(_room, base))
            code = crew.start(_packed, _code_entries(recipe), folder / "code", "lentiq-jupyter", crew, sender)
            block = crew.start(
                _packed, _block_entries(recipe, sources), folder / "block", "notebook and files", crew, sender
            )
            links = crew.start(
                _packed, _link_entries(recipe, base.result()), folder / "links", "interpreter", crew, sender
            )
            own = (*runner_layers.result(), *layers.result(), links.result(), code.result(), block.result())
            return _finish(recipe, base.result(), own, crew, sender)

    def _base(self, recipe: Recipe, registry: Registry, sender: Sender, crew: Crew) -> Base | None:
        """The base, its layers on their way."""
        if self._bare:
            return None
        base = self._find_base(recipe, registry, crew.report)
        if base is None:
            return None
        for layer in base.layers:
            one = replace(base, layers=(layer,))
            bring = partial(bring_base, one, registry, recipe.spec.name, self._cache, crew.report)
            crew.start(sender.bring, layer, bring)
        return base

    def _find_base(self, recipe: Recipe, registry: Registry, report: Reporter) -> Base | None:
        report.say(Step.BUILD, f"base image: {recipe.base}")
        try:
            base = find_base(recipe, self._open_remote, self._cache, report.check)
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


def _check_possible(recipe: Recipe) -> None:
    """Raise BadInput for what only a container can do."""
    if recipe.system_packages:
        raise BadInput(
            f"System packages ({', '.join(recipe.system_packages)}) need a container to be installed in.",
            "Use --builder docker, a base image that has them, or leave them out with --remove-system NAME.",
        )
    if recipe.dockerfile_lines or recipe.dockerfile:
        raise BadInput("Instructions of a Dockerfile need a container to be run in.", "Use --builder docker.")


def _room(base: Future[Base | None]) -> int:
    """How many layers the block's packages may have."""
    found = base.result()
    below = len(found.layers) if found else 0
    return min(_LAYERS, _ENGINE_LAYERS - below) - _RUNNER_LAYERS - _OTHERS


def _packed(entries: list[Entry], target: Path, words: str, crew: Crew, sender: Sender) -> Layer:
    """A layer that is made anew for each image, and sent."""
    layer = pack(entries, target, crew.report.check)
    sender.send(layer.path, layer.descriptor)
    return Layer(packed=layer, words=words)


def _code_entries(recipe: Recipe) -> list[Entry]:
    """What changes with a release only; the lock lies where the block's own documents do."""
    top = RUNNER_CODE.lstrip("/")
    code = [Entry(name=f"{top}/{name}", source=path) for name, path in runner_source().items()]
    return [*code, Entry(name=f"{_BLOCK}/{RUNNER_LOCK}", source=recipe.runner_requirements.encode())]


def _link_entries(recipe: Recipe, base: Base | None) -> list[Entry]:
    """What makes folders of packages environments of the base's interpreter (PEP 405)."""
    python = (base.python if base else "") or f"/usr/local/bin/python{recipe.python}"
    home = python.rpartition("/")[0]
    settings = f"home = {home}\ninclude-system-site-packages = false\nversion = {recipe.python}\n".encode()
    entries = []
    for prefix in (_RUNNER, _ENV):
        entries += [
            Entry(name=f"{prefix}/bin/python", link=python),
            Entry(name=f"{prefix}/bin/python3", link="python"),
            Entry(name=f"{prefix}/bin/python{recipe.python}", link="python"),
            Entry(name=f"{prefix}/lib/python{recipe.python}/site-packages"),
            Entry(name=f"{prefix}/lib64", link="lib"),
            Entry(name=f"{prefix}/pyvenv.cfg", source=settings),
        ]
    return entries


def _block_entries(recipe: Recipe, sources: Mapping[str, Path]) -> list[Entry]:
    documents = [(name, text) for name, text in recipe_documents(recipe).items() if name != RUNNER_LOCK]
    return [
        Entry(name=RESULTS_FOLDER.lstrip("/"), owner=USER),
        *(Entry(name=f"{_BLOCK}/{name}", source=text.encode()) for name, text in documents),
        *(Entry(name=f"{_BLOCK}/{one.path}", source=sources[one.path], sha256=one.sha256) for one in recipe.files),
    ]


def _finish(recipe: Recipe, base: Base | None, own: tuple[Layer, ...], crew: Crew, sender: Sender) -> Image:
    """Send the configuration, and wait for all that is still on its way."""
    body = config(
        recipe,
        base.settings if base else {},
        base.config.get("history") or () if base else (),
        base.diff_ids if base else (),
        [(layer.packed.diff_id, layer.words) for layer in own],
    )
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    described = Descriptor(media_type=CONFIG_TYPE, digest=digest, size=len(body))
    layers = (*(base.layers if base else ()), *(layer.packed.descriptor for layer in own))
    if len(layers) > _ENGINE_LAYERS:
        raise BadInput(
            f"The image would have {len(layers)} layers, engines take {_ENGINE_LAYERS}.",
            f"Take a base with fewer than the {len(base.layers) if base else 0} layers of {recipe.base}.",
        )
    sender.send(body, described)
    crew.wait()
    return Image(
        repository=recipe.spec.name,
        config=described,
        layers=layers,
        base_layers=len(base.layers) if base else 0,
        complete=base is not None,
        bytes_sent=sender.bytes_sent,
        bytes_total=described.size + sum(one.size for one in layers),
        config_text=body.decode(),
    )
