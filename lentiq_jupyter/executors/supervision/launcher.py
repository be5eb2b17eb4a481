"""Makes supervisors: ``python -I -S -c "… from supervision.launcher import main; main()"``, one for each executor.

A process that has everything imported, and keeps one supervisor ready, which waits at the socket that is their standard
input; when it has taken a message, the next one is made. A message brings descriptors and no word: first the
supervisor's own connection to the executor, through which it is told what to do, so that no secret is ever here; then
what it is to hold open while it lives. Ends when the executor's end is closed; supervisors have sessions of their own,
and stay.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import traceback

from .supervisor import supervise

_DESCRIPTORS = 8


def main() -> None:
    """Have a supervisor ready, until the executor is gone."""
    os.chdir("/")
    channel = socket.socket(fileno=os.dup(0))
    # The numbers of the standard streams stay taken.
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(nothing, 0)
    os.close(nothing)
    # Ended supervisors are nobody's concern here.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # What is shared with the children stays shared: the collector would write to all of it.
    gc.collect()
    gc.freeze()
    gc.disable()
    turn = 0
    while True:
        turn += 1
        taken, taking = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            # No more processes are allowed now: refuse one job, so that nobody waits for long.
            pid = -1
            if not _refuse(channel):
                return
        if pid == 0:
            os.close(taken)
            _become_supervisor(channel, taking, turn)
        os.close(taking)
        # Nothing comes from a supervisor that found the executor gone.
        gone = pid > 0 and not os.read(taken, 1)
        os.close(taken)
        if gone and _is_closed(channel):
            return


def _become_supervisor(channel: socket.socket, taking: int, turn: int) -> None:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        said, descriptors, _, _ = socket.recv_fds(channel, 1, _DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
        if said:
            os.write(taking, b"+")
            os.close(taking)
            channel.close()
            supervise(socket.socket(fileno=descriptors[0]), turn)
        code = 0
    except BaseException:
        # Into the job's log, once that is open.
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def _refuse(channel: socket.socket) -> bool:
    """Take a message and leave it; False if the executor is gone."""
    said, descriptors, _, _ = socket.recv_fds(channel, 1, _DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
    for one in descriptors:
        os.close(one)
    return bool(said)


def _is_closed(channel: socket.socket) -> bool:
    """Whether the executor is gone; not so if a supervisor was killed while it waited."""
    found = select.poll()
    found.register(channel, 0)
    return bool(found.poll(0))
