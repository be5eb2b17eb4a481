"""The two homes of blocks, each test in a place of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
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


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Retries happen at once, and nobody's own sign-ins are used."""
    monkeypatch.setattr("lentiq_jupyter.registry.transport.RETRY_DELAYS_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr("lentiq_jupyter.registry.distribution.RETRY_DELAYS_S", (0.0, 0.0, 0.0))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker")))
