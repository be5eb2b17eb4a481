"""`.lentiqignore`: what beside the notebook stays out of its block, by the rules of ``.gitignore``."""

from __future__ import annotations

from pathlib import Path

from pathspec import GitIgnoreSpec

NAME = ".lentiqignore"
_LIMIT_BYTES = 2**20  # a longer one is no list that a person wrote


class Ignore:
    """The rules of one file; none where there is no such file.

    Parameters
    ----------
    root : Path
        The notebook's folder; only a file that lies in it, not beyond a link, is read.
    """

    def __init__(self, root: Path) -> None:
        self._spec = GitIgnoreSpec.from_lines(_lines(root / NAME))

    def matches(self, path: str, folder: bool = False) -> bool:
        """Whether a path, relative to the notebook and with forward slashes, or a folder above it is ignored.

        What a folder holds cannot be taken back out of it by a later ``!`` rule (git's own rule).
        """
        if not self._spec.patterns:
            return False
        parts = path.split("/")
        above = ("/".join(parts[:number]) + "/" for number in range(1, len(parts)))
        return any(map(self._spec.match_file, (*above, f"{path}/" if folder else path)))


def _lines(path: Path) -> list[str]:
    """The rules that can be read, each by itself: git passes over a rule that is none."""
    try:
        if path.is_symlink() or path.stat().st_size > _LIMIT_BYTES:
            return []
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError):
        return []
    return [line for line in lines if _is_rule(line)]


def _is_rule(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
