"""Rights to files given up by a process for itself and all it starts (Landlock, Linux 5.13): needs no privileges.

For where namespaces are not allowed. Rights can be given by folder only, never taken back further down; so everything
is allowed but the folders on the way to what is hidden, and these level by level. What is different from namespaces:
names in hidden folders can be listed, nothing can be made right in a folder that has a hidden one below it, and
temporary files of other jobs can be read. Processes outside cannot be looked into, nor (Linux 6.12) signalled.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat

from .linux import syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
# Rights known since a version, by the number of their bits; more than files by the size of the structure.
_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_SCOPES, _SCOPED_SINCE = 0b11, 6
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_READ_ONLY = _EXECUTE | _READ_FILE | _READ_DIR


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scoped")]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def restrict(hidden: list[str], shown: list[tuple[str, bool]]) -> None:
    """Keep this process out of folders, but for what is shown of them. It must have no new privileges already.

    Parameters
    ----------
    hidden : list of str
        Real paths.
    shown : list of str and bool
        Real paths; True if it may be written.

    Raises
    ------
    OSError
        If the system has no Landlock.
    """
    version = syscall(_CREATE_RULESET, 0, 0, _VERSION)
    every = (1 << _BITS.get(version, _BITS[5])) - 1
    attributes = _Ruleset(files=every, scoped=_SCOPES if version >= _SCOPED_SINCE else 0)
    # Older kernels know the beginning of the structure.
    size = 24 if version >= _SCOPED_SINCE else 8
    rules = syscall(_CREATE_RULESET, ctypes.byref(attributes), size, 0)
    try:
        _allow(rules, "/", _READ_DIR & every)
        for path in _around("/", hidden):
            _allow(rules, path, every)
        for path, writable in shown:
            _allow(rules, path, every if writable else _READ_ONLY & every)
        syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _around(folder: str, hidden: list[str]) -> list[str]:
    """Everything in a folder that is not hidden, as few paths as can say it."""
    found: list[str] = []
    with contextlib.suppress(OSError), os.scandir(folder) as inside:
        for one in inside:
            if one.path in hidden or one.is_symlink():
                continue  # what a link leads to has a path of its own
            if any(other.startswith(f"{one.path}/") for other in hidden):
                found += _around(one.path, hidden)
            else:
                found.append(one.path)
    return found


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # gone meanwhile, or out of reach anyhow
    try:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = _Beneath(allowed=rights if folder else rights & _OF_FILES, parent=descriptor)
        syscall(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)
