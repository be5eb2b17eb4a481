"""The built front end of the workflow panel: one module and one style sheet beside this package."""

from __future__ import annotations

from pathlib import Path

from ..errors import Unavailable

STATIC = Path(__file__).parents[1] / "static"


def read_frontend(folder: Path = STATIC) -> tuple[str, str]:
    """The panel's ECMAScript module and style sheet.

    Raises
    ------
    Unavailable
        If they were not built, as in a checkout that was not installed.
    """
    try:
        return tuple((folder / name).read_text(encoding="utf-8") for name in ("widget.js", "widget.css"))  # type: ignore[return-value]
    except OSError as error:
        raise Unavailable(
            "The panel's front end was not built.",
            "Install the package (pip install .), or run npm ci && npm run build:prod in labextension/.",
        ) from error
