"""Calls of the Linux kernel that Python has no functions for, and nothing that decides anything.

Numbers of calls newer than Linux 5.1 are the same on every architecture that Python runs on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

__all__ = [
    "CLONE_NEWNET",
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWUSER",
    "FALLOC_PUNCH_HOLE",
    "PR_SET_CHILD_SUBREAPER",
    "PR_SET_NO_NEW_PRIVS",
    "PR_SET_PDEATHSIG",
    "clone",
    "drop_capabilities",
    "fallocate",
    "mount",
    "move_mount",
    "open_tree",
    "pidfd_open",
    "pidfd_send_signal",
    "prctl",
    "set_read_only",
    "syscall",
    "unshare",
]

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_SECUREBITS, PR_CAP_AMBIENT = 1, 28, 47
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
FALLOC_PUNCH_HOLE = 0x02 | 0x01  # with the size kept
_PR_CAP_AMBIENT_CLEAR_ALL, _SECBIT_NOROOT_LOCKED = 4, 0b11
_CAPABILITY_VERSION_3 = 0x20080522
_SIGCHLD = 17
_OPEN_TREE, _MOVE_MOUNT, _CLONE3, _MOUNT_SETATTR = 428, 429, 435, 442
_PIDFD_SEND_SIGNAL, _PIDFD_OPEN = 424, 434
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH, _MOUNT_ATTR_RDONLY = 1, 4, 1

# Without letting go of the interpreter's lock: after `clone`, the child is in the middle of a call.
_LIBC = ctypes.PyDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


class _CloneArguments(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls")
    ]


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


def syscall(number: int, *arguments: object) -> int:
    """Call the kernel; integers are passed as longs. Raises OSError."""
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return _checked(_LIBC.syscall(ctypes.c_long(number), *words))


def clone(flags: int) -> int:
    """Like `os.fork`, with the child in new namespaces. For processes of one thread. Raises OSError."""
    arguments = _CloneArguments(flags=flags, exit_signal=_SIGCHLD)
    return syscall(_CLONE3, ctypes.byref(arguments), ctypes.sizeof(arguments))


def pidfd_open(pid: int) -> int:
    """A descriptor of a process, which stays its own when its number is used again. Raises OSError."""
    return syscall(_PIDFD_OPEN, pid, 0)


def pidfd_send_signal(descriptor: int, number: int) -> None:
    """Raises OSError."""
    syscall(_PIDFD_SEND_SIGNAL, descriptor, number, 0, 0)


def unshare(flags: int) -> None:
    """Move this process to new namespaces. Raises OSError."""
    _checked(_LIBC.unshare(flags))


def prctl(option: int, value: int = 0, more: int = 0) -> None:
    """Raises OSError."""
    _checked(_LIBC.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(more), ctypes.c_ulong(0), ctypes.c_ulong(0)))


def drop_capabilities() -> None:
    """Give up every capability for good, also for what user 0 would get back at the start of a program."""
    # Refused where there is nothing to lose.
    with contextlib.suppress(OSError):
        prctl(PR_SET_SECUREBITS, _SECBIT_NOROOT_LOCKED)
    with contextlib.suppress(OSError):
        prctl(PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _checked(_LIBC.capset(head, (ctypes.c_uint32 * 6)()))


def mount(kind: str | None, target: str, flags: int, options: str = "") -> None:
    """Mount a file system without a device; `kind` None changes how `target` is mounted. Raises OSError."""
    name = kind.encode() if kind else None
    _checked(_LIBC.mount(name, os.fsencode(target), name, ctypes.c_ulong(flags), options.encode()))


def open_tree(path: str) -> int:
    """A descriptor of a copy of what is mounted from `path` on, to be mounted somewhere. Raises OSError."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags)


def move_mount(tree: int, target: str) -> None:
    """Mount what `open_tree` gave. Raises OSError."""
    syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH)


def set_read_only(tree: int, *, below: bool = True) -> None:
    """For a tree that is mounted, or to be; with what is mounted `below` it, or without. Raises OSError."""
    attributes = _MountAttributes(set=_MOUNT_ATTR_RDONLY)
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if below else 0)
    syscall(_MOUNT_SETATTR, tree, b"", flags, ctypes.byref(attributes), ctypes.sizeof(attributes))


def fallocate(descriptor: int, mode: int, offset: int, length: int) -> None:
    """Raises OSError."""
    _checked(_LIBC.fallocate(descriptor, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
