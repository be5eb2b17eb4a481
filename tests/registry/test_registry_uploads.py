"""Blobs over a bad line: a TCP proxy cuts it, before a real registry and before a server that tells what it has."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from lentiq_jupyter.errors import Unavailable
from lentiq_jupyter.registry import DistributionRegistry

SIZE = 12_000_000
HEADERS = 20_000  # bytes that requests take beside the blob, at most
# Of each socket on the way, so that little is under way when the line breaks, however slow the server is.
BUFFER = 1 << 16


class Line:
    """A TCP proxy; `cuts` are bytes after which a connection from the client breaks, one cut a connection."""

    def __init__(self, target: str, cuts: list[int]) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self.cuts = cuts
        self.sent = 0  # bytes from the client
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)  # its connections have it, too
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            self._open += [client, server]
            for call in (self._forward, self._back):
                self._threads.append(threading.Thread(target=call, args=(client, server)))
                self._threads[-1].start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := client.recv(65536):
                passed += len(data)
                self.sent += len(data)
                server.sendall(data)
                if self.cuts and passed >= self.cuts[0]:
                    self.cuts.pop(0)
                    break
        self._end(client, server)

    def _back(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        self._end(client, server)

    def _end(self, *both: socket.socket) -> None:
        for one in both:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._end(*self._open)
        for one in self._threads:
            one.join(10)


@pytest.fixture
def line() -> Iterator[Callable[[str, list[int]], Line]]:
    made: list[Line] = []

    def start(target: str, cuts: list[int]) -> Line:
        made.append(Line(target, cuts))
        return made[-1]

    yield start
    for one in made:
        one.close()


class Keeping(BaseHTTPRequestHandler):
    """Takes blobs as the Distribution specification 1.1 says, and keeps what it got of a broken request."""

    protocol_version = "HTTP/1.1"
    parts: ClassVar[dict[str, bytearray]]
    blobs: ClassVar[dict[str, bytes]]
    seen: ClassVar[list[str]]

    def do_HEAD(self) -> None:
        digest = self.path.rpartition("/")[2]
        self.say(200 if digest in self.blobs else 404)

    def do_POST(self) -> None:
        name = os.urandom(8).hex()
        self.parts[name] = bytearray()
        self.say(202, Location=f"/v2/clean/blobs/uploads/{name}")

    def do_GET(self) -> None:
        self.say(204, Range=f"0-{max(len(self.part) - 1, 0)}", Location=self.path)

    def do_PATCH(self) -> None:
        start = re.match(r"(\d+)-", self.headers.get("Content-Range", "0-"))
        if start is None or int(start[1]) != len(self.part):
            self.say(416)
            return
        self.take()
        self.say(202, Range=f"0-{len(self.part) - 1}", Location=self.path)

    def do_PUT(self) -> None:
        self.take()
        digest = self.path.partition("digest=")[2].replace("%3A", ":")
        right = "sha256:" + hashlib.sha256(self.part).hexdigest() == digest
        if right:
            self.blobs[digest] = bytes(self.part)
        self.say(201 if right else 400)

    def do_DELETE(self) -> None:
        self.say(204)

    @property
    def part(self) -> bytearray:
        return self.parts[self.path.partition("?")[0].rpartition("/")[2]]

    def take(self) -> None:
        left = int(self.headers.get("Content-Length", "0"))
        while left:
            data = self.rfile.read1(min(left, 65536))
            if not data:
                raise ConnectionResetError
            self.part.extend(data)
            left -= len(data)

    def say(self, status: int, **headers: str) -> None:
        self.seen.append(self.command)
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture
def keeping() -> Iterator[tuple[str, type[Keeping]]]:
    handler = type("Handler", (Keeping,), {"parts": {}, "blobs": {}, "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # broken connections are meant
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"127.0.0.1:{server.server_port}", handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def blob(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("blob") / "blob"
    path.write_bytes(os.urandom(SIZE))
    return path, "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_upload_goes_on_where_the_line_broke(
    keeping: tuple[str, type[Keeping]], line: Callable[[str, list[int]], Line], blob: tuple[Path, str]
) -> None:
    host, server = keeping
    bad = line(host, [3_000_000, 2_000_000, 4_000_000])
    assert DistributionRegistry(bad.host).put_blob("clean", *blob) == SIZE
    assert hashlib.sha256(server.blobs[blob[1]]).hexdigest() == blob[1].removeprefix("sha256:")
    assert bad.cuts == []
    assert SIZE <= bad.sent <= SIZE + 3 * 1_000_000 + HEADERS  # at each break, what was on its way
    assert server.seen.count("POST") == 1


def test_line_that_breaks_more_often_than_is_tried_again_still_brings_it_over(
    keeping: tuple[str, type[Keeping]], line: Callable[[str, list[int]], Line], blob: tuple[Path, str]
) -> None:
    bad = line(keeping[0], [1_500_000] * 7)
    assert DistributionRegistry(bad.host).put_blob("clean", *blob) == SIZE
    assert blob[1] in keeping[1].blobs


def test_line_that_brings_nothing_over_is_given_up(
    keeping: tuple[str, type[Keeping]], line: Callable[[str, list[int]], Line], blob: tuple[Path, str]
) -> None:
    bad = line(keeping[0], [1] * 100)
    with pytest.raises(Unavailable, match="broke off"):
        DistributionRegistry(bad.host).put_blob("clean", *blob)
    assert len(bad.cuts) > 80


def test_registry_that_forgets_a_broken_upload_gets_the_whole_again(
    serve_registry: Callable[..., str], line: Callable[[str, list[int]], Line], blob: tuple[Path, str]
) -> None:
    host = serve_registry()
    bad = line(host, [3_000_000])
    assert DistributionRegistry(bad.host).put_blob("clean", *blob) == SIZE
    assert bad.sent <= 3_000_000 + 1_000_000 + SIZE + HEADERS
    with DistributionRegistry(host).open_blob("clean", blob[1]) as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == blob[1].removeprefix("sha256:")


@pytest.mark.registry
def test_threads_send_and_read_by_one_registry_at_once(registry_host: str) -> None:
    registry = DistributionRegistry(f"{registry_host}/lentiq-test/at-once")
    bodies = [os.urandom(5_000_000 if number % 4 == 0 else 5_000) for number in range(24)]

    def there_and_back(body: bytes) -> bool:
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        registry.put_blob("clean", body, digest)
        with registry.open_blob("clean", digest) as stream:
            return stream.read() == body

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(there_and_back, bodies))
