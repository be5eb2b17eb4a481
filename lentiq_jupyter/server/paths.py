"""Paths that clients give stay inside the server's root folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ..errors import BadInput, NotFound


def inside(root: Path, path: str) -> Path:
    """The file that `path` names below `root`, with all links resolved.

    Raises
    ------
    BadInput
        If the path is empty, absolute, steps upwards, or leads out of `root` through a link.
    NotFound
        If there is no such file.
    """
    given = PurePosixPath(path)
    if not path or "\0" in path or "\\" in path or given.is_absolute() or ".." in given.parts:
        raise BadInput(f"{path!r} is no path below the server's root folder.", "Give the path the file browser shows.")
    top = root.resolve()
    found = top.joinpath(*given.parts).resolve()
    if not found.is_relative_to(top):
        raise BadInput(f"{path!r} leads out of the server's root folder.", "Publish a file inside it.")
    if not found.is_file():
        raise NotFound(f"There is no file {path}.", "Save the notebook first.")
    return found
