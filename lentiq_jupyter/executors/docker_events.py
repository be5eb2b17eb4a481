"""The ends of containers, as the Docker engine tells them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import docker

from ..errors import LentiqError
from .container import LABEL_POOL
from .docker_errors import hang_up, translated

_RECONNECT_S = 1.0


class Listener:
    """One thread that reads the engine's events of one pool, across restarts of the engine."""

    def __init__(self, client: docker.DockerClient, pool: str, ended: Callable[[str], None]) -> None:
        self._client = client
        self._filters = {"type": "container", "event": "die", "label": f"{LABEL_POOL}={pool}"}
        self._ended = ended
        self._done = threading.Event()
        # The engine's own clock says from when on; connecting twice must leave no gap.
        self._since_ns = engine_time_ns(client)
        self._events: Any = None
        self.thread = threading.Thread(target=self._listen, name=f"docker-events-{pool}", daemon=True)

    def _listen(self) -> None:
        while not self._done.is_set():
            with suppress(LentiqError), translated("listen to events"):
                self._events = self._client.api.events(
                    since=self._since_ns // 10**9, filters=self._filters, decode=True
                )
                if self._done.is_set():
                    # Closed while it was being connected: `close` had nothing to close yet.
                    hang_up(self._events)
                    return
                for event in self._events:
                    if self._done.is_set():
                        return
                    # The engine is asked for whole seconds, so it may tell some again.
                    if event["timeNano"] > self._since_ns:
                        self._since_ns = event["timeNano"]
                        self._ended(str(event["Actor"]["Attributes"]["name"]))
            self._done.wait(_RECONNECT_S)

    def close(self) -> None:
        """Stop listening."""
        self._done.set()
        if self._events is not None:
            hang_up(self._events)
        if threading.current_thread() is not self.thread:
            self.thread.join(timeout=5)
        self._client.close()


def was_ever_started(client: docker.DockerClient, identity: str, since: str) -> bool:
    """Whether the engine's events say that a container, removed by now, was started after `since` (its own time)."""
    now = engine_time_ns(client)
    until: Any = f"{now // 10**9}.{now % 10**9:09d}"  # the engine takes parts of seconds
    events = client.api.events(
        since=int(datetime.fromisoformat(since).timestamp()),
        until=until,
        filters={"type": "container", "event": "start", "container": identity},
        decode=True,
    )
    try:
        return any(True for _ in events)
    finally:
        hang_up(events)


def engine_time_ns(client: docker.DockerClient) -> int:
    """The engine's clock, in nanoseconds of the epoch; ours where it does not say."""
    text = client.info().get("SystemTime")
    return int(datetime.fromisoformat(text).timestamp() * 1e9) if text else time.time_ns()
