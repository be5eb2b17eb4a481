"""The scheduler of a Jupyter server: it leaves a standing one alone, takes over from a dead one, and loses no task."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest_road import Road, wait_for  # type: ignore[import-not-found]

from lentiq_jupyter.model import RunState, TaskState
from lentiq_jupyter.scheduler.notices import end_told

pytestmark = [pytest.mark.network, pytest.mark.slow]
TICK_S = 1.0
# What only makes a server slow to start.
OTHERS = ("jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "nbdime", "notebook", "notebook_shim")


class Server:
    """``jupyter server`` as a process of its own over a road's home."""

    def __init__(self, road: Road) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._token = secrets.token_hex(8)
        folder = road.home.parent
        self.log = folder / f"server-{port}.log"
        words = [
            "--no-browser",
            "--allow-root",
            f"--port={port}",
            f"--IdentityProvider.token={self._token}",
            f"--ServerApp.jpserver_extensions={ {'lentiq_jupyter': True, **dict.fromkeys(OTHERS, False)} }",
            f"--ServerApp.root_dir={folder}",
            "--LentiqExtension.prepare=False",
            f"--Settings.tick_s={TICK_S}",
            "--MappingKernelManager.cull_idle_timeout=1",
            "--MappingKernelManager.cull_interval=1",
        ]
        environment = {**road.environment, "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
        environment.pop("LENTIQ_API_URL", None)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", *words], env=environment, stdout=log, stderr=log
            )

    def ask(self, verb: str, path: str) -> Any:
        request = urllib.request.Request(
            f"{self._url}/{path}", method=verb, headers={"Authorization": f"token {self._token}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    @property
    def holder(self) -> str | None:
        """Who schedules, as the server says; None while it does not answer."""
        with contextlib.suppress(OSError):
            return self.ask("GET", "lentiq/status")["scheduler"]
        return None

    @property
    def schedules(self) -> bool:
        return f":{self.process.pid}:" in (self.holder or "")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


@pytest.fixture
def servers(process_road: Road) -> Iterator[list[Server]]:
    begun: list[Server] = []
    process_road.stop_schedulers()
    yield begun
    for one in begun:
        one.process.kill()
        one.process.wait()


def starts(road: Road, run_id: str) -> list[int]:
    executor = road.workspace.executors["process"]
    records = [executor.inspect(one.job_name) for one in road.workspace.run(run_id).tasks]
    return [record.starts for record in records if record is not None]


def test_task_outlives_its_server_and_the_next_one_takes_it_in(process_road: Road, servers: list[Server]) -> None:
    road = process_road
    road.workflow("outlives", {"one": {"inputs": {"seconds": 30.0}}, "two": {"after": ("one",)}}, "sleeper")
    servers.append(Server(road))
    wait_for("scheduler of the server", lambda: servers[0].schedules)
    # Kernels that are culled are none of its business.
    servers[0].ask("POST", "api/kernels")
    run = road.workspace.start_workflow("outlives")
    wait_for("running task", lambda: road.workspace.run(run.id).tasks[0].state is TaskState.RUNNING)
    wait_for("culling", lambda: servers[0].ask("GET", "api/kernels") == [])
    servers[0].stop()
    assert servers[0].process.returncode == 0
    assert road.workspace.store.lease("scheduler") is None, "it gave the lease back"
    assert road.workspace.run(run.id).state is RunState.RUNNING
    servers.append(Server(road))
    assert road.ended(run.id).state is RunState.SUCCEEDED
    assert starts(road, run.id) == [1, 1]
    servers[1].stop()


def test_server_leaves_a_standing_scheduler_alone_and_takes_over_when_it_dies(
    process_road: Road, servers: list[Server]
) -> None:
    road = process_road
    road.workflow("taken-over", {"one": {"inputs": {"seconds": 4.0}}}, "sleeper")
    standing = road.scheduler(TICK_S)
    lease = road.workspace.store.lease
    wait_for("standing scheduler", lambda: f":{standing.pid}:" in (lease("scheduler") or ("",))[0])
    servers.append(Server(road))
    wait_for("answer of the server", lambda: servers[0].holder)
    time.sleep(2 * TICK_S)
    assert f":{standing.pid}:" in (servers[0].holder or ""), "the server stands by"
    run = road.workspace.start_workflow("taken-over")
    wait_for("running task", lambda: road.workspace.run(run.id).tasks[0].state is TaskState.RUNNING)
    os.kill(standing.pid, signal.SIGKILL)
    standing.wait()
    begin = time.monotonic()
    wait_for("takeover", lambda: servers[0].schedules)
    # Two ticks, and what a busy machine adds.
    assert time.monotonic() - begin < 2 * TICK_S + 20
    assert road.ended(run.id).state is RunState.SUCCEEDED
    assert starts(road, run.id) == [1]
    servers[0].stop()


class Hook(BaseHTTPRequestHandler):
    taken: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


def test_failed_run_is_told_to_a_webhook(process_road: Road, tmp_path: Path) -> None:
    road = process_road
    road.stop_schedulers()
    road.workflow("told", {"one": {"inputs": {"seconds": 9.0}, "memory": 2**24}}, "sleeper")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as hook:
        threading.Thread(target=hook.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        settings = {"notify": [{"url": f"json://127.0.0.1:{hook.server_address[1]}/hook"}]}
        (tmp_path / "lentiq_config.json").write_text(json.dumps({"Settings": settings}))
        before = road.environment
        road.environment = {**before, "JUPYTER_CONFIG_DIR": str(tmp_path)}
        scheduler = road.scheduler(TICK_S)
        road.environment = before
        run = road.workspace.start_workflow("told")
        assert road.ended(run.id).state is RunState.FAILED
        # Of failures of the last hour that nobody was told of, this scheduler tells as well.
        wait_for("notice", lambda: [one for one in Hook.taken if one["title"].startswith("told")])
        # It is stored that this was told, so no later scheduler tells it again.
        wait_for("mark", lambda: end_told(road.workspace.run(run.id)))
        scheduler.terminate()
        assert scheduler.wait(20) == 0
        hook.shutdown()
    (taken,) = (one for one in Hook.taken if one["title"].startswith("told"))
    assert taken["title"] == "told failed at one"
    assert f"Notice {run.id}:failed" in taken["message"].splitlines()
    assert "killed: used more than 16Mi of memory" in taken["message"]
