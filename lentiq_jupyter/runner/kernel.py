"""The kernel of the block's own environment: how it starts, what it sees, that it never outlives the runner."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model import ENV_INPUTS

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_SHUTDOWN_S = 2.0


def make_manager(root: Path, sockets: Path) -> Any:
    """A manager of the kernel ``<root>/env/bin/python -m ipykernel_launcher``, which no kernelspec on disk names.

    Parameters
    ----------
    sockets : Path
        A short, private folder: the kernel listens on Unix sockets there, where nobody else can knock.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class Manager(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            argv = [str(root / "env/bin/python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, display_name="Block", language="python")

    manager = Manager(transport="ipc", ip=str(sockets / "kernel"), connection_file=str(sockets / "kernel.json"))
    manager.shutdown_wait_time = _SHUTDOWN_S
    return manager


def kernel_environment(root: Path, secrets: Mapping[str, str]) -> dict[str, str]:
    """What the kernel sees: the runner's environment without the inputs, its own programs first, `secrets` added."""
    environment = {**os.environ, **secrets}
    environment.pop(ENV_INPUTS, None)
    environment["PATH"] = f"{root / 'env/bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
    environment["VIRTUAL_ENV"] = str(root / "env")
    code = str(root / "runner" / "lentiq")
    given = [one for one in environment.get("PYTHONPATH", "").split(os.pathsep) if one and one != code]
    environment["PYTHONPATH"] = os.pathsep.join([code, *given])
    # The debugger's remark about frozen modules is of no use in a log.
    environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    return environment


def die_with_parent() -> None:
    """Run in the kernel's process before its program: the end of the runner, however it comes, is its end (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
