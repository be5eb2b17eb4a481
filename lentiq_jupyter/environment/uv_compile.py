"""uv's resolver: requirement lines in, pinned lines with hashes out. The only file that starts uv's compiler."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path

import uv
from packaging.utils import canonicalize_name

from ..errors import LentiqError, Unavailable
from ..model import Reporter, record
from ..mortal import mortal
from ..scratch import scratch_folder

WORK = "lentiq-uv-"
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?(?:==(\S+)| @ (\S+))")
_HASH = re.compile(r"--hash=(\S+)")
_VIA = re.compile(r"#\s+via\s+(.+)$", re.MULTILINE)
_UNKNOWN = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*) was not found in the (?:package registry|provided package locations)"
)


# What decides which index uv asks.
_INDEX_WORDS = (
    *("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX"),
    *("UV_INDEX_STRATEGY", "UV_CONFIG_FILE", "UV_NO_CONFIG"),
)


# What uv is told beside this process's own environment: certificates, index, proxy.
UV_SETTINGS: ContextVar[Mapping[str, str]] = ContextVar("UV_SETTINGS", default={})  # noqa: B039  # read only


@contextlib.contextmanager
def uv_settings(variables: Mapping[str, str]) -> Iterator[None]:
    """Have uv told these variables for whatever this thread resolves meanwhile."""
    token = UV_SETTINGS.set(variables)
    try:
        yield
    finally:
        UV_SETTINGS.reset(token)


class NoSolution(LentiqError):
    """The index answered, and says that these requirements cannot be met; the message says why.

    `unknown` are the normalised names of which it has nothing at all, as far as it came to them.
    """

    def __init__(self, message: str, unknown: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.args = (message, unknown)
        self.unknown = unknown


@record
class Pin:
    """One line of uv's answer. `version` is "" for a URL; `via` names who needs it, "" for the caller."""

    name: str
    version: str
    url: str | None
    hashes: tuple[str, ...]
    via: str = ""


def compile_pins(
    requirements: Iterable[str],
    *,
    python: Path | str,
    constraints: Iterable[str] = (),
    python_version: str | None = None,
    platform: str | None = None,
    follow: bool = True,
    hashes: bool = True,
    build: bool = True,
    timeout_s: float = 600.0,
    retries: int = 1,
    report: Reporter | None = None,
) -> list[Pin]:
    """Resolve requirements to pins for one Python.

    Parameters
    ----------
    python : Path or str
        The interpreter whose platform counts; nothing is installed for it.
    python_version : str or None
        ``X.Y`` to resolve for instead of the interpreter's own.
    platform : str or None
        What uv calls a target (``x86_64-manylinux_2_28``), whose wheels and markers count instead.
    follow : bool
        Whether what the requirements need belongs to the answer.
    build : bool
        Whether a source distribution may be built to learn what it needs, which runs code of its own.
    timeout_s : float
        Seconds after which the index counts as out of reach.
    retries : int
        How often a request that failed is tried again, where the environment does not say.

    Raises
    ------
    NoSolution
        If the requirements cannot be met.
    Unavailable
        If the index cannot be reached.
    Cancelled
        Through `report`.
    """
    with scratch_folder(WORK) as folder:
        limits = folder / "constraints.txt"
        lines = "".join(f"{line}\n" for line in constraints)
        limits.write_text(lines, encoding="utf-8")
        command = [uv.find_uv_bin(), "pip", "compile", "-", "--python", str(python)]
        command += ["--constraints", str(limits)] if lines else []
        command += ["--no-header", "--annotation-style", "line", "--no-python-downloads", "--color", "never"]
        command += ["--python-version", python_version] if python_version else []
        command += [] if follow else ["--no-deps"]
        command += ["--python-platform", platform] if platform else []
        command += ["--generate-hashes"] if hashes else []
        command += [] if build else ["--no-build"]
        # In a folder of its own, so that no pyproject.toml of the user takes part.
        code, out, said = _run(
            command, "".join(f"{line}\n" for line in requirements), folder, timeout_s, retries, report
        )
    if code == 0:
        return parse_pins(out)
    reason = " ".join(re.sub(r"^(error|cause):\s*", "", line.strip()) for line in said.splitlines() if line.strip())
    if code == 1:
        unknown = dict.fromkeys(str(canonicalize_name(name)) for name in _UNKNOWN.findall(reason))
        raise NoSolution(re.sub(r".*?(Because )", r"\1", reason, count=1)[:600], tuple(unknown))
    raise Unavailable(f"The package index does not answer ({reason[:200]}).", "Check the network and uv's index.")


def _run(
    command: list[str], given: str, folder: Path, timeout_s: float, retries: int, report: Reporter | None
) -> tuple[int, str, str]:
    environment = {"UV_HTTP_RETRIES": str(retries), **os.environ, **UV_SETTINGS.get()}
    try:
        process = subprocess.Popen(
            mortal(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            encoding="utf-8",
        )
    except OSError as error:
        raise Unavailable(f"uv cannot be started ({error.strerror}).", "Install uv again.") from error
    end = time.monotonic() + timeout_s
    rest: str | None = given  # communicate takes it once, however often it is asked again
    with process:
        try:
            while True:
                try:
                    out, said = process.communicate(rest, timeout=min(0.5, timeout_s))
                    return process.returncode, out, said
                except subprocess.TimeoutExpired as error:
                    rest = None
                    if report is not None:
                        report.check()
                    if time.monotonic() > end:
                        raise Unavailable("The package index takes too long.", "Try again later.") from error
        finally:
            if process.poll() is None:
                process.kill()


def parse_pins(text: str) -> list[Pin]:
    """The pins of what ``uv pip compile`` prints."""
    pins = []
    # A pin begins at the margin; its hashes and comments are indented.
    for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE):
        found = _PIN.match(block)
        if found:
            via = _VIA.search(block)
            named = [word.strip() for word in via[1].split(",")] if via else []
            pins.append(
                Pin(
                    name=canonicalize_name(found[1]),
                    version=found[2] or "",
                    url=found[3],
                    hashes=tuple(sorted(_HASH.findall(block))),
                    via=", ".join(word for word in named if word and not word.startswith("-")),
                )
            )
    return pins


def index_key() -> str:
    """A short word that changes with the settings that say which package index uv asks."""
    digest = hashlib.sha256()
    for word in _INDEX_WORDS:
        said = UV_SETTINGS.get().get(word) or os.environ.get(word, "")
        digest.update(f"{word}={said}\0".encode())
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    folders = [home, *os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep), "/etc"]
    files = [Path(folder, "uv", "uv.toml") for folder in folders]
    given = os.environ.get("UV_CONFIG_FILE")
    for file in [Path(given)] if given else files:
        with contextlib.suppress(OSError):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
