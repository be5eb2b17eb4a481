"""From a supervisor's helper to the job's program: its limits, its rights, its terminal, its environment."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
from dataclasses import dataclass
from typing import NoReturn

from . import linux

# What Python changed for itself, and what a program expects as it was.
_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Task:
    """A program to be started for a job.

    Attributes
    ----------
    log : int
        Descriptor that its output goes to.
    processors : list of int
        The only ones it may use.
    user : tuple of int, or None
        User and group it becomes; None: those of its supervisor.
    hidden, shown :
        See `mounts.conceal`. The folders of temporary files, this job's and all jobs', are `folder` and `shelter`.
    network : bool
        False: with none but loopback.
    """

    argv: list[str]
    environment: dict[str, str]
    folder: str
    log: int
    processors: list[int]
    user: tuple[int, int] | None
    shelter: list[str]
    hidden: list[str]
    shown: list[tuple[str, bool]]
    network: bool


def settle(task: Task) -> None:
    """Take on the program's limits, rights and folder, for good.

    Raises
    ------
    OSError
        If the system does not let it.
    """
    os.sched_setaffinity(0, task.processors)
    # When the machine lacks memory, a job goes before what watches it.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("500")
    if task.user is not None:
        os.setgroups([])
        os.setgid(task.user[1])
        # Root's capabilities go with the user; the rest of them below.
        os.setuid(task.user[0])
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.drop_capabilities()
    # It was asked for before, maybe; a change of user takes it back.
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.chdir(task.folder)


def spawn(task: Task) -> int:
    """Start the program in a session of its own; its process id.

    Raises
    ------
    OSError
        If there is no such program, or it cannot be started.
    """
    program = shutil.which(task.argv[0], path=task.environment.get("PATH", os.defpath))
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.posix_spawn(
            program or task.argv[0],
            task.argv,
            task.environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, nothing, 0),
                (os.POSIX_SPAWN_DUP2, task.log, 1),
                (os.POSIX_SPAWN_DUP2, task.log, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=_SIGNALS,
        )
    finally:
        os.close(nothing)


def become(task: Task) -> NoReturn:
    """Let the program take the place of this process, in a session of its own.

    Raises
    ------
    OSError
        As `spawn`.
    """
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for source, target in ((nothing, 0), (task.log, 1), (task.log, 2)):
        os.dup2(source, target)
    for one in _SIGNALS:
        signal.signal(one, signal.SIG_DFL)
    os.execvpe(task.argv[0], task.argv, task.environment)  # noqa: S606  no shell is wanted


def find_user(name: str) -> tuple[int, int]:
    """User and group of a name, or of ``1000:1000``.

    Raises
    ------
    KeyError
        If there is no such user.
    """
    user, colon, group = name.partition(":")
    if user.isdigit():
        return int(user), int(group if colon else user)
    found = pwd.getpwnam(name)
    return found.pw_uid, found.pw_gid
