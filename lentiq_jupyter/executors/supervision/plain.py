"""A job in a session of its own, kept from files by Landlock: where this user may not make namespaces."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
import traceback
from typing import NoReturn

from . import family, linux
from .landlock import restrict
from .network import leave_network
from .task import Task, become, settle
from .words import NO_PROGRAM, OFFLINE, RESTRICTED, hear, say

_LOOK_S = 0.01


class Plain:
    """See `child.Child`. What the program starts is found as what descends from this process, a subreaper."""

    def __init__(self, task: Task) -> None:
        self._words, inner = os.pipe()
        self._status: int | None = None
        self._fault = 0
        # Grandchildren whose parents die become children of this process, and so stay in reach.
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        here = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            _program(task, inner, here)
        os.close(inner)
        self.isolation = "none"
        self.network = "open" if task.network else "not isolated"
        # Until the program has taken the place of the copy of this process.
        while word := hear(self._words):
            if word[0] == NO_PROGRAM:
                self._fault = word[1]
            elif word[0] == OFFLINE:
                self.network = "isolated"
            elif word[0] == RESTRICTED:
                self.isolation = "landlock"
        os.close(self._words)
        self._pidfd: int | None = None
        with contextlib.suppress(OSError):
            self._pidfd = linux.pidfd_open(self._pid)

    def ended(self, limit_s: float) -> bool:
        """See `Child`."""
        end = time.monotonic() + limit_s
        if self._status is None and self._pidfd is not None:
            select.select([self._pidfd], [], [], limit_s)
        while self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._status = status
            elif time.monotonic() >= end:
                return False
            else:
                time.sleep(_LOOK_S)
        return True

    def status(self) -> int:
        """See `Child`."""
        while not self.ended(60):
            pass
        family.kill_descendants()
        if self._fault:
            raise OSError(self._fault, os.strerror(self._fault))
        return self._status or 0

    def ask(self) -> None:
        """See `Child`."""
        # Not waited for yet, so the number is still its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        """See `Child`."""
        family.strike()

    def members(self) -> list[int]:
        """See `Child`."""
        return family.descendants(os.getpid())


def _program(task: Task, words: int, parent: int) -> NoReturn:
    try:
        if not task.network and leave_network():
            say(words, OFFLINE)
        settle(task)
        with contextlib.suppress(OSError):
            restrict(task.hidden, [*task.shown, (task.folder, True)])
            say(words, RESTRICTED)
        # The supervisor may have died before its death meant anything here.
        if os.getppid() == parent:
            become(task)
    except OSError as error:
        say(words, NO_PROGRAM, error.errno or 0)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(127)
