"""How the words of a recipe must be written, so that none means anything else in a Dockerfile or a path. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ..errors import BadInput
from ..model import LABEL_SPEC, Recipe
from .instructions import check_dockerfile, check_line
from .settings import labels

DOCUMENTS = ("block.json", "requirements.lock", "runner.lock", "Dockerfile")
_PLATFORM = re.compile(r"linux/[a-z0-9]+(?:/v[0-9]+)?")
_PYTHON = re.compile(r"3\.[0-9]{1,2}")
# Docker's reference grammar, and no character that means something in a Dockerfile or a shell.
_BASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")
# Debian policy 5.6.1, with an optional version.
_SYSTEM_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(?:=[A-Za-z0-9.+:~-]+)?")


# Docker's older builder takes time by the square of a label's length: at this size, some seconds.
_LABEL_LIMIT = 100_000  # characters


def check_recipe(recipe: Recipe) -> None:
    """Raise BadInput for a recipe with something that is not written as what it should be."""
    for pattern, value, what, hint in (
        (_BASE, recipe.base, "a base image", "Write host[:port]/repository:tag, as in python:3.11-slim."),
        (_PLATFORM, recipe.platform, "a platform", "Write linux/amd64 or linux/arm64."),
        (_PYTHON, recipe.python, "a Python version", "Write it as 3.11."),
        *((_SYSTEM_PACKAGE, one, "a Debian package", "Write it as libgl1.") for one in recipe.system_packages),
    ):
        if not pattern.fullmatch(value):
            raise BadInput(f"{value!r} is not {what}.", hint)
    for line in recipe.dockerfile_lines:
        check_line(line)
    if recipe.dockerfile:
        check_dockerfile(recipe.dockerfile)
    for one in recipe.files:
        check_path(one.path)
    if len(labels(recipe.spec)[LABEL_SPEC]) > _LABEL_LIMIT:
        raise BadInput(
            f"The description of block {recipe.spec.name} is too long for an image's label.",
            "Shorten its text and the default values of its inputs; large values belong in a file.",
        )


def needs_container(recipe: Recipe) -> str:
    """What of a recipe only the Docker builder can do, in words; "" if nothing."""
    packages = ", ".join(recipe.system_packages)
    return " and ".join(
        words
        for words, given in (
            ("your own Dockerfile", recipe.dockerfile),
            ("Dockerfile lines", recipe.dockerfile_lines),
            (f"system packages ({packages})", packages),
        )
        if given
    )


def check_path(path: str) -> str:
    """Return `path` if a file of a block may have it (BadInput otherwise)."""
    parts = PurePosixPath(path).parts
    if not path or str(PurePosixPath(*parts)) != path or path.startswith("/") or ".." in parts or "\0" in path:
        raise BadInput(f"{path!r} is not a path inside the block.", "Move the file into the notebook's folder.")
    if parts[0] in DOCUMENTS:
        raise BadInput(
            f"A block keeps a document of its own under the name {parts[0]}.",
            "Rename the file, or leave it out.",
        )
    return path
