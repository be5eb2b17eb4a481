"""Follows what the Docker Engine says while it builds, and hangs up when the build is to stop."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import requests
from docker.api import APIClient

_POLL_S = 0.2
_HANG_UP_S = 5.0


def follow(
    client: APIClient, start: Callable[[], Iterator[dict[str, Any]]], check: Callable[[], None]
) -> Iterator[dict[str, Any]]:
    """The messages of a build as they come; `check` is called five times a second and may raise to stop it.

    The engine's older builder has no other way to be stopped than that its listener hangs up, and a
    thread that waits for its next word can be woken by nothing but that: hence the socket.
    """
    sockets: list[socket.socket] = []
    client.hooks["response"].append(lambda response, *_, **__: sockets.extend(_socket(response)))
    arriving: queue.SimpleQueue[dict[str, Any] | BaseException | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(start, arriving), daemon=True)
    reader.start()
    try:
        while True:
            check()
            try:
                message = arriving.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if message is None:
                return
            if isinstance(message, BaseException):
                raise message
            yield message
    finally:
        if reader.is_alive():
            for one in sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            reader.join(_HANG_UP_S)


def _read(
    start: Callable[[], Iterator[dict[str, Any]]],
    arriving: queue.SimpleQueue[dict[str, Any] | BaseException | None],
) -> None:
    try:
        for message in start():
            arriving.put(message)
    except BaseException as error:  # noqa: BLE001  raised again in the thread that waits for it
        arriving.put(error)
    arriving.put(None)


def _socket(response: requests.Response) -> Iterator[socket.socket]:
    connection = getattr(response.raw, "connection", None)
    found = getattr(connection, "sock", None)
    if found is not None:
        yield found
