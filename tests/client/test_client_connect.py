"""How the kernel side finds its service."""

from __future__ import annotations

import asyncio

import pytest
from fake_service import FakeService

from lentiq_jupyter import connect as module
from lentiq_jupyter.client import Client
from lentiq_jupyter.connect import connect


async def test_what_the_server_told_the_kernel_comes_first(client: Client, jp_fetch, service: FakeService) -> None:
    await jp_fetch("lentiq", "status")  # the loop has run, so the environment is set
    found = connect()
    assert isinstance(found, Client)
    assert (await asyncio.to_thread(found.status))["user"] == "kernel"


async def test_else_a_running_server_that_has_the_service(
    jp_serverapp, jp_fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jp_fetch("lentiq", "status")
    monkeypatch.delenv("LENTIQ_API_URL")
    jp_serverapp.write_server_info_file()
    try:
        found = await asyncio.to_thread(connect)
        assert isinstance(found, Client)
        assert (await asyncio.to_thread(found.status))["user"] != "kernel"
    finally:
        jp_serverapp.remove_server_info_file()


def test_else_a_workspace_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LENTIQ_API_URL", raising=False)
    monkeypatch.setattr(module, "_running_server", lambda: None)
    own = object()
    monkeypatch.setattr(module, "_own_workspace", lambda: own)
    assert connect() is own
