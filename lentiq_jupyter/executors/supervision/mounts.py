"""What a job sees of the machine: everything but folders that are hidden, with some in them shown.

For the first process of new namespaces of mounts and processes, so that nothing else is touched.
"""

from __future__ import annotations

import os

from .linux import CLONE_NEWUSER, mount, move_mount, open_tree, set_read_only

_SHARED_MEMORY = "/dev/shm"  # noqa: S108  shared by name, not a place for temporary files
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 1 << 14, 1 << 18


def settle_user(flags: int, user: int, group: int) -> None:
    """In a new namespace of users, be who one was outside; nobody else exists in it. Raises OSError."""
    if not flags & CLONE_NEWUSER:
        return
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def conceal(hidden: list[str], shown: list[tuple[str, bool]]) -> None:
    """Cover folders with empty ones, and show some of what was in them where it was.

    Other processes, and what they share in memory by name, are out of sight too.

    Parameters
    ----------
    hidden : list of str
        Real paths.
    shown : list of str and bool
        Real paths; True if it may be written.

    Raises
    ------
    OSError
        If the system does not allow it.
    """
    mount(None, "/", _MS_REC | _MS_PRIVATE)
    trees: list[tuple[str, int]] = []
    for path, writable in shown:
        if any(path.startswith(f"{one}/") for one in (*hidden, _SHARED_MEMORY)):
            tree = open_tree(path)
            if not writable:
                set_read_only(tree)
            trees.append((path, tree))
    mount("proc", "/proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    if os.path.isdir(_SHARED_MEMORY):
        mount("tmpfs", _SHARED_MEMORY, _MS_NOSUID | _MS_NODEV, "mode=1777")
    covers = []
    for folder in hidden:
        if os.path.isdir(folder):
            mount("tmpfs", folder, _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
            covers.append(os.open(folder, os.O_PATH | os.O_CLOEXEC))
    for path, tree in sorted(trees):
        os.makedirs(path, exist_ok=True)
        move_mount(tree, path)
        os.close(tree)
    for cover in covers:
        set_read_only(cover, below=False)
        os.close(cover)
