"""Serves figures to a monitoring system: ``http://HOST:PORT/metrics``, nothing else, from a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ..errors import BadInput, LentiqError, Unavailable

LOOPBACK = "127.0.0.1"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_POLL_S = 0.1


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of ``[HOST:]PORT``; without a host this machine alone can reach it.

    Raises
    ------
    BadInput
        If it is none.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise BadInput(f"{text!r} is no address for metrics.", "Write a port, or host:port, as in 0.0.0.0:9464.")
    return host.strip("[]") or LOOPBACK, int(port)


@contextmanager
def serving(address: tuple[str, int], text: Callable[[], str]) -> Iterator[int]:
    """Serve `text()` for the time of the block; yields the port (which the system chose, for port 0).

    Raises
    ------
    Unavailable
        If the address cannot be had.
    """

    class Page(_Page):
        figures = staticmethod(text)

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        daemon_threads = True

    try:
        server = Server(address, Page)
    except OSError as error:
        raise Unavailable(
            f"Metrics cannot be served at {address[0]}:{address[1]} ({error.strerror or error}).",
            "Choose another --metrics.",
        ) from error
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": _POLL_S}, name="lentiq-metrics", daemon=True
    )
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _Page(BaseHTTPRequestHandler):
    # Seconds that a client may take to ask.
    timeout = 10.0
    server_version = "lentiq"
    sys_version = ""
    figures: Callable[[], str]

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self._answer(404, "The figures are at /metrics.\n")
            return
        try:
            self._answer(200, self.figures())
        except LentiqError as error:
            self._answer(503, f"{error.message}\n")

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - the library's name
        """Nothing: somebody asks every few seconds."""
