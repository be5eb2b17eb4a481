"""Where the server meets the workspace; the only place of this room that knows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from traitlets.config import Config

from ..interfaces import Service


@dataclass(frozen=True)
class Backend:
    """A service, and what only the process that hosts it does.

    `run_scheduler(stop)` blocks until `stop` is set; `prepare` makes the first inspection as quick as the
    next ones; `close` frees what the service holds; `tasks_in_hand` counts those that end with this process's
    scheduler, or wait for the next one.
    """

    service: Service
    run_scheduler: Callable[[threading.Event], None]
    prepare: Callable[[], None]
    close: Callable[[], None]
    tasks_in_hand: Callable[[], int]


def open_backend(config: Config, notify: Callable[[str, str, str], None]) -> Backend:
    """A workspace as the configuration says.

    Raises
    ------
    LentiqError
        As `Workspace` does: a setting is wrong, a folder or database is out of reach.
    """
    from ..workspace import Workspace, load_settings

    workspace = Workspace(load_settings(config), notify=notify)
    return Backend(workspace, workspace.run_scheduler, workspace.prepare, workspace.close, workspace.tasks_in_hand)
