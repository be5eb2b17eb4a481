"""A job's processes under their supervisor, in whatever way the system lets them be started."""

from __future__ import annotations

from typing import Protocol

from .contained import Contained, NotAllowed
from .plain import Plain
from .task import Task


class Child(Protocol):
    """The processes of one job."""

    isolation: str
    """``namespaces``, ``landlock`` or ``none``: what keeps the job from others' files and processes."""
    network: str
    """``open``, ``isolated``, or ``not isolated``: wished for, and the system did not allow it."""

    def ended(self, limit_s: float) -> bool:
        """Wait up to so many seconds, and say whether the program has ended."""

    def status(self) -> int:
        """How it ended, as `os.waitpid` tells; nothing of the job runs any more after this.

        Raises
        ------
        OSError
            If the program could not be started.
        """

    def ask(self) -> None:
        """SIGTERM to the program and what is in its process group."""

    def kill(self) -> None:
        """SIGKILL to all of the job."""

    def members(self) -> list[int]:
        """Process ids, as good as they can be had quickly."""


def start(task: Task) -> Child:
    """Start a program with as much between it and the rest as the system allows.

    Raises
    ------
    OSError
        If no process can be made.
    """
    try:
        return Contained(task)
    except NotAllowed:
        return Plain(task)
