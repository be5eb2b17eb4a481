"""What threads do for the scheduler's one thread, a job at a time, and how it hears of their results."""

from __future__ import annotations

from collections.abc import Callable

from .crew import Crew


class Errands:
    """Gives work to a crew; what it comes back with is done in the scheduler's own thread.

    Parameters
    ----------
    post : callable
        Takes what is to be done in the scheduler's thread.
    ended : callable
        Told of a job that ended while a thread was at work on it, once that has come back.
    """

    def __init__(self, crew: Crew, post: Callable[[Callable[[], None]], None], ended: Callable[[str], None]) -> None:
        self._crew = crew
        self._post = post
        self._ended = ended
        self._epoch = 0
        self._again: set[str] = set()
        self.busy: set[str] = set()

    def forget(self) -> None:
        """Hear nothing of what threads still do."""
        self._epoch += 1
        self.busy.clear()
        self._again.clear()

    def ended_meanwhile(self, job_name: str) -> None:
        """A busy job has ended: look at it once it is free."""
        self._again.add(job_name)

    def submit(self, team: str, job_name: str, work: Callable[[], Callable[[], None]]) -> None:
        """Let a thread do `work`, on that job ("": on none); what it returns is done in the scheduler's thread."""
        epoch = self._epoch
        if job_name:
            self.busy.add(job_name)

        def result(after: Callable[[], None]) -> None:
            if epoch != self._epoch:
                return
            self.busy.discard(job_name)
            after()
            if job_name in self._again:
                self._again.discard(job_name)
                self._ended(job_name)

        def do() -> None:
            after: Callable[[], None] = nothing
            try:
                after = work()
            finally:
                self._post(lambda: result(after))

        self._crew.submit(team, do)


def nothing() -> None:
    """What follows where nothing does."""
    return
