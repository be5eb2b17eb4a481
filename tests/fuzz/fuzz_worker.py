"""Analyses notebooks under an audit hook, in a process of its own: a hook can never be taken off again.

Reads one path a line; answers one JSON document a line. Whatever the analysis must not do (execute the
user's code, import from the notebook's folder, write, start programs, open sockets, read elsewhere,
change the process) is listed in `forbidden`.
"""

from __future__ import annotations

import ast
import collections
import dataclasses
import json
import os
import site
import sys
import sysconfig
import time
import traceback
import types
import warnings
from pathlib import Path

import fastjsonschema
import IPython.core.inputtransformer2
import parso.grammar
import pathspec

import lentiq_jupyter
from lentiq_jupyter.analysis import analyse
from lentiq_jupyter.environment import name_distributions
from lentiq_jupyter.errors import LentiqError

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
TRUSTED = tuple(
    os.path.realpath(path) + os.sep
    for path in (
        *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        Path(lentiq_jupyter.__file__).parent,
    )
)
# What analysis loads when it first needs it is here before anything is watched: a library's own start is not looked at.
LOADED = (IPython.core.inputtransformer2, parso.grammar, pathspec)
# These make code of field names and of nbformat's schemas when they are first asked.
GENERATORS = (collections.__file__, dataclasses.__file__, fastjsonschema.__file__)
EVENTS = [
    "code.__new__",
    "ctypes.dlopen",
    "ftplib.connect",
    "http.client.connect",
    "imaplib.open",
    "os.chdir",
    "os.chmod",
    "os.chown",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.kill",
    "os.killpg",
    "os.link",
    "os.mkdir",
    "os.posix_spawn",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.spawn",
    "os.startfile",
    "os.symlink",
    "os.system",
    "os.truncate",
    "os.unsetenv",
    "os.utime",
    "pickle.find_class",
    "pty.spawn",
    "shutil.copyfile",
    "shutil.move",
    "shutil.rmtree",
    "signal.pthread_kill",
    "smtplib.connect",
    "socket.__new__",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "sqlite3.connect",
    "subprocess.Popen",
    "tempfile.mkdtemp",
    "tempfile.mkstemp",
    "urllib.Request",
    "webbrowser.open",
]


class Watch:
    """The audit hook. It listens only between `arm` and `disarm`."""

    def __init__(self) -> None:
        self.armed = False
        self.folder = ""
        self.seen: list[str] = []
        sys.addaudithook(self)

    def arm(self, folder: str) -> None:
        self.folder, self.seen, self.armed = folder, [], True

    def disarm(self) -> list[str]:
        self.armed = False
        return sorted(set(self.seen))

    def __call__(self, event: str, given: tuple[object, ...]) -> None:
        if not self.armed:
            return
        self.armed = False  # what this hook itself does is not looked at
        try:
            fault = self.fault(event, given)
            if fault:
                self.seen.append(fault)
        finally:
            self.armed = True

    def fault(self, event: str, given: tuple[object, ...]) -> str | None:
        caller = sys._getframe(2).f_code
        if event == "exec":
            code = given[0]
            name = code.co_filename if isinstance(code, types.CodeType) else repr(code)
            return None if trusted(name) or caller.co_filename in GENERATORS else f"exec of {name} by {caller}"
        if event == "compile":
            # A tree is not code: `ast.parse` compiles to no more than that.
            is_tree = caller.co_filename == ast.__file__ and caller.co_name == "parse"
            plain = is_tree or caller.co_filename in GENERATORS or trusted(str(given[1]))
            return None if plain else f"compile of {given[1]} by {caller}"
        if event == "open":
            path, mode, flags = given
            if isinstance(path, int):
                return None
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & WRITES):
                return f"open for writing of {path!r}"
            return None if self.readable(os.fsdecode(path)) else f"reading of {path!r}"
        return f"{event} {given!r:.200}" if event in EVENTS else None

    def readable(self, path: str) -> bool:
        real = os.path.realpath(path)
        return trusted(path) or real.startswith(self.folder + os.sep)


def trusted(name: str) -> bool:
    """Whether a file belongs to Python, an installed library or this product."""
    return name.startswith("<frozen ") or os.path.realpath(name).startswith(TRUSTED)


def state() -> tuple[object, ...]:
    """What running code could have changed in this process."""
    return (
        dict(os.environ),
        os.getcwd(),
        list(sys.path),
        list(sys.meta_path),
        list(sys.path_hooks),
        sys.getrecursionlimit(),
    )


def answer(path: Path, watch: Watch) -> dict[str, object]:
    """Analyse one notebook and say what came of it."""
    os.chdir(path.parent)
    before, modules = state(), set(sys.modules)
    outcome, said = "facts", ""
    crash: Exception | None = None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        began = time.process_time()
        watch.arm(os.path.realpath(path.parent))
        try:
            name_distributions(analyse(path))
        except LentiqError as error:
            outcome, said = type(error).__name__, str(error)
        except Exception as error:  # noqa: BLE001  every other exception is what this looks for
            crash = error
        forbidden = watch.disarm()
        seconds = time.process_time() - began
    if crash:
        outcome, said = "crash", "".join(traceback.format_exception(crash))
    if state() != before:
        forbidden.append("change of the process's state")
    for name in sorted(set(sys.modules) - modules):
        origin = getattr(sys.modules[name], "__file__", None)
        if origin and not trusted(origin):
            forbidden.append(f"import of {origin}")
    return {
        "outcome": outcome,
        "said": said,
        "seconds": seconds,
        "forbidden": forbidden,
        "warnings": sorted({f"{one.category.__name__}: {one.message}" for one in warned}),
    }


def main() -> None:
    """Answer until the input ends."""
    watch = Watch()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(Path(line.rstrip("\n")), watch)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
