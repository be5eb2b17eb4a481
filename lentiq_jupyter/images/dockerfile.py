"""Recipe to Dockerfile text. Pure; the words stand in ``templates/image/``.

The text is for BuildKit and for the older builder alike. What users wrote gets into it in three ways
only: names that `check_recipe` holds to a grammar, label values, quoted here, and what they wrote for a
Dockerfile, which `check_recipe` reads first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from string import Template

from ..assets import template
from ..model import ENTRYPOINT, ROOT, Recipe
from .grammar import check_recipe
from .instructions import OWN_STAGES, with_named_end
from .settings import ENVIRONMENT, labels

BUILD_FOLDER = f"{ROOT}/build"  # what building needs; removed at its end
LABEL_BUILD = "io.lentiq.build"
_LOCK = f"{BUILD_FOLDER}/requirements.lock"
# Docker reads lines of up to 64 KiB, a longer instruction must be continued.
_LINE_LIMIT = 8000
# pip insists on hashes for all as soon as there is one; a mixed lock goes in without them.
_STRIP_HASHES = r"sed -E 's/ *--hash=[^ ]+//g; s/ *\\$//' "


def dockerfile(recipe: Recipe, network: Mapping[str, str] | None = None, mark: str = "") -> str:
    """The Dockerfile of a recipe; its context is what `write_context` writes.

    Parameters
    ----------
    network : mapping or None
        Variables that tell the way to the package index. Packages are then installed in a stage of its own,
        from which the environments alone are taken; None: there is no such stage.
    mark : str
        The value of `LABEL_BUILD` on all images of that stage.

    Raises
    ------
    BadInput
        If something in the recipe is not written as what it should be.
    """
    check_recipe(recipe)
    mixed = "--hash=" in recipe.requirements and not all_hashed(recipe.requirements)
    return _fill(
        "Dockerfile",
        name=recipe.spec.name,
        base=_from(recipe) + (f" AS {OWN_STAGES}base" if network is not None else ""),
        python=recipe.python,
        system_packages=_system_packages(recipe.system_packages),
        lines=_lines(recipe.dockerfile_lines),
        begin=_fill("Dockerfile.packages-begin", variables=_pairs(network), mark=mark) if network is not None else "",
        end=_fill("Dockerfile.packages-end") if network is not None else "",
        runner_hashes=_require_hashes(recipe.runner_requirements),
        hashes=_require_hashes(recipe.requirements),
        stripped=f"{_STRIP_HASHES}{_LOCK} | " if mixed else "",
        requirements="/dev/stdin" if mixed else _LOCK,
        settings=_pairs(ENVIRONMENT),
        labels=_pairs(labels(recipe.spec)),
        entrypoint=json.dumps(list(ENTRYPOINT)),
    )


def _from(recipe: Recipe) -> str:
    """What the block's own instructions begin with: the base image, or the end of the user's own Dockerfile."""
    if not recipe.dockerfile:
        return f"FROM --platform={recipe.platform} {recipe.base}"
    text, stage = with_named_end(recipe.dockerfile)
    return f"{text.rstrip()}\n\n# From here on as for every block.\nFROM {stage}"


def all_hashed(requirements: str) -> bool:
    """Whether every pin of a lock has a hash, so that an installer can be told to insist on them."""
    pins = list(pins_of(requirements))
    return bool(pins) and all("--hash=" in pin for pin in pins)


def pins_of(requirements: str) -> Iterator[str]:
    """The pins of a lock, continued lines joined, comments left out."""
    for line in requirements.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield " ".join(line.split())


def quote(value: str) -> str:
    r"""A value in a Dockerfile's double quotes: ``\``, ``"`` and ``$`` escaped; it has no line break.

    Long ones are continued on further lines. Docker takes one that begins with ``#`` for a comment even
    there, may trim blanks, and takes two backslashes at an end for no continuation.
    """
    if "\n" in value or "\r" in value:
        raise ValueError("a label cannot hold a line break")
    escaped = re.sub(r'([\\"$])', r"\\\1", value)
    return '"' + "\\\n".join(_continued(escaped)) + '"'


def _pairs(values: Mapping[str, str]) -> str:
    return " \\\n    ".join(f"{name}={quote(value)}" for name, value in sorted(values.items()))


def _continued(text: str) -> Iterator[str]:
    start = 0
    for cut in re.finditer(r"(?<=[^\\])(?=[^\s#])", text):
        if cut.start() - start >= _LINE_LIMIT:
            yield text[start : cut.start()]
            start = cut.start()
    yield text[start:]


def _require_hashes(requirements: str) -> str:
    return "--require-hashes " if all_hashed(requirements) else ""


def _system_packages(names: tuple[str, ...]) -> str:
    return _fill("Dockerfile.system-packages", names=" ".join(names)) if names else ""


def _lines(given: tuple[str, ...]) -> str:
    return _fill("Dockerfile.lines", lines="\n".join(given)) if given else ""


def _fill(piece: str, **values: str) -> str:
    return Template(template(f"image/{piece}").read_text(encoding="utf-8")).substitute(values)
