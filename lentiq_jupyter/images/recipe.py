"""Facts to a recipe, recipe to the documents that lie in every block. Pure, but for hashing files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from ..assets import template
from ..errors import BadInput, Unavailable
from ..model import BlockSpec, Lock, Recipe, RecipeFile, encode
from .dockerfile import dockerfile as dockerfile_of
from .grammar import check_path, check_recipe

RUNNER_LOCK = "runner.lock"


def make_recipe(
    spec: BlockSpec,
    *,
    base: str,
    platform: str,
    python: str,
    lock: Lock,
    files: Mapping[str, Path],
    notebook: str,
    system_packages: tuple[str, ...] = (),
    dockerfile_lines: tuple[str, ...] = (),
    dockerfile: str = "",
) -> tuple[Recipe, Mapping[str, Path]]:
    """The recipe of a block, and the host files its bytes come from.

    Parameters
    ----------
    files : mapping of path inside the block to host path
        The notebook among them.

    Raises
    ------
    BadInput
        If the notebook is not among the files, a path leaves the block's folder or is the name of one of
        the block's own documents, a base, platform, Python or system package is not written as one, or
        a Dockerfile or a line for it cannot be taken.
    Unavailable
        If a file cannot be read.
    """
    if notebook not in files:
        raise BadInput(f"The notebook {notebook} is not among the block's files.", "Add it to them.")
    recipe = Recipe(
        spec=spec,
        base=base,
        platform=platform,
        python=python,
        requirements=_ending(lock.requirements),
        runner_requirements=runner_lock(),
        files=tuple(_hashed(check_path(path), files[path]) for path in sorted(files)),
        notebook=notebook,
        system_packages=tuple(sorted(set(system_packages))),
        dockerfile_lines=tuple(line.replace("\r\n", "\n").strip() for line in dockerfile_lines),
        dockerfile=_ending(dockerfile.replace("\r\n", "\n")),
    )
    check_recipe(recipe)
    return recipe, dict(files)


def runner_lock() -> str:
    """The runner's lock: one text for every Python from 3.9 on, with hashes, by markers."""
    return template(f"image/{RUNNER_LOCK}").read_text(encoding="utf-8")


def recipe_documents(recipe: Recipe) -> dict[str, str]:
    """What lies beside the notebook in every block, by file name."""
    return {
        "block.json": json.dumps(encode(recipe.spec), indent=1, sort_keys=True) + "\n",
        "requirements.lock": recipe.requirements,
        RUNNER_LOCK: recipe.runner_requirements,
        "Dockerfile": dockerfile_of(recipe),
    }


def _hashed(path: str, source: Path) -> RecipeFile:
    try:
        with source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
    except OSError as error:
        raise Unavailable(f"{source} cannot be read ({error.strerror}).", "Check that it exists.") from error
    return RecipeFile(path=path, sha256=digest, size=size)


def _ending(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
