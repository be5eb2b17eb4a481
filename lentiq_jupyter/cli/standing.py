"""``lentiq scheduler``, the standing service in the foreground, and ``lentiq status``."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING

import click

from ..model import Json
from .metrics_page import parse_address, serving
from .plain import plain
from .shell import Command, LocalService, Loop, pairs, print_json, service, setting, wants_json
from .systemd import tell_systemd, watchdog_s

if TYPE_CHECKING:
    from ..workspace.logs import LogFormat

log = logging.getLogger(__name__)

LOOK_S = 0.2
STOP_S = 1.2
"""Seconds that a scheduler gets to give its lease back; if it hangs, the lease runs out by itself."""
_ASK_S = 5.0


@click.command(cls=Command)
@click.option("--tick", type=click.FloatRange(0.05), metavar="SECONDS", help="Between two looks for due workflows.")
@click.option(
    "--metrics", metavar="[HOST:]PORT", help="Serve figures for Prometheus there; without a host, to this machine."
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to log on stderr: lines, or a JSON object a line. Default: text.",
)
@click.pass_context
def scheduler(ctx: click.Context, tick: float | None, metrics: str | None, log_format: LogFormat) -> None:
    """Start due workflows and bring runs to their end, until stopped.

    Any number may run: one works, the others take over when it dies. SIGTERM and Ctrl-C end it;
    running tasks go on, and the next scheduler finds them again.

    \b
    Examples:
      lentiq scheduler
      lentiq scheduler --tick 5 --executor docker
      lentiq scheduler --metrics 9464 --log-format json
    """
    from ..workspace.logs import logging_to

    if tick is not None:
        setting(ctx, "tick_s", tick)
    address = None if metrics is None else parse_address(metrics)
    as_json = log_format == "json"
    say: Callable[[str], None] = log.info if as_json else click.echo
    with ExitStack() as stack:
        stack.enter_context(logging_to(None, log_format))
        office = service(ctx, notify=_log_note if as_json else _note)
        status = office.status()
        loop = office.scheduler()
        if address is not None:
            port = stack.enter_context(serving(address, office.metrics))
            say(f"Figures are at http://{address[0]}:{port}/metrics")
        say(f"The scheduler is up. Registry {status['registry']}, executor {status['executor']}. Ctrl-C ends it.")
        keep(loop, _Role(loop, office, say).look)
        say("The scheduler has ended.")


def _note(kind: str, name: str, state: str) -> None:
    click.echo(f"{datetime.now().astimezone():%H:%M:%S} {kind} {name}: {state}")


def _log_note(kind: str, name: str, state: str) -> None:
    log.info("%s %s: %s", kind, name, state, extra={"run": name} if kind == "run" else None)


class _Role:
    """Says when a scheduler begins to act, and when it stands by."""

    def __init__(self, loop: Loop, office: LocalService, say: Callable[[str], None]) -> None:
        self._loop = loop
        self._office = office
        self._say = say
        self._acts: bool | None = None
        self._ask_at = time.monotonic() + 1.0

    def look(self) -> None:
        """Say what has changed."""
        if self._loop.active:
            self._turn(True, "It acts.")
        elif self._acts:
            self._turn(False, "Another scheduler has taken over; this one stands by.")
        elif self._acts is None and time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + _ASK_S
            holder = self._office.status()["scheduler"]
            if holder is not None and not self._loop.active:
                self._turn(False, f"Another scheduler works ({holder}); this one stands by.")

    def _turn(self, acts: bool, sentence: str) -> None:
        if acts != self._acts:
            self._acts = acts
            self._say(sentence)
            tell_systemd(f"STATUS={sentence}")


def keep(loop: Loop, look: Callable[[], None]) -> None:
    """Run a scheduler until SIGTERM or SIGINT, and raise what it raises; a second signal does not wait for it.

    `look` is called a few times a second. systemd hears that the scheduler is ready, that it goes on turning,
    and that it stops.
    """
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        # Nothing that takes a lock: the interrupted code may hold it.
        asked.append(number)

    stop = threading.Event()
    work = _Work(loop, stop)
    beat = _Beat(loop)
    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        work.start()
        tell_systemd("READY=1")
        while not asked and work.is_alive():
            work.join(LOOK_S)
            look()
            beat.tell()
        tell_systemd("STOPPING=1")
        stop.set()
        loop.wake()
        until_s = time.monotonic() + STOP_S
        while work.is_alive() and len(asked) < 2 and time.monotonic() < until_s:
            work.join(LOOK_S / 4)
        if work.is_alive():
            log.warning("The scheduler is still at work and is left; its lease runs out by itself.")
        if work.error is not None:
            raise work.error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Work(threading.Thread):
    """The scheduler's thread; one that hangs keeps no process alive. `error` is what ended it, None otherwise."""

    def __init__(self, loop: Loop, stop: threading.Event) -> None:
        super().__init__(name="lentiq-scheduler", daemon=True)
        self._loop = loop
        self._stop_asked = stop
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._loop.run_forever(self._stop_asked)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self.error = error


class _Beat:
    """Tells systemd's watchdog that the scheduler turns; where it has stopped turning, silence has it restarted."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._period_s = watchdog_s()
        self._next_s = time.monotonic()

    def tell(self) -> None:
        """Send ``WATCHDOG=1`` if it is time."""
        now_s = time.monotonic()
        if self._period_s is not None and now_s >= self._next_s and now_s - self._loop.turned_s < self._period_s:
            self._next_s = now_s + self._period_s / 3
            tell_systemd("WATCHDOG=1")


@click.command(cls=Command, as_json=True)
@click.pass_context
def status(ctx: click.Context) -> None:
    """Show what is up, what is not, and what to do; exit code 1 if something is to be done.

    \b
    Examples:
      lentiq status
      lentiq status --registry registry.example.org/team --json
    """
    found = service(ctx).status()
    problems = found["problems"]
    sentences = [str(one) for one in problems] if isinstance(problems, list) else []
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(pairs(shown(found)))
        for sentence in sentences:
            click.echo(plain(f"! {sentence}"))
    ctx.exit(1 if sentences else 0)


def shown(found: Mapping[str, Json]) -> dict[str, str]:
    """The words of a status, by key, without its problems."""
    words = {}
    for key, value in found.items():
        if key == "problems":
            continue
        if key == "late_s":
            words["renewed"] = "-" if value is None else f"{value} s ago"
        elif key == "pending" and isinstance(value, dict):
            words[key] = "{task} of run {run} ({workflow}): {reason}".format_map(value)
        elif isinstance(value, dict):
            words[key] = "; ".join(f"{name} {_counted(one)}" for name, one in value.items()) or "-"
        elif isinstance(value, list):
            words[key] = "; ".join(map(str, value)) or "-"
        else:
            words[key] = "-" if value is None else str(value)
    return words


def _counted(value: object) -> str:
    """``up``; ``2 RUNNING, 1 PENDING``."""
    return ", ".join(f"{count} {state}" for state, count in value.items()) if isinstance(value, dict) else str(value)
