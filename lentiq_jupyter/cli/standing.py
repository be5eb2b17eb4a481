"""``lentiq scheduler``, the standing service in the foreground, and ``lentiq status``."""

from __future__ import annotations

import concurrent.futures
import logging
import signal
import threading
from datetime import datetime
from types import FrameType

import click

from .shell import Command, Loop, pairs, print_json, service, setting, wants_json

LOOK_S = 0.2


@click.command(cls=Command)
@click.option("--tick", type=click.FloatRange(0.05), metavar="SECONDS", help="Between two looks for due workflows.")
@click.pass_context
def scheduler(ctx: click.Context, tick: float | None) -> None:
    """Start due workflows and bring runs to their end, until stopped.

    Any number may run: one works, the others take over when it dies. SIGTERM and Ctrl-C end it;
    running tasks go on, and the next scheduler finds them again.

    \b
    Examples:
      lentiq scheduler
      lentiq scheduler --tick 5 --executor docker
    """
    if tick is not None:
        setting(ctx, "tick_s", tick)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    office = service(ctx, notify=_note)
    status = office.status()
    loop = office.scheduler()
    click.echo(f"The scheduler is up. Registry {status['registry']}, executor {status['executor']}. Ctrl-C ends it.")
    keep(loop)
    click.echo("The scheduler has ended.")


def _note(kind: str, name: str, state: str) -> None:
    click.echo(f"{datetime.now().astimezone():%H:%M:%S} {kind} {name}: {state}")


def keep(loop: Loop) -> None:
    """Run a scheduler until SIGTERM or SIGINT, and raise what it raises."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        # Nothing that takes a lock: the interrupted code may hold it.
        asked.append(number)

    stop = threading.Event()
    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="lentiq-scheduler") as pool:
            work = pool.submit(loop.run_forever, stop)
            while not asked and not work.done():
                concurrent.futures.wait([work], timeout=LOOK_S)
            stop.set()
            loop.wake()
            work.result()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command(cls=Command, as_json=True)
@click.pass_context
def status(ctx: click.Context) -> None:
    """Show what is up, what is not, and what to do.

    \b
    Examples:
      lentiq status
      lentiq status --registry registry.example.org/team --json
    """
    found = service(ctx).status()
    if wants_json(ctx):
        print_json(found)
        return
    problems = found["problems"]
    words = {key: "-" if word is None else word for key, word in found.items() if key != "problems"}
    click.echo(pairs(words))
    for problem in problems if isinstance(problems, list) else []:
        click.echo(f"! {problem}")
