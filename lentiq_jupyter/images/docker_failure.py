"""What a failed ``docker build`` printed, as an error that says what to do. Pure."""

from __future__ import annotations

import re

from ..errors import BadInput, BuildFailed, Unavailable
from ..model import Recipe

_UNREACHABLE = (
    "dial tcp",
    "i/o timeout",
    "Temporary failure in name resolution",
    "Temporary failure resolving",
    "Could not resolve",
    "NewConnectionError",
    "Client.Timeout",
)
# The engine may give apt's "E: " apart from what follows it.
_NO_PACKAGE = re.compile(r"(?:Unable to locate package |E: Package ')([a-z0-9][a-z0-9+.-]+)")
_NO_PYTHON = re.compile(r"\bpython3\.\d+\W*:? (?:command )?not found|No module named venv")
_OTHER_MACHINE = re.compile(r"exec format error", re.IGNORECASE)
_LOG_LINES = 40


def failure_of(log: list[str], recipe: Recipe) -> BadInput | BuildFailed | Unavailable:
    """The error for a build that printed `log`, line by line."""
    shown = "\n".join(log[-_LOG_LINES:])
    said = _gist(log)
    if "no space left on device" in shown.lower():
        return Unavailable(f"Docker's disk is full: {said}.", "Run docker system prune, or give it more space.")
    if any(words in shown for words in _UNREACHABLE):
        return Unavailable(
            f"Docker cannot reach what the build needs: {said}.",
            "Check that the engine reaches the base image's registry and the package index.",
        )
    if _NO_PYTHON.search(shown):
        return BuildFailed(
            f"The base image has no Python {recipe.python} on its PATH, or only a part of it.",
            f"Take --base python:{recipe.python}-slim, or install Python {recipe.python} in your Dockerfile.",
            shown,
        )
    if _OTHER_MACHINE.search(shown):
        return cannot_run(recipe.platform)
    unknown = sorted(set(_NO_PACKAGE.findall(shown)))
    if unknown:
        return BuildFailed(
            f"The base image's Debian has no package {', '.join(unknown)}.",
            "Take another base with --base, or leave it out with --remove-system NAME.",
            shown,
        )
    return BuildFailed(f"docker build failed: {said}.", "Look at the log; the Dockerfile can be shown.", shown)


def _gist(log: list[str]) -> str:
    """The line that says most: what the command said last, rather than that it failed."""
    lines = [line for line in log if not line.startswith(("Removing intermediate", "--->", "The command"))] or log
    errors = [line for line in lines if line.startswith(("ERROR:", "E: "))]
    return (errors or lines)[-1].rstrip(".")


def cannot_run(platform: str) -> BadInput:
    """The error for an engine that cannot run programs of a platform."""
    return BadInput(
        f"The Docker Engine cannot run programs for {platform}, and so not build images for it.",
        "Register an emulator for it (QEMU, with binfmt_misc), or use --builder layers.",
    )
