"""Installs pins of a lock with uv into environments that can lie anywhere.

Nothing that uv made is changed in place: its files may be hard links into the user's cache.
"""

from __future__ import annotations

import os
import platform as host_platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from ..errors import BadInput, BuildFailed, Unavailable
from ..model import Reporter, Step
from .command import run
from .disk import disk_errors, disk_full
from .splitting import Venv, Wheel, inside, split, whole
from .wheels import Pin

# The oldest C library that images of today have (RHEL 8, Debian 11): the same wheels on every host.
_TARGETS = {"linux/amd64": "x86_64-manylinux_2_28", "linux/arm64": "aarch64-manylinux_2_28"}
_MACHINES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
# What uv itself leaves at the top of an environment while it works.
_MARKS = frozenset({".lock", ".gitignore", "CACHEDIR.TAG"})
_UNREACHABLE = (
    "error sending request",
    "Failed to fetch",
    "Could not connect",
    "dns error",
    "Connection refused",
    "timed out",
    "Network connectivity is disabled",
)
_LOG_LINES = 30
_CAUSE = re.compile(r"(?:error|cause|caused by):\s*", re.IGNORECASE)


def find_uv(given: str | None) -> str:
    """The uv program: as given, beside this interpreter, or on PATH. Raises Unavailable."""
    beside = Path(sys.executable).with_name("uv")
    found = given or (str(beside) if beside.is_file() else shutil.which("uv"))
    if not found:
        raise Unavailable("uv is not installed.", "Run python -m pip install uv, or use --builder docker.")
    return found


def find_interpreter(python: str, uv: str) -> Path:
    """An interpreter of Python `python` (``X.Y``) on this host: on PATH, behind a Jupyter kernel, or of uv.

    Raises
    ------
    Unavailable
        If there is none; nothing is downloaded.
    """
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    name = f"python{python}"
    for place in (*(Path(folder) / name for folder in os.get_exec_path()), *_kernels()):
        # A shim of a version manager may be there and yet not run, and is never linked to itself.
        found_there = _interpreter_behind(place, python) if place.is_file() else None
        if found_there is not None:
            return found_there
    try:
        found = subprocess.run(
            [uv, "python", "find", "--no-python-downloads", "--no-project", "--managed-python", python],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"uv does not run ({error}).", "Install it anew, or use --builder docker.") from error
    if found.returncode == 0 and found.stdout.strip():
        return Path(found.stdout.strip())
    raise Unavailable(
        f"There is no Python {python} on this machine to install the block's packages with.",
        f"Run uv python install {python}, or use --builder docker.",
    )


def _kernels() -> list[Path]:
    """Programs of the kernels that Jupyter knows: what a notebook runs with need not be on PATH."""
    from jupyter_client.kernelspec import KernelSpecManager

    specs = KernelSpecManager().get_all_specs().values()
    commands = [spec["spec"].get("argv") or [""] for spec in specs if spec["spec"].get("language") == "python"]
    return [Path(words[0]) for words in commands if os.path.isabs(words[0])]


def _interpreter_behind(place: Path, python: str) -> Path | None:
    """The interpreter that a program starts, outside of virtual environments; None if it is not Python `python`."""
    script = "import sys; print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
    try:
        shown = subprocess.run(
            [str(place), "-Ic", script],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version, _, executable = shown.stdout.strip().partition(" ")
    return Path(executable) if shown.returncode == 0 and version == python and executable else None


class Installer:
    """Installs pins of a lock for one Python and platform, each as if it were alone.

    Parameters
    ----------
    python, platform : str
        ``X.Y`` and the OCI platform.
    uv : str or None
        The uv program; None finds it.
    what : str
        What progress calls it ("environment").
    variables : mapping
        What to set for uv beside this process's own environment.

    Raises
    ------
    BadInput
        If there are no wheels for `platform`.
    """

    def __init__(
        self,
        *,
        python: str,
        platform: str,
        uv: str | None,
        what: str,
        report: Reporter,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        target = _TARGETS.get(platform)
        if target is None:
            raise BadInput(f"The layers builder does not make images for {platform}.", "Use --builder docker.")
        self._sync = ["--python-platform", target, "--link-mode", "hardlink", "--no-compile-bytecode"]
        if _MACHINES.get(host_platform.machine()) != platform or sys.platform != "linux":
            self._sync += ["--only-binary", ":all:"]
        self._python = python
        self._given_uv = uv
        self._variables = variables
        self._what = what
        self._report = report

    def install(self, pins: Sequence[Pin], folder: Path) -> dict[str, Wheel]:
        """The pins' distributions by name, installed together in `folder`.

        Those of which a file belongs to two, or to none, are installed again, each by itself: which
        others a lock has must not change a layer.

        Raises
        ------
        BuildFailed
            If a package cannot be installed; with the end of uv's output.
        Unavailable
            If the package index does not answer, the disk is full, or this machine has no such Python.
        """
        self._report.say(Step.BUILD, f"{self._what}: {len(pins)} packages")
        venv = self._environment(pins, folder / self._what)
        with disk_errors(venv.folder):
            wheels, unclear = split(venv, [pin.name for pin in pins])
        for pin in pins:
            if pin.name in unclear:
                wheels[pin.name] = self.install_alone(pin, folder)
        return wheels

    def install_alone(self, pin: Pin, folder: Path, *, fresh: bool = False) -> Wheel:
        """One distribution in an environment of its own, all of whose files are then its.

        With `fresh`, nothing is taken from uv's cache, where files may have been edited in place.
        """
        venv = self._environment([pin], folder / f"{self._what}-{pin.name}", ["--no-cache"] if fresh else [])
        with disk_errors(venv.folder):
            return whole(venv)

    def _environment(self, pins: Sequence[Pin], folder: Path, options: Sequence[str] = ()) -> Venv:
        uv = find_uv(self._given_uv)
        # The name of a folder alone could be read as a version of Python.
        venv, lock = folder.absolute() / "venv", folder.absolute() / "requirements.lock"
        with disk_errors(lock):
            folder.mkdir(parents=True, exist_ok=True)
            lock.write_text("".join(f"{pin.line}\n" for pin in pins), encoding="utf-8", newline="")
        interpreter = str(find_interpreter(self._python, uv))
        self._run([uv, "venv", "--quiet", "--relocatable", "--no-project", "--python", interpreter, str(venv)])
        with disk_errors(venv):
            own = frozenset(inside(venv))
        if all("--hash=" in pin.line for pin in pins):
            options = [*options, "--require-hashes"]
        self._run([uv, "pip", "sync", "--python", str(venv / "bin" / "python"), *self._sync, *options, str(lock)])
        return Venv(folder=venv, own=own | _MARKS, python=self._python)

    def _run(self, command: list[str]) -> None:
        _uv(command, self._what, self._report, self._variables)


def _uv(command: list[str], what: str, report: Reporter, variables: Mapping[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= variables
    environment |= {"UV_NO_PROGRESS": "1", "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "hardlink"}

    def line(text: str) -> None:
        if not text.startswith("Using "):  # where it works for now is nobody's concern
            report.say(Step.BUILD, f"{what}: {text}")

    code, lines = run(command, environment, line, report.check)
    if code == 0:
        return
    log = "\n".join(lines[-_LOG_LINES:])
    if "No space left on device" in log or "os error 28" in log:
        raise disk_full(Path(command[-1]))
    if any(words in log for words in _UNREACHABLE):
        raise Unavailable(
            f"The package index does not answer: {_gist(lines)}", "Check the network and uv's index settings."
        )
    raise BuildFailed(
        f"The {what} could not be installed: {_gist(lines)}",
        "Look at the log; change the package's version, or use --builder docker if it must be compiled.",
        log,
    )


def _gist(lines: list[str]) -> str:
    """The line that says most: the last cause uv names, else the first error."""
    said = [re.sub(r"^\W+", "", line).rstrip() for line in lines]
    said = [line for line in said if line]
    causes = [line for line in said if _CAUSE.match(line)]
    text = _CAUSE.sub("", (causes or said or ["uv gave no reason"])[-1])
    return text if text.endswith(".") else text + "."
