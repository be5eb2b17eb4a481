"""The recipe's interpreter in a base image, and what is said of a base that has none that fits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from ..errors import BadInput, Denied, NotFound, Unavailable
from ..interfaces import Registry
from ..model import Descriptor, Recipe
from .base_files import Unreadable, tree_of
from .base_interpreters import (
    OFFICIAL_FOLDER,
    environment,
    interpreters,
    is_musl,
    official_version,
    private_interpreters,
)
from .settings import DEFAULT_PATH


class Found(Protocol):
    """A base image as far as it is known."""

    @property
    def registry(self) -> Registry: ...
    @property
    def repository(self) -> str: ...
    @property
    def layers(self) -> tuple[Descriptor, ...]: ...
    @property
    def config(self) -> dict[str, Any]: ...
    @property
    def settings(self) -> dict[str, Any]: ...


def provides_python(recipe: Recipe) -> bool:
    """Whether a recipe may bring the interpreter itself, so that its base need not have it."""
    return bool(recipe.dockerfile or recipe.dockerfile_lines) or any(
        name.startswith("python3") for name in recipe.system_packages
    )


def python_in(base: Found, recipe: Recipe, cache: Path | None, check: Callable[[], None]) -> str:
    """The recipe's interpreter in a base image; of an official one not a byte of a layer is read for it.

    Raises
    ------
    BadInput
        If there is none, or it runs on musl.
    Unavailable, Denied
        If the registry does not answer or refuses.
    """
    history = base.config.get("history")
    official = official_version(base.settings, history if isinstance(history, list) else ())
    if official is not None:
        check_python(recipe, official, base.registry)
        return official_python(recipe)
    with nullcontext(cache) if cache else TemporaryDirectory(prefix="lentiq-base-") as folder:
        try:
            tree = tree_of(base, base.layers, Path(folder), check)
        except Unreadable as error:
            raise BadInput(
                f"Base image {recipe.base} cannot be looked into: {error}.", fitting(recipe, base.registry)
            ) from error
    if is_musl(tree):
        raise BadInput(
            f"Base image {recipe.base} runs on musl, as Alpine does; the wheels of Python packages that "
            "a block is made of are for glibc, and do not run there.",
            fitting(recipe, base.registry),
        )
    found = interpreters(tree, environment(base.settings).get("PATH") or DEFAULT_PATH)
    for one in found:
        if one.version == recipe.python:
            return one.path
    private = private_interpreters(tree)
    if found:
        listed = " and ".join(f"Python {one.version or '?'} ({one.path})" for one in found)
        has = f"has {listed}, the notebook's kernel has {recipe.python}"
    elif private:
        has = f"has Python in root's folder only ({private[0].path}), where the user of a block cannot start it"
    else:
        has = "has no Python"
    raise BadInput(f"Base image {recipe.base} {has}.", fitting(recipe, base.registry))


def fitting(recipe: Recipe, registry: Registry | None = None) -> str:
    """A hint that names an image that fits: the copy in the base's own registry if it has one."""
    name = f"python:{recipe.python}-slim"
    host = registry.location.partition("/")[0] if registry else ""
    if registry and host:
        with suppress(NotFound, Denied, Unavailable, BadInput):
            registry.get_manifest("library/python", f"{recipe.python}-slim")
            name = f"{host}/library/{name}" if host != "docker.io" else name
    return f"Take --base {name}, or another image with Python {recipe.python}."


def official_python(recipe: Recipe) -> str:
    """Where the official images have the recipe's interpreter."""
    return f"{OFFICIAL_FOLDER}/python{recipe.python}"


def check_python(recipe: Recipe, official: str | None, registry: Registry | None = None) -> None:
    """Raise BadInput if an official image says that it has another Python than the recipe needs."""
    if official is not None and official.split(".")[:2] != recipe.python.split("."):
        raise BadInput(
            f"Base image {recipe.base} has Python {official}, the notebook's kernel has {recipe.python}.",
            fitting(recipe, registry),
        )
