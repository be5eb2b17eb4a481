"""How the kernel side finds its service: what magics and panels talk to.

First what the server told the kernel, then the running Jupyter servers, last a workspace of this
process. Above `workspace` and `client`, which do not know each other. Light at import, as kernels are.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from typing import TYPE_CHECKING

from .client import Client
from .errors import LentiqError, Unavailable

if TYPE_CHECKING:
    from .interfaces import Service

ENV_URL = "LENTIQ_API_URL"
ENV_TOKEN = "LENTIQ_API_TOKEN"  # noqa: S105 - the variable's name, not its value
PROBE_S = 3.0


def connect() -> Service:
    """The service of this kernel.

    ``LENTIQ_API_URL`` and ``LENTIQ_API_TOKEN`` where the server set them; else the running Jupyter
    server that has the service and whose root folder is nearest around the working directory; else
    a workspace in this process, with a scheduler in a thread that stands by while another one works.

    Raises
    ------
    Unavailable
        If there is none of these.
    """
    url = os.environ.get(ENV_URL)
    if url:
        return Client(url, os.environ.get(ENV_TOKEN, ""))
    return _running_server() or _own_workspace()


def _running_server() -> Client | None:
    try:
        from jupyter_server.serverapp import list_running_servers
    except ImportError:
        return None
    here = os.path.realpath(os.getcwd())

    def distance(server: dict[str, str]) -> tuple[bool, int]:
        root = os.path.realpath(server.get("root_dir", os.sep))
        around = here == root or here.startswith(root.rstrip(os.sep) + os.sep)
        return not around, -len(root)

    for server in sorted(list_running_servers(), key=distance):
        url = f"{server['url'].rstrip('/')}/lentiq"
        try:
            Client(url, server.get("token", ""), timeout_s=PROBE_S).status()
        except LentiqError:
            continue
        return Client(url, server.get("token", ""))
    return None


@functools.lru_cache(maxsize=1)
def _own_workspace() -> Service:
    missing = Unavailable(
        "No Lentiq service was found.",
        "Start JupyterLab where lentiq-jupyter is installed, or set LENTIQ_API_URL and LENTIQ_API_TOKEN.",
    )
    if sys.version_info < (3, 11):
        raise missing
    try:
        from .workspace import Workspace
    except ImportError as error:
        raise missing from error
    workspace = Workspace()
    scheduler = threading.Thread(
        target=workspace.run_scheduler, args=(threading.Event(),), name="lentiq-scheduler", daemon=True
    )
    scheduler.start()
    return workspace
