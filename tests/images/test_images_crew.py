"""Parts of a build: one fate for all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event

import pytest

from lentiq_jupyter.errors import Cancelled, Unavailable
from lentiq_jupyter.images.crew import Crew
from lentiq_jupyter.model import ProgressEvent, Reporter, Step


def until_stopped(crew: Crew, started: Event) -> None:
    started.set()
    while True:
        crew.report.check()
        time.sleep(0.001)


def fail(started: Event) -> None:
    started.wait()
    raise Unavailable("The disk is full.", "Free some space.")


def run(report: Reporter, then: Callable[[Future[None]], None], *others: Callable[[Event], None]) -> None:
    """Three parts that only go on, others that wait for their begin, and then what the caller does."""
    started = Event()
    with Crew(report, 4) as crew:
        parts = [crew.start(until_stopped, crew, started) for _ in range(3)]
        for one in others:
            crew.compute(one, started)
        started.wait()
        then(parts[0])


def test_first_failure_stops_all_and_is_the_one_that_is_raised() -> None:
    with pytest.raises(Unavailable, match="disk is full"):
        run(Reporter(), lambda part: part.result(), fail)


def test_failure_is_raised_even_if_nobody_waits_for_that_part() -> None:
    with pytest.raises(Unavailable, match="disk is full"):
        run(Reporter(), lambda part: None, fail)


def test_cancel_stops_all() -> None:
    report = Reporter()

    def cancel(part: Future[None]) -> None:
        report.cancel()
        part.result()

    with pytest.raises(Cancelled, match="Stopped as asked"):
        run(report, cancel)
    assert not [one for one in threading.enumerate() if one.name.startswith("lentiq-")]


def test_error_of_the_caller_stops_all() -> None:
    def stumble(part: Future[None]) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(Reporter(), stumble)


def test_wait_includes_parts_that_parts_start() -> None:
    done: list[str] = []
    with Crew(Reporter(), 2) as crew:

        def second() -> None:
            time.sleep(0.01)
            done.append("second")

        def first() -> None:
            crew.start(second)
            done.append("first")

        crew.compute(first)
        crew.wait()
        assert done == ["first", "second"]


def test_events_come_one_at_a_time() -> None:
    inside, most = 0, 0

    def sink(event: ProgressEvent) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.001)
        inside -= 1

    with Crew(Reporter(sink), 4) as crew:
        for _ in range(20):
            crew.start(crew.report.say, Step.BUILD, "said")
    assert most == 1
