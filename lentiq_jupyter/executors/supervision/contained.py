"""A job in namespaces of its own: it sees its own processes and files only, and the kernel ends all of it at once."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import traceback
from typing import NoReturn

from . import family, linux
from .mounts import conceal, settle_user
from .network import loop_back
from .task import Task, settle, spawn
from .words import ENDED, NO_PROGRAM, NOT_READY, READY, hear, say

_KILLED = int(signal.SIGKILL)


class NotAllowed(Exception):
    """The system does not let this user make namespaces."""


class Contained:
    """See `child.Child`.

    The first process, a copy of the supervisor, arranges what is to be seen, starts the program, takes the ends of
    orphans, and ends with the program or with the supervisor. All others end with it.
    """

    isolation = "namespaces"

    def __init__(self, task: Task) -> None:
        self.network = "open" if task.network else "isolated"
        self._words, inner = os.pipe()
        self._end: tuple[bytes, int] | None = None
        user, group = os.geteuid(), os.getegid()
        flags = linux.CLONE_NEWNS | linux.CLONE_NEWPID
        flags |= linux.CLONE_NEWUSER if user else 0
        flags |= 0 if task.network else linux.CLONE_NEWNET
        # Until the first process has a meaning for it: without one, the kernel throws it away.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        try:
            self._pid = linux.clone(flags)
            if self._pid == 0:
                _first_process(task, inner, flags, user, group)
        except OSError as error:
            os.close(self._words)
            raise NotAllowed from error
        finally:
            os.close(inner)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        if hear(self._words) != (READY, 0):
            os.waitpid(self._pid, 0)
            os.close(self._words)
            raise NotAllowed

    def ended(self, limit_s: float) -> bool:
        """See `Child`."""
        if self._end is None and select.select([self._words], [], [], limit_s)[0]:
            # Silence: the first process was killed, and by the kernel all others.
            self._end = hear(self._words) or (ENDED, _KILLED)
        return self._end is not None

    def status(self) -> int:
        """See `Child`."""
        while not self.ended(60):
            pass
        os.waitpid(self._pid, 0)
        os.close(self._words)
        kind, number = self._end or (ENDED, _KILLED)
        if kind == NO_PROGRAM:
            raise OSError(number, os.strerror(number))
        return number

    def ask(self) -> None:
        """See `Child`."""
        # Not waited for yet, so the number is still its own.
        os.kill(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        """See `Child`."""
        os.kill(self._pid, signal.SIGKILL)

    def members(self) -> list[int]:
        """See `Child`."""
        return family.descendants(self._pid)


def _first_process(task: Task, words: int, flags: int, user: int, group: int) -> NoReturn:
    """Process 1 of the job's namespace."""
    try:
        _arrange_and_wait(task, words, flags, user, group)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(127)


def _arrange_and_wait(task: Task, words: int, flags: int, user: int, group: int) -> None:
    # Nothing of the supervisor's may outlive it here: its lock, its connection.
    low, high = sorted((words, task.log))
    os.closerange(3, low)
    os.closerange(low + 1, high)
    os.closerange(high + 1, 256)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    watch = select.poll()
    watch.register(words, 0)
    if watch.poll(0):
        return  # the supervisor died before that signal could be asked for
    try:
        settle_user(flags, user, group)
        if not task.network:
            loop_back()
        conceal([*task.hidden, *task.shelter], [*task.shown, (task.folder, True)])
    except OSError as error:
        say(words, NOT_READY, error.errno or 0)
        return
    say(words, READY)
    try:
        settle(task)
        pid = spawn(task)
    except OSError as error:
        say(words, NO_PROGRAM, error.errno or 0)
        return
    signal.signal(signal.SIGTERM, lambda *_: _pass_on(pid))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    found, status = os.waitpid(-1, 0)
    while found != pid:
        found, status = os.waitpid(-1, 0)
    say(words, ENDED, status)


def _pass_on(pid: int) -> None:
    # It was in a group of its own before it could be known here.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
