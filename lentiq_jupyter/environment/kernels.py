"""Which interpreter runs a notebook: from kernelspecs to a path."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from jupyter_core.paths import jupyter_path

from ..errors import NotebookError, NotFound
from ..model import LiveKernel

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_BARE = re.compile(r"python(\d(\.\d+)?)?(\.exe)?")


def python_of(kernel: str | None, notebook_kernel: str = "", live: LiveKernel | None = None) -> Path:
    """The interpreter behind a kernelspec, as an absolute path. Links are kept: they tell environments apart.

    Parameters
    ----------
    kernel : str or None
        The kernelspec asked for; None takes the notebook's own.
    notebook_kernel : str
        The kernelspec the notebook names; "" stands for ``python3``.
    live : LiveKernel or None
        What the running kernel says: the interpreter that it names goes before the kernelspec's command.

    Raises
    ------
    NotFound
        If there is no such kernelspec or its interpreter is gone.
    NotebookError
        If it is not a Python kernel.
    """
    if live is not None and os.path.isabs(live.python) and _launches_python(live.python):
        return Path(live.python)
    name = kernel or notebook_kernel or "python3"
    language, argv = _written(name) or _managed(name)
    if language.lower() != "python":
        raise NotebookError(f"Kernel {name} runs {language}.", "Only Python notebooks can become blocks.")
    return _interpreter(name, argv)


def _written(name: str) -> tuple[str, list[str]] | None:
    """Language and command of the first kernelspec of exactly that name on Jupyter's path; None if none is whole.

    What manages kernels, and knows the rest, takes half a second to load.
    """
    for folder in jupyter_path("kernels") if _NAME.fullmatch(name) else ():
        try:
            found = json.loads(Path(folder, name, "kernel.json").read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            return None
        argv = found.get("argv") if isinstance(found, dict) else None
        return (str(found.get("language") or "python"), list(map(str, argv))) if isinstance(argv, list) else None
    return None


def _managed(name: str) -> tuple[str, list[str]]:
    """The same by Jupyter's own manager: names in other case, the kernel of this very environment, faults."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    manager = KernelSpecManager()
    try:
        spec = manager.get_kernel_spec(name)
    except NoSuchKernel as error:
        there = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        raise NotFound(
            f"There is no kernel named {name}; there are: {there}.", "Use --kernel NAME or --no-kernel."
        ) from error
    return str(spec.language or "python"), [str(word) for word in spec.argv]


def _interpreter(name: str, argv: Sequence[str]) -> Path:
    command = argv[0] if argv else ""
    if _BARE.fullmatch(command):
        # jupyter_client runs a bare "python" with the interpreter it runs under itself.
        return Path(sys.executable)
    found = command if os.path.isabs(command) else shutil.which(command)
    if not found or not _BARE.fullmatch(os.path.basename(found)):
        # Some kernelspecs start Python through another program (env, conda run, a wrapper).
        words = (word for word in argv[1:] if os.path.isabs(word) and _BARE.fullmatch(os.path.basename(word)))
        found = next(words, None)
    if not found or not os.access(found, os.X_OK):
        raise NotFound(
            f"The interpreter of kernel {name} is not there ({command or 'no command'}).",
            "Install the kernel again, or use --kernel NAME or --no-kernel.",
        )
    return Path(os.path.abspath(found))


def _launches_python(path: str) -> bool:
    return bool(_BARE.fullmatch(os.path.basename(path))) and os.access(path, os.X_OK)
