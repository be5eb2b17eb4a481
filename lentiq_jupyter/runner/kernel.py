"""The kernel of the block's own environment: how it starts, what it sees, that it never outlives the runner.

It is started before the libraries that talk to it are loaded, which takes it about as long as it takes them.
So nothing of Jupyter is imported here but by what needs it.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

from ..model import ENV_INPUTS

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_SHUTDOWN_S = 2.0
_POLL_S = 0.005
# One expression, so that no name is left behind.
_BEFORE_CELLS = "__import__('importlib').import_module('lentiq_jupyter.runner.unlimited').unlimit()"
_CHANNELS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
# The path of a Unix socket has 107 bytes on Linux, 103 on macOS; behind the folder's comes "/kernel-5".
_LONGEST_FOLDER = 90
_SHORT_FOLDERS = ("/tmp", "/dev/shm", "/var/tmp")  # noqa: S108  private folders are made in them


class Kernel:
    """The process ``<root>/env/bin/python -m ipykernel_launcher``, which no kernelspec on disk names.

    Parameters
    ----------
    folder : Path
        Its working folder.
    sockets : Path
        A short, private folder: it listens on Unix sockets there, where nobody else can knock.
    environment : mapping
        All it sees; see `kernel_environment`.

    Attributes
    ----------
    fault : OSError or None
        Why it could not be started.
    """

    def __init__(self, root: Path, folder: Path, sockets: Path, environment: Mapping[str, str]) -> None:
        self.connection: dict[str, Any] = {name: number for number, name in enumerate(_CHANNELS, 1)}
        self.connection["transport"] = "ipc"
        self.connection["ip"] = str(sockets / "kernel")
        self.connection["key"] = secrets.token_hex(32)
        self.connection["signature_scheme"] = "hmac-sha256"
        file = sockets / "kernel.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(self.connection))
        self.argv = [str(root / "env/bin/python"), "-m", "ipykernel_launcher", "-f", str(file)]
        # What is typed in a shell is kept for its user; nobody types here.
        self.argv.append("--HistoryManager.hist_file=:memory:")
        self.argv.append(f"--IPKernelApp.exec_lines={_BEFORE_CELLS}")
        self.fault: Optional[OSError] = None
        self.process: Optional[subprocess.Popen[bytes]] = None
        try:
            self.process = subprocess.Popen(
                self.argv,
                cwd=folder,
                env={**environment, "JPY_PARENT_PID": str(os.getpid())},
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,
                start_new_session=True,
            )
        except OSError as error:
            self.fault = error

    async def listens(self, within_s: float) -> None:
        """Wait until all its sockets are there: whoever connects earlier tries again only after a while.

        Raises
        ------
        RuntimeError
            If it ends before, or takes longer.
        """
        process = self.process
        end = time.monotonic() + within_s
        left = [f"{self.connection['ip']}-{self.connection[name]}" for name in _CHANNELS]
        while left := [path for path in left if not os.path.exists(path)]:
            if process is None or process.poll() is not None:
                raise RuntimeError("the kernel ended before it was ready; its messages are above")
            if time.monotonic() > end:
                raise RuntimeError(f"the kernel was not ready within {within_s:.0f} seconds")
            await asyncio.sleep(_POLL_S)

    def kill(self) -> None:
        """End it with all that it has started, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def make_manager(kernel: Kernel) -> Any:
    """A kernel manager, as nbclient wants one, of a kernel that runs already."""
    import zmq
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    connection: Any = {**kernel.connection, "key": kernel.connection["key"].encode()}
    spec = KernelSpec(argv=kernel.argv, display_name="Block", language="python")

    class Provisioner(LocalProvisioner):
        """Gives the process that is there where one would be started."""

        async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
            self.connection_info = connection
            return {"cmd": kernel.argv}

        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
            if kernel.process is None:
                raise kernel.fault or RuntimeError("there is no kernel")
            self.process = kernel.process
            # It leads a session, and so a group, of its own.
            self.pid = self.pgid = kernel.process.pid
            return self.connection_info

    class Client(AsyncKernelClient):
        async def wait_for_ready(self, timeout: Optional[float] = None) -> None:
            await _ready(self, timeout)

    class Manager(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

        async def _async_finish_shutdown(
            self, waittime: Optional[float] = None, pollinterval: float = _POLL_S, restart: bool = False
        ) -> None:
            await super()._async_finish_shutdown(waittime, _POLL_S, restart)

    manager = Manager(client_factory=Client, shutdown_wait_time=_SHUTDOWN_S)
    # Unlimited: what a kernel sends beyond a limit is dropped.
    manager.context.setsockopt(zmq.RCVHWM, 0)
    manager.load_connection_info(connection)
    manager.provisioner = Provisioner(kernel_id="block", kernel_spec=spec, parent=manager)
    return manager


async def _ready(client: Any, timeout_s: Optional[float]) -> None:
    """Wait until the kernel answers on both channels that cells need.

    As `jupyter_client.KernelClient.wait_for_ready`, which then waits for the second channel to be silent.
    """
    from queue import Empty

    end = time.monotonic() + (timeout_s or float("inf"))
    while time.monotonic() < end:
        client.kernel_info()
        try:
            reply = await client.shell_channel.get_msg(timeout=1)
            while True:
                heard = await client.iopub_channel.get_msg(timeout=0.2)
                of_reply = heard["parent_header"].get("msg_id") == reply["parent_header"].get("msg_id")
                if of_reply and heard["content"].get("execution_state") == "idle":
                    return
        except Empty:
            if not await client.is_alive():
                raise RuntimeError("the kernel ended before it was ready; its messages are above") from None
    raise RuntimeError(f"the kernel did not answer within {timeout_s} seconds")


def kernel_environment(root: Path, secret: Mapping[str, str]) -> dict[str, str]:
    """What the kernel sees: the runner's environment without the inputs, its own programs first, `secret` added."""
    environment = {**os.environ, **secret}
    environment.pop(ENV_INPUTS, None)
    environment["PATH"] = f"{root / 'env/bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
    environment["VIRTUAL_ENV"] = str(root / "env")
    code = str(root / "runner" / "lentiq")
    given = [one for one in environment.get("PYTHONPATH", "").split(os.pathsep) if one and one != code]
    environment["PYTHONPATH"] = os.pathsep.join([code, *given])
    # The debugger's remark about frozen modules is of no use in a log.
    environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    return environment


@contextmanager
def sockets_folder(temporary: Path) -> Iterator[Path]:
    """A private folder with a path short enough for sockets: below `temporary`, or where that is too long elsewhere.

    Raises
    ------
    OSError
        If there is none.
    """
    if len(os.fsencode(temporary)) <= _LONGEST_FOLDER:
        yield temporary
        return
    fault: Optional[OSError] = None
    for parent in _SHORT_FOLDERS:
        try:
            # By this name, and by the lock, one that a killed runner left is found and removed.
            folder = tempfile.mkdtemp(prefix="lentiq-job-", dir=parent)
        except OSError as error:
            fault = error
            continue
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_SH)
            yield Path(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(held)
        return
    raise fault or OSError("no folder for sockets")


def _die_with_parent() -> None:
    """Run in the kernel's process before its program: the end of the runner, however it comes, is its end (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
