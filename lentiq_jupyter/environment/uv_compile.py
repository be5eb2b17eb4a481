"""uv's resolver: requirement lines in, pinned lines with hashes out. The only file that starts uv's compiler."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import uv
from packaging.utils import canonicalize_name

from ..errors import LentiqError, Unavailable
from ..model import Reporter, record

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?(?:==(\S+)| @ (\S+))")
_HASH = re.compile(r"--hash=(\S+)")
_VIA = re.compile(r"#\s+via\s+(.+)$", re.MULTILINE)
_TIMEOUT_S = 600.0


class NoSolution(LentiqError):
    """The index answered, and says that these requirements cannot be met; the message says why."""


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
    follow: bool = True,
    hashes: bool = True,
    report: Reporter | None = None,
) -> list[Pin]:
    """Resolve requirements to pins for one Python.

    Parameters
    ----------
    python : Path or str
        The interpreter whose platform counts; nothing is installed for it.
    python_version : str or None
        ``X.Y`` to resolve for instead of the interpreter's own.
    follow : bool
        Whether what the requirements need belongs to the answer.

    Raises
    ------
    NoSolution
        If the requirements cannot be met.
    Unavailable
        If the index cannot be reached.
    Cancelled
        Through `report`.
    """
    with tempfile.TemporaryDirectory(prefix="lentiq-uv-") as folder:
        limits = Path(folder, "constraints.txt")
        limits.write_text("".join(f"{line}\n" for line in constraints), encoding="utf-8")
        command = [uv.find_uv_bin(), "pip", "compile", "-", "--constraints", str(limits), "--python", str(python)]
        command += ["--no-header", "--annotation-style", "line", "--no-python-downloads", "--color", "never"]
        command += ["--python-version", python_version] if python_version else []
        command += [] if follow else ["--no-deps"]
        command += ["--generate-hashes"] if hashes else []
        # In a folder of its own, so that no pyproject.toml of the user takes part.
        code, out, said = _run(command, "".join(f"{line}\n" for line in requirements), folder, report)
    if code == 0:
        return parse_pins(out)
    reason = " ".join(re.sub(r"^(error|cause):\s*", "", line.strip()) for line in said.splitlines() if line.strip())
    if code == 1:
        raise NoSolution(re.sub(r".*?(Because )", r"\1", reason, count=1)[:600])
    raise Unavailable(f"The package index does not answer ({reason[:200]}).", "Check the network and uv's index.")


def _run(command: list[str], given: str, folder: str, report: Reporter | None) -> tuple[int, str, str]:
    environment = {"UV_HTTP_RETRIES": "1", **os.environ}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            encoding="utf-8",
        )
    except OSError as error:
        raise Unavailable(f"uv cannot be started ({error.strerror}).", "Install uv again.") from error
    end = time.monotonic() + _TIMEOUT_S
    rest: str | None = given  # communicate takes it once, however often it is asked again
    with process:
        try:
            while True:
                try:
                    out, said = process.communicate(rest, timeout=0.5)
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
