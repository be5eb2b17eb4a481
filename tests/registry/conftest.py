"""The two homes of blocks, each test in a place of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lentiq_jupyter.errors import NotFound
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.registry import DistributionRegistry, LayoutRegistry


@pytest.fixture(params=["layout", pytest.param("distribution", marks=pytest.mark.registry)])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """An empty registry; what a test tags in it is untagged afterwards."""
    if request.param == "layout":
        yield LayoutRegistry(tmp_path / "registry")
        return
    host = request.getfixturevalue("registry_host")
    server = DistributionRegistry(f"{host}/lentiq-test/{uuid.uuid4().hex[:12]}")
    yield server
    for repository in server.repositories():
        for tag in server.tags(repository):
            try:
                server.delete_tag(repository, tag)
            except NotFound:  # a manifest the test damaged
                continue


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def serve_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts a real registry server with more configuration; gives its host."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if program is None:
        pytest.skip("no docker-registry program is installed")
    running: list[subprocess.Popen[bytes]] = []

    def serve(*, deletes: bool = True, **more: object) -> str:
        folder = tmp_path_factory.mktemp("server")
        host = f"127.0.0.1:{free_port()}"
        config = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": deletes}},
            "http": {"addr": host},
            **more,
        }
        (folder / "config.yml").write_text(json.dumps(config))
        command = [program, "serve", str(folder / "config.yml")]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        for _ in range(1000):
            try:
                urllib.request.urlopen(f"http://{host}/v2/", timeout=1).close()
            except urllib.error.HTTPError as error:
                error.close()
                break
            except OSError:
                time.sleep(0.05)
            else:
                break
        return host

    yield serve
    for server in running:
        server.terminate()
        server.wait()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Retries happen at once, and nobody's own sign-ins are used."""
    monkeypatch.setattr("lentiq_jupyter.registry.transport.RETRY_DELAYS_S", (0.0, 0.0, 0.0))
    for module in ("uploads", "remote"):
        monkeypatch.setattr(f"lentiq_jupyter.registry.{module}.RETRY_DELAYS_S", (0.0, 0.0, 0.0))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker")))
