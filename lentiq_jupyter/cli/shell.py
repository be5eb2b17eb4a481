"""What all commands share: the settings options, the way to the workspace, errors as one sentence.

Every settings option may stand before or after the command's name. The workspace and all that it
needs are imported when a command asks for it, so that ``lentiq --help`` answers at once.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Protocol, cast

import click

from ..errors import BuildFailed, Cancelled, Invalid, LentiqError
from ..interfaces import Service
from ..model import Reporter, TaskRun, encode
from .plain import one_line, plain

if TYPE_CHECKING:
    from ..workspace.pruning import Pruning

_SETTINGS = "lentiq.settings"
_JSON = "lentiq.json"
_ENVIRONMENT_ERRORS = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENOTDIR, errno.EEXIST),  # a file where a folder should be
}


class Loop(Protocol):
    """A scheduler that the command line keeps going.

    `turned_s` is when its loop last came round, on the monotonic clock.
    """

    turned_s: float

    @property
    def active(self) -> bool:
        """Whether it acts; otherwise it stands by, or has not looked yet."""

    def run_forever(self, stop: threading.Event) -> None: ...
    def wake(self) -> None: ...


class LocalService(Service, Protocol):
    """A service in this process: what the command line needs beyond `Service`."""

    def ensure_scheduler(self) -> AbstractContextManager[bool]:
        """A scheduler for the time of the block: another process's, or a thread of this one."""

    def scheduler(self) -> Loop: ...
    def set_secret(self, name: str, value: str, project: str = "default") -> None:
        """Keep the value of a secret."""

    def secrets(self, project: str = "default") -> tuple[str, ...]:
        """Names of a project's secrets."""

    def remove_secret(self, name: str, project: str = "default") -> None:
        """Forget a secret."""

    def build_context(self, reference: str, folder: Path) -> None:
        """Write what ``docker build`` of that block needs into a new folder."""

    def results(self, one: TaskRun) -> Path:
        """The folder of a task run's result files."""

    def prune(self, *, dry_run: bool = False, keep_days: float | None = None, docker: bool = False) -> Pruning:
        """Free disk space of what nothing uses."""


def service(ctx: click.Context, notify: Callable[[str, str, str], None] | None = None) -> LocalService:
    """The service this command works on, made from the settings options at the first call.

    Parameters
    ----------
    notify : callable taking (kind, id, state), or None
        Called when something changes; only the first call's counts.
    """
    root = ctx.find_root()
    if root.obj is None:
        from ..workspace import Workspace, load_settings

        workspace = Workspace(load_settings(**ctx.meta.get(_SETTINGS, {})), notify=notify)
        root.call_on_close(workspace.close)
        root.obj = workspace
    return cast(LocalService, root.obj)


def setting(ctx: click.Context, name: str, value: str | float) -> None:
    """Give a setting its value, before `service` is first called."""
    ctx.meta.setdefault(_SETTINGS, {})[name] = value


def wants_json(ctx: click.Context) -> bool:
    """Whether ``--json`` was given, before or after the command's name."""
    return bool(ctx.meta.get(_JSON))


def print_json(value: object) -> None:
    """Print the JSON document of a record, or of a list of records."""
    click.echo(json.dumps(encode(value), indent=2, ensure_ascii=False))


def _take_setting(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        setting(ctx, str(option.name), value)


def _take_json(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_JSON] = True


def _settings_options() -> list[click.Parameter]:
    def option(name: str, **words: Any) -> click.Option:
        return click.Option([f"--{name}"], expose_value=False, callback=_take_setting, **words)

    return [
        option("home", metavar="FOLDER", help="Folder of all state: registry, database, caches, results of runs."),
        option("registry", metavar="WHERE", help="Where blocks live: a folder, or host[:port][/prefix]."),
        option("executor", type=click.Choice(["process", "docker"]), help="What runs tasks."),
    ]


def _json_option() -> click.Option:
    return click.Option(
        ["--json"], is_flag=True, expose_value=False, callback=_take_json, help="Print a JSON document instead of text."
    )


class Command(click.Command):
    """A command with the settings options, and with ``--json`` if `as_json`."""

    def __init__(self, *args: Any, as_json: bool = False, **words: Any) -> None:
        super().__init__(*args, **words)
        self.as_json = as_json
        self.params += _settings_options() + ([_json_option()] if as_json else [])

    def invoke(self, ctx: click.Context) -> Any:
        if wants_json(ctx) and not self.as_json:
            raise click.UsageError(f"{ctx.command_path} has no --json.", ctx)
        return super().invoke(ctx)


class Group(click.Group):
    """A group of commands that share a first word."""

    command_class = Command


class App(Group):
    """The root: settings options before the command's name, and every error as one sentence with its exit code."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.params += [*_settings_options(), _json_option()]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        An error of `errors` is shown and becomes its exit code. So does a full disk, or a folder that
        may not be written to, which any room can meet.
        """
        try:
            return super().invoke(ctx)
        except LentiqError as error:
            tell(error)
            ctx.exit(error.exit_code)
        except OSError as error:
            if error.errno not in _ENVIRONMENT_ERRORS:
                raise
            click.echo(f"lentiq: {error.strerror}: {error.filename or 'a file'}. Choose another --home.", err=True)
            ctx.exit(10)
        except KeyboardInterrupt:
            click.echo("lentiq: Stopped.", err=True)
            ctx.exit(Cancelled.exit_code)


def tell(error: LentiqError) -> None:
    """Show an error on stderr: the end of its log if it has one, then the sentence, faults one a line."""
    if isinstance(error, BuildFailed) and error.log:
        for line in error.log.rstrip().splitlines()[-20:]:
            click.echo(f"  | {plain(line)}", err=True)
    if isinstance(error, Invalid) and len(error.faults) > 1:
        click.echo(plain(f"lentiq: {error.message}. {error.hint}").rstrip(), err=True)
        for fault in error.faults:
            click.echo(f"  {plain(fault)}", err=True)
    else:
        click.echo(plain(f"lentiq: {error}"), err=True)


def show_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """`sys.excepthook` of the command line: a fault of this program, in two lines; all of it with LENTIQ_DEBUG=1."""
    if os.environ.get("LENTIQ_DEBUG") == "1":
        traceback.print_exception(kind, error, trace)
    first = (str(error).strip().splitlines() or [""])[0]
    sys.stderr.write(
        f"lentiq: {kind.__name__}: {first}\n"
        "This is a fault of lentiq itself; please report it. LENTIQ_DEBUG=1 shows where it happened.\n"
    )


@contextmanager
def interruptible(report: Reporter) -> Iterator[None]:
    """Let Ctrl-C stop the reported work at its next step; a second Ctrl-C stops at once.

    Raises
    ------
    Cancelled
        If the work ended, in whatever way, after Ctrl-C and before it was done.
    """
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        report.cancel()
        click.echo("Stopping; press Ctrl-C again to stop at once.", err=True)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    except LentiqError as error:
        # A child process may have got the same signal and failed before the next step was reached.
        if asked and not isinstance(error, Cancelled):
            raise Cancelled("Stopped as asked.", "Nothing was registered.") from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def pairs(words: Mapping[str, object]) -> str:
    """Aligned ``key  value`` lines."""
    width = max((len(key) for key in words), default=0)
    return "\n".join(f"{key.ljust(width)}  {one_line(str(value))}".rstrip() for key, value in words.items())
