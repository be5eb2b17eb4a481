"""Work folders and files that tell whether their maker still lives, and what was left behind by one that does not.

Whoever makes one holds its lock while working in it, and a lock ends with its process, however that ends.
So what has a free lock was left by a process that was killed, and may go at once; what is held is in use.
Standard library only.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Swept",
    "abandoned",
    "disk_bytes",
    "hold_shared",
    "last_used",
    "not_held",
    "remove",
    "scratch_file",
    "scratch_folder",
    "sweep",
]

# Where a file system knows no locks, only age tells.
_STALE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Swept:
    """What one look found: `count` things to remove, bytes on disk `before`, of which `freed` go with them.

    `left` are sentences about what was left alone.
    """

    count: int = 0
    before: int = 0
    freed: int = 0
    left: tuple[str, ...] = ()

    def __add__(self, other: Swept) -> Swept:
        """Both together."""
        return Swept(
            self.count + other.count, self.before + other.before, self.freed + other.freed, self.left + other.left
        )


@contextmanager
def scratch_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder, held by this process and removed at the end; it may be renamed or removed before.

    Parameters
    ----------
    parent : Path or None
        None: the system's folder for temporary files.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        descriptor = _held(folder)
        if descriptor is not None:
            break
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def scratch_file(prefix: str, parent: Path) -> tuple[int, str]:
    """A new file, open for writing, and its name. It is held until the descriptor is closed.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    while True:
        descriptor, name = tempfile.mkstemp(prefix=prefix, dir=parent)
        _lock(descriptor, fcntl.LOCK_EX)
        if _is_at(descriptor, Path(name)):
            return descriptor, name
        os.close(descriptor)


@contextmanager
def hold_shared(path: Path) -> Iterator[int]:
    """Say that a folder or file is in use, for the time of the block; the lock follows the yielded descriptor.

    Raises
    ------
    OSError
        If it is not there, or was removed meanwhile: FileNotFoundError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(descriptor, fcntl.LOCK_SH)
        if not _is_at(descriptor, path):
            raise FileNotFoundError(f"{path} was removed")
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def not_held(path: Path) -> Iterator[bool]:
    """Whether nobody holds a folder or file; nobody can take hold of it before the block ends."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        free = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            pass
        except OSError:
            free = time.time() - os.fstat(descriptor).st_mtime > _STALE_S
        yield free and _is_at(descriptor, path)
    finally:
        os.close(descriptor)


def abandoned(prefix: str, parent: Path | None = None) -> list[Path]:
    """What begins with `prefix` in a folder, is this user's, and is held by nobody. See `scratch_folder`."""
    found = []
    with suppress(OSError):
        with os.scandir(parent or tempfile.gettempdir()) as inside:
            named = sorted(one.path for one in inside if one.name.startswith(prefix))
        for path in map(Path, named):
            with suppress(FileNotFoundError), not_held(path) as free:
                if free and _is_own(path):
                    found.append(path)
    return found


def sweep(prefix: str, parent: Path | None = None, *, dry_run: bool = False) -> Swept:
    """Remove what `abandoned` finds; with `dry_run`, only measure it."""
    return remove(abandoned(prefix, parent), dry_run=dry_run)


def remove(paths: Iterable[Path], *, dry_run: bool = False, keep: Callable[[Path], bool] = lambda path: False) -> Swept:
    """Remove folders and files that nobody holds; what is held then, or `keep` wants at that moment, stays.

    Each is renamed first, so that a kill in between leaves nothing that looks whole. What cannot be
    removed is told in `left`.
    """
    total = Swept()
    for path in paths:
        with not_held(path) as free:
            if not free or keep(path):
                continue
            size = disk_bytes([path])
            if not dry_run:
                try:
                    _remove(path)
                except OSError as error:
                    total += Swept(0, size, 0, (f"{path} cannot be removed ({error.strerror}).",))
                    continue
            total += Swept(1, size, size)
    return total


def last_used(path: Path) -> float:
    """When it was last changed or touched, in seconds of the epoch; infinity where it is gone already."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return float("inf")


def disk_bytes(paths: Iterable[Path]) -> int:
    """Bytes on disk that would be free without these folders and files: those shared with others do not count."""
    sizes: dict[tuple[int, int], tuple[int, int]] = {}
    links: dict[tuple[int, int], int] = {}
    todo = [str(path) for path in paths]
    while todo:
        path = todo.pop()
        with suppress(OSError):
            status = os.lstat(path)
            key = (status.st_dev, status.st_ino)
            folder = stat.S_ISDIR(status.st_mode)
            # A folder's count of links tells its subfolders.
            sizes[key] = (status.st_blocks * 512, 1 if folder else status.st_nlink)
            links[key] = links.get(key, 0) + 1
            if folder:
                with os.scandir(path) as inside:
                    todo += [one.path for one in inside]
    return sum(size for key, (size, count) in sizes.items() if links[key] >= count)


def _held(folder: Path) -> int | None:
    """A descriptor that holds the folder; None if it was swept away before it could be held."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    _lock(descriptor, fcntl.LOCK_EX)
    if _is_at(descriptor, folder):
        return descriptor
    os.close(descriptor)
    return None


def _lock(descriptor: int, kind: int) -> None:
    # A file system without locks still holds files.
    with suppress(OSError):
        fcntl.flock(descriptor, kind)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file or folder is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _is_own(path: Path) -> bool:
    status = path.lstat()
    return status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode)


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink()
        return
    gone = path if path.name.startswith(".gone-") else path.with_name(f".gone-{path.name}")
    if gone != path:
        shutil.rmtree(gone, ignore_errors=True)
        path.rename(gone)
    _writable(gone)
    shutil.rmtree(gone)


def _writable(folder: Path) -> None:
    """Let its owner empty every folder below, whatever rights a layer gave it."""
    for path, folders, _ in os.walk(folder):
        for one in folders:
            inner = os.path.join(path, one)
            if not os.path.islink(inner) and not os.access(inner, os.W_OK | os.X_OK):
                with suppress(OSError):
                    os.chmod(inner, 0o700)
