"""``lentiq scheduler`` as a service manager sees it: it says when it is ready, what it does, and ends quickly."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lentiq_jupyter.cli.metrics_page import parse_address, serving
from lentiq_jupyter.cli.systemd import tell_systemd, watchdog_s
from lentiq_jupyter.errors import BadInput, LentiqError, Unavailable

Start = Callable[..., subprocess.Popen[str]]


def until(met: Callable[[], object], timeout_s: float = 90.0) -> None:
    end = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a scheduler with this home; its output goes to ``out`` and ``err`` files named after a number."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*words: str, **variables: str) -> subprocess.Popen[str]:
        number = len(begun)
        command = [sys.executable, "-m", "lentiq_jupyter.cli", "scheduler", "--tick", "1", *words]
        environment = {**os.environ, "LENTIQ_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1", **variables}
        with (tmp_path / f"out{number}").open("w") as out, (tmp_path / f"err{number}").open("w") as err:
            begun.append(subprocess.Popen(command, env=environment, stdout=out, stderr=err, text=True))
        return begun[-1]

    yield begin
    for one in begun:
        one.kill()
        one.wait()


def stopped(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    """The exit code; sooner than whatever would end by itself."""
    process.send_signal(number)
    return process.wait(40)


def get(port: int, path: str = "/metrics") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_second_scheduler_stands_by_and_takes_over(start: Start, tmp_path: Path) -> None:
    first = start()
    out = [tmp_path / "out0", tmp_path / "out1"]
    until(lambda: "It acts." in out[0].read_text())
    second = start()
    until(lambda: "this one stands by." in out[1].read_text())
    assert re.search(r"^Another scheduler works \(\S+\); this one stands by\.$", out[1].read_text(), re.MULTILINE)
    assert stopped(first) == 0
    assert out[0].read_text().splitlines()[-1] == "The scheduler has ended."
    until(lambda: "It acts." in out[1].read_text())
    assert stopped(second, signal.SIGINT) == 0
    assert "Traceback" not in (tmp_path / "err0").read_text() + (tmp_path / "err1").read_text()


def test_log_as_json_is_an_object_a_line_and_metrics_are_served(start: Start, tmp_path: Path) -> None:
    service = start("--log-format", "json", "--metrics", "0")
    err = tmp_path / "err0"
    until(lambda: "It acts." in err.read_text())
    said = [json.loads(line) for line in err.read_text().splitlines()]
    assert {tuple(one)[:4] for one in said} == {("time", "level", "logger", "message")}
    (url,) = [one["message"].split()[-1] for one in said if one["message"].startswith("Figures are at")]
    assert url.startswith("http://127.0.0.1:")
    port = int(url.split(":")[2].split("/")[0])
    status, text = get(port)
    assert status == 200
    assert "lentiq_scheduler_up 1.0" in text.splitlines()
    assert 'lentiq_tasks{project="default",state="PENDING"} 0.0' in text.splitlines()
    assert get(port, "/") == (404, "The figures are at /metrics.\n")
    assert stopped(service) == 0
    assert (tmp_path / "out0").read_text() == ""


def test_service_manager_hears_of_it(start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        service = start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="900000")
        heard: list[str] = []
        while "WATCHDOG=1" not in heard or "STATUS=It acts." not in heard:
            heard.append(manager.recv(1000).decode())
        assert stopped(service) == 0
        manager.settimeout(0.2)
        while True:
            try:
                heard.append(manager.recv(1000).decode())
            except TimeoutError:
                break
    assert heard[0] == "READY=1"
    assert heard[-1] == "STOPPING=1"
    assert set(heard) == {"READY=1", "STATUS=It acts.", "WATCHDOG=1", "STOPPING=1"}


def test_hanging_scheduler_is_left_at_once_when_asked_twice(tmp_path: Path) -> None:
    script = """
import threading, time
from lentiq_jupyter.cli.standing import keep
class Hanging:
    turned_s = 0.0
    active = True
    def run_forever(self, stop): time.sleep(60)
    def wake(self): pass
keep(Hanging(), lambda: print("up", flush=True))
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    assert stopped(child) == 0
    child.stdout.close()


def test_fault_of_the_scheduler_is_raised() -> None:
    from lentiq_jupyter.cli.standing import keep

    class Broken:
        turned_s = 0.0
        active = False

        def run_forever(self, stop: object) -> None:
            raise Unavailable("The database is gone.")

        def wake(self) -> None:
            pass

    with pytest.raises(Unavailable, match="The database is gone"):
        keep(Broken(), lambda: None)  # type: ignore[arg-type]


def test_silent_where_no_service_manager_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not tell_systemd("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not tell_systemd("READY=1")
    name = f"lentiq-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        assert tell_systemd("READY=1", "STATUS=x")
        assert manager.recv(100) == b"READY=1\nSTATUS=x"


@pytest.mark.parametrize(
    ("usec", "pid", "period_s"),
    [("", "", None), ("0", "", None), ("x", "", None), ("30000000", "", 30.0), ("30000000", "1", None)],
)
def test_watchdog_of_another_process_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, usec: str, pid: str, period_s: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert watchdog_s() == period_s


@pytest.mark.parametrize(
    ("text", "address"),
    [("9464", ("127.0.0.1", 9464)), ("0.0.0.0:1", ("0.0.0.0", 1)), ("[::1]:2", ("::1", 2)), ("h:3", ("h", 3))],
)
def test_address_of_metrics(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "h", "h:", ":x", "h:70000", "::1:9", "h:-1"])
def test_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is no address for metrics"):
        parse_address(text)


def test_metrics_say_when_the_store_does_not_answer() -> None:
    def text() -> str:
        raise LentiqError("The database does not answer.", "Wait.")

    with serving(("127.0.0.1", 0), text) as port:
        assert get(port) == (503, "The database does not answer.\n")
        with pytest.raises(Unavailable, match=rf"Metrics cannot be served at 127\.0\.0\.1:{port} \("):
            serving(("127.0.0.1", port), text).__enter__()
