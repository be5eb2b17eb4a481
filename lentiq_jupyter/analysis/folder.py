"""The notebook's folder: the only place files of a block come from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ..errors import LentiqError
from .ignore import Ignore

MODULE_LIMIT_BYTES = 2 * 2**20  # larger files are no source code a person wrote


class Outside(LentiqError):
    """A path leads out of the notebook's folder."""


class Folder:
    """Looks paths up, relative to the notebook, and refuses everything that leads out, symlinks too.

    Parameters
    ----------
    root : Path
        The notebook's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))
        self._real = self.root.resolve()
        self._ignore = Ignore(self.root)

    def relative(self, path: str) -> str:
        """`path` as a relative one with forward slashes, free of ``.`` and ``..``.

        Raises
        ------
        Outside
            If it leads out of the folder, by its own words or through a symlink.
        """
        if path.startswith("~") or "\0" in path:
            raise Outside(path)
        made = os.path.normpath(os.path.join(self.root, path))
        try:
            inside = os.path.relpath(made, self.root)
            real = Path(made).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise Outside(path) from error
        if inside.startswith("..") or not real.is_relative_to(self._real):
            raise Outside(path)
        return PurePosixPath(*Path(inside).parts).as_posix()

    def is_file(self, path: str) -> bool:
        """Whether a regular file lies there, inside the folder."""
        return self._check(path, os.path.isfile)

    def is_folder(self, path: str) -> bool:
        """Whether a folder lies there, inside the folder."""
        return self._check(path, os.path.isdir)

    def _check(self, path: str, test: Callable[[str], bool]) -> bool:
        # Most paths asked for are not there: that is told by one look, before links are resolved.
        try:
            return test(os.path.join(self.root, path)) and test(os.path.join(self.root, self.relative(path)))
        except (Outside, OSError, ValueError):
            return False

    def ignores(self, path: str) -> bool:
        """Whether a file or folder inside shall stay out of every block, by ``.lentiqignore``."""
        if not self._ignore:  # links need not be resolved to know
            return False
        try:
            inside = self.relative(path)
        except Outside:
            return False
        return inside != "." and self._ignore.matches(inside, self.is_folder(inside))

    def leads_outside(self, path: str) -> bool:
        """Whether a path is refused because it leads out, whatever lies there."""
        try:
            self.relative(path)
        except Outside:
            return True
        return False

    def leads_out(self, path: str) -> bool:
        """Whether something lies there on disk that is refused because it is outside."""
        try:
            return os.path.exists(os.path.join(self.root, path)) and self.leads_outside(path)
        except ValueError:
            return False

    def size(self, path: str) -> int:
        """Bytes of a file; 0 if it is gone."""
        try:
            return (self.root / self.relative(path)).stat().st_size
        except OSError:
            return 0

    def text(self, path: str, limit: int = MODULE_LIMIT_BYTES) -> str | None:
        """Text of a file inside the folder; None if there is none, it is larger than `limit` bytes, or not text."""
        try:
            inside = self.relative(path)
            if not self.is_file(inside) or self.size(inside) > limit:
                return None
            return (self.root / inside).read_text("utf-8-sig")
        except (Outside, OSError, ValueError):
            return None

    def under(self, path: str, limit: int) -> list[str]:
        """Files below a folder, sorted, hidden and ignored ones and caches left out; at most `limit` plus one."""
        found: list[str] = []
        for top, folders, files in os.walk(self.root / self.relative(path)):
            here = PurePosixPath(*Path(os.path.relpath(top, self.root)).parts)
            folders[:] = sorted(
                name
                for name in folders
                if not name.startswith(".") and name != "__pycache__" and not self.ignores(str(here / name))
            )
            for name in sorted(files):
                inside = os.path.relpath(os.path.join(top, name), self.root)
                if not name.startswith(".") and self.is_file(inside) and not self.ignores(inside):
                    found.append(PurePosixPath(*Path(inside).parts).as_posix())
            if len(found) > limit:
                break
        return found[: limit + 1]

    def matching(self, pattern: str, limit: int, ignored: bool = True) -> list[str]:
        """Files that a relative glob pattern names, sorted; at most `limit` plus one.

        `ignored`: those that ``.lentiqignore`` keeps out of blocks are among them.
        """
        if pattern.startswith(("/", "~")) or ".." in pattern.split("/") or "\0" in pattern:
            return []
        found: list[str] = []
        try:
            for path in self.root.glob(pattern):
                inside = os.path.relpath(path, self.root)
                if self.is_file(inside) and (ignored or not self.ignores(inside)):
                    found.append(PurePosixPath(*Path(inside).parts).as_posix())
                if len(found) > limit:
                    break
        except (ValueError, NotImplementedError, OSError, IndexError):
            return []
        return sorted(found)
