"""A network of loopback alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct

from .linux import CLONE_NEWNET, CLONE_NEWUSER, unshare
from .mounts import settle_user

_SIOCSIFFLAGS, _IFF_UP_RUNNING = 0x8914, 0x1 | 0x40


def loop_back() -> None:
    """Switch loopback on in a new network.

    Where that fails it stays off: what needs it fails, which is what "no network" may mean.
    """
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING))


def leave_network() -> bool:
    """Move this process to a network of its own; False where the system does not allow it."""
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNET | (CLONE_NEWUSER if user else 0)
    try:
        unshare(flags)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        settle_user(flags, user, group)
    loop_back()
    return True
