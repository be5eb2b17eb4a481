"""A recipe and its files as the folder that ``docker build`` takes, and what of this package goes into an image."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from ..model import Recipe
from .disk import disk_errors
from .grammar import check_path
from .recipe import recipe_documents

_INSIDE = ("__init__.py", "errors.py", "model", "runner")


def runner_source() -> dict[str, Path]:
    """What of this package runs inside images: host paths by path, beginning with ``lentiq_jupyter/``."""
    package = Path(__file__).parents[1]
    found = {}
    for name in _INSIDE:
        top = package / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            inner = path.relative_to(package)
            if path.is_file() and "__pycache__" not in inner.parts:
                found[f"{package.name}/{inner.as_posix()}"] = path
    return found


def write_context(
    folder: Path, recipe: Recipe, sources: Mapping[str, Path], more: Mapping[str, str | bytes] | None = None
) -> None:
    """Write ``Dockerfile``, ``block/`` and ``lentiq/`` into `folder`, which is made if it is not there.

    Parameters
    ----------
    more : mapping
        Other files by path, as ``network/pip.conf``.

    Raises
    ------
    Unavailable
        If the disk takes no more, or a file of the block cannot be read.
    """
    documents = recipe_documents(recipe)
    texts = {f"block/{name}": text for name, text in documents.items() if name != "Dockerfile"}
    contents = {**texts, "Dockerfile": documents["Dockerfile"], **(more or {})}
    files = {f"block/{check_path(one.path)}": sources[one.path] for one in recipe.files}
    files |= {f"lentiq/{name}": path for name, path in runner_source().items()}
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            body = content.encode() if isinstance(content, str) else content
            _parent(folder / name).write_bytes(body)
        for name, source in files.items():
            shutil.copyfile(source, _parent(folder / name))
        # COPY takes the modes over; the layers builder knows these two.
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
