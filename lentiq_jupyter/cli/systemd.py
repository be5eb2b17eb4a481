"""What a service tells systemd: that it is ready, alive, about to end. One datagram each; see sd_notify(3)."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def tell_systemd(*lines: str) -> bool:
    """Send ``READY=1`` and the like to the service manager; False where there is none that listens.

    It never fails the caller: a lost word costs a restart at worst.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    # An abstract socket's name begins with a zero byte, which no environment variable can hold.
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.sendto("\n".join(lines).encode(), address)
        return True
    return False


def watchdog_s() -> float | None:
    """Seconds within which systemd wants the next ``WATCHDOG=1``; None if it wants none, or not of this process."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 1_000_000
