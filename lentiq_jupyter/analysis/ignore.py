"""`.lentiqignore`: what beside the notebook stays out of its block, by the rules of ``.gitignore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        lines = _lines(root / NAME)
        self._spec = _spec(tuple(lines)) if lines else None

    def __bool__(self) -> bool:
        return self._spec is not None and bool(self._spec.patterns)

    def matches(self, path: str, folder: bool = False) -> bool:
        """Whether a path, relative to the notebook and with forward slashes, or a folder above it is ignored.

        What a folder holds cannot be taken back out of it by a later ``!`` rule (git's own rule).
        """
        if self._spec is None:
            return False
        parts = path.split("/")
        above = ["/".join(parts[:number]) for number in range(1, len(parts))]
        if any(map(self._folder, above)):
            return True
        return self._folder(path) if folder else self._spec.match_file(path)

    def _folder(self, path: str) -> bool:
        """The last rule that names a folder decides; pathspec ranks rules for folders below those for files."""
        ignored = False
        for rule in self._spec.patterns if self._spec is not None else ():
            if rule.include is not None and rule.match_file(f"{path}/") is not None:
                ignored = rule.include
        return ignored


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
        _spec((line,))
    except ValueError:
        return False
    return True


def _spec(lines: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # few folders have such a file

    return GitIgnoreSpec.from_lines(lines)
