"""The scheduler's thread lives as long as the server."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator

import pytest
from fake_service import FakeService
from tornado.httpclient import HTTPClientError

from lentiq_jupyter.errors import Unavailable
from lentiq_jupyter.server import extension


@pytest.fixture
def jp_server_config(service: FakeService, jp_server_config: dict[str, object]) -> dict[str, object]:
    return {"ServerApp": {"jpserver_extensions": {"lentiq_jupyter": True}}}


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "lentiq-scheduler"]


async def test_scheduler_starts_and_stops_with_the_server(jp_fetch, lentiq, service: FakeService) -> None:
    await jp_fetch("lentiq", "status")
    assert threads() == ["lentiq-scheduler"]
    await lentiq.stop_extension()
    assert threads() == []
    assert service.scheduler_ran
    assert ("close", None) in service.asked


@pytest.fixture
def out_of_reach(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(config: object, notify: object) -> None:
        raise Unavailable("The folder /x cannot be written.", "Set LENTIQ_HOME.")

    monkeypatch.setattr(extension, "open_backend", fail)
    monkeypatch.setattr(extension, "RETRY_S", 0.05)


@pytest.fixture
def said(caplog) -> Iterator[pytest.LogCaptureFixture]:
    """The extension's own log, which leads to the console and nowhere else."""
    log = logging.getLogger("LentiqExtension")
    log.addHandler(caplog.handler)
    yield caplog
    log.removeHandler(caplog.handler)


async def test_server_lives_where_the_service_cannot_be_opened(out_of_reach: None, jp_fetch, said) -> None:
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch("lentiq", "status")
    body = json.loads(caught.value.response.body)["error"]
    assert (caught.value.code, body["kind"], body["hint"]) == (503, "Unavailable", "Set LENTIQ_HOME.")
    for _ in range(6000):  # its thread says so in its own time
        if any("The scheduler does not run: The folder /x" in one.getMessage() for one in said.records):
            return
        await asyncio.sleep(0.01)
    pytest.fail("the log does not say that the scheduler does not run")
