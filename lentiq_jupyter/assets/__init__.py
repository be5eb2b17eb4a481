"""Files that ship with the package: the `templates/` folder of the source tree.

In a wheel they lie in ``assets/templates``; in a source checkout, at the top level.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["template", "templates"]


def templates() -> Path:
    """The folder of all templates."""
    here = Path(__file__).parent
    packed = here / "templates"
    return packed if packed.is_dir() else here.parents[1] / "templates"


def template(path: str) -> Path:
    """One template, by its path inside `templates/` (``image/Dockerfile``)."""
    return templates() / path
