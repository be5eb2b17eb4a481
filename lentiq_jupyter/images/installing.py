"""Installs a lock with uv into an environment that can lie anywhere, and lists it as members of a layer.

Nothing that uv made is changed in place: its files may be hard links into the user's cache. What the
image needs otherwise (the interpreter, ``pyvenv.cfg``) is put over it when the list is made.
"""

from __future__ import annotations

import json
import os
import platform as host_platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadInput, BuildFailed, Unavailable
from ..model import Reporter, Step
from .command import run
from .disk import disk_errors, disk_full
from .dockerfile import all_hashed, pins_of
from .packing import Entry

# The oldest C library that images of today have (RHEL 8, Debian 11): the same wheels on every host.
_TARGETS = {"linux/amd64": "x86_64-manylinux_2_28", "linux/arm64": "aarch64-manylinux_2_28"}
_MACHINES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
BASE_PYTHON = "/usr/local/bin"  # where the official images have it
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


def install(
    requirements: str, *, python: str, platform: str, uv: str, folder: Path, prefix: str, what: str, report: Reporter
) -> list[Entry]:
    """Install a lock in `folder` and list the environment as members below `prefix` (no leading slash).

    Parameters
    ----------
    what : str
        What progress calls it ("environment").

    Raises
    ------
    BadInput
        If there are no wheels for `platform`.
    BuildFailed
        If a package cannot be installed; with the end of uv's output.
    Unavailable
        If the package index does not answer, or the disk is full.
    """
    target = _TARGETS.get(platform)
    if target is None:
        raise BadInput(f"The layers builder does not make images for {platform}.", "Use --builder docker.")
    report.say(Step.BUILD, f"{what}: {len(list(pins_of(requirements)))} packages")
    venv = folder / "venv"
    lock = folder / "requirements.lock"
    with disk_errors(lock):
        lock.write_text(requirements, encoding="utf-8", newline="")
    _uv([uv, "venv", "--quiet", "--relocatable", "--no-project", "--python", str(find_interpreter(python, uv)),
         str(venv)], what, report)  # fmt: skip
    own = {path for path in venv.rglob("*") if not path.is_dir() or path.is_symlink()}
    command = [uv, "pip", "sync", "--python", str(venv), "--python-platform", target, "--link-mode", "hardlink",
               "--no-compile-bytecode", "--allow-empty-requirements"]  # fmt: skip
    if all_hashed(requirements):
        command.append("--require-hashes")
    if _MACHINES.get(host_platform.machine()) != platform or sys.platform != "linux":
        command += ["--only-binary", ":all:"]
    _uv([*command, str(lock)], what, report)
    with disk_errors(venv):
        return list(_members(venv, own, python, prefix))


def _uv(command: list[str], what: str, report: Reporter) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
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


def _members(venv: Path, own: set[Path], python: str, prefix: str) -> Iterator[Entry]:
    executable = f"{prefix}/bin/python"
    yield Entry(name=executable, link=f"{BASE_PYTHON}/python{python}")
    yield Entry(name=executable + "3", link="python")
    yield Entry(name=f"{prefix}/bin/python{python}", link="python")
    yield Entry(name=f"{prefix}/lib64", link="lib")
    settings = f"home = {BASE_PYTHON}\ninclude-system-site-packages = false\nversion = {python}\n"
    yield Entry(name=f"{prefix}/pyvenv.cfg", source=settings.encode())
    left_out = own | _local_origins(venv)
    for path in venv.rglob("*"):
        inner = path.relative_to(venv).as_posix()
        if path in left_out or "__pycache__" in path.parts:
            continue
        if path.is_symlink():
            yield Entry(name=f"{prefix}/{inner}", link=os.readlink(path))
        elif path.is_dir():
            yield Entry(name=f"{prefix}/{inner}")
        elif path.name == "RECORD" and path.parent.name.endswith(".dist-info"):
            yield Entry(name=f"{prefix}/{inner}", source=_record(path, venv, left_out))
        else:
            executable_bit = bool(path.stat().st_mode & 0o111)
            yield Entry(name=f"{prefix}/{inner}", source=path, executable=executable_bit)


def _local_origins(venv: Path) -> set[Path]:
    """Notes that name a folder of this host as a package's origin (PEP 610), and uv's own about it."""
    found = set()
    for path in venv.rglob("*.dist-info/direct_url.json"):
        try:
            url = json.loads(path.read_bytes()).get("url", "")
        except (ValueError, AttributeError):
            continue
        if str(url).startswith("file:"):
            found |= {path, path.with_name("uv_cache.json"), path.with_name("uv_build.json")}
    return found


def _record(path: Path, venv: Path, left_out: set[Path]) -> bytes:
    """The list of installed files (PEP 376), sorted, without those that the layer leaves out."""
    site = path.parent.parent
    gone = {os.path.relpath(one, site) for one in left_out if one.is_relative_to(venv)}
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    kept = sorted(line for line in lines if line.split(",")[0] not in gone and "__pycache__/" not in line)
    return ("\n".join(kept) + "\n").encode("utf-8", "surrogateescape")
