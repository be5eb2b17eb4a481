"""What long work says while it goes on, and how it is stopped."""

from __future__ import annotations

import threading
from typing import Callable, Optional

from ..errors import Cancelled
from .record import StrEnum, record


class Step(StrEnum):
    """The steps of a publish, in order."""

    ANALYSE = "analyse"
    RESOLVE = "resolve"
    BUILD = "build"
    VERIFY = "verify"
    REGISTER = "register"


@record
class ProgressEvent:
    """One line about long work. `done` and `total` share a unit (bytes, packages); None when unknown."""

    step: Step
    message: str
    done: Optional[int] = None
    total: Optional[int] = None


class Reporter:
    """Takes progress, and carries the wish to stop.

    Parameters
    ----------
    sink : callable taking a ProgressEvent, or None
        Called from whatever thread works; None drops the events.
    """

    def __init__(self, sink: Optional[Callable[[ProgressEvent], None]] = None) -> None:
        self._sink = sink
        self._stop = threading.Event()

    def say(self, step: Step, message: str, done: Optional[int] = None, total: Optional[int] = None) -> None:
        """Report, and stop here if that was asked for.

        Raises
        ------
        Cancelled
            If `cancel` was called.
        """
        self.check()
        if self._sink is not None:
            self._sink(ProgressEvent(step=step, message=message, done=done, total=total))

    def cancel(self) -> None:
        """Ask the work to stop at its next step."""
        self._stop.set()

    def check(self) -> None:
        """Raise Cancelled if `cancel` was called; long loops call this."""
        if self._stop.is_set():
            raise Cancelled("Stopped as asked.", "Nothing was registered.")
