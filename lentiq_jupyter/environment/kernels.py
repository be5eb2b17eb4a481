"""Which interpreter runs a notebook: from kernelspecs to a path."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from ..errors import NotebookError, NotFound
from ..model import LiveKernel

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
    # Where notebooks are read without a kernel, what knows kernels need not be loaded.
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    name = kernel or notebook_kernel or "python3"
    manager = KernelSpecManager()
    try:
        spec = manager.get_kernel_spec(name)
    except NoSuchKernel as error:
        there = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        raise NotFound(
            f"There is no kernel named {name}; there are: {there}.", "Use --kernel NAME or --no-kernel."
        ) from error
    language = str(spec.language or "python")
    if language.lower() != "python":
        raise NotebookError(f"Kernel {name} runs {language}.", "Only Python notebooks can become blocks.")
    return _interpreter(name, [str(word) for word in spec.argv])


def _interpreter(name: str, argv: list[str]) -> Path:
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
