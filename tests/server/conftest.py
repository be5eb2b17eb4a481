"""A Jupyter server with this extension over a service in memory."""

from __future__ import annotations

import pytest
from fake_service import FakeService
from open_page import open_page as open_page

from lentiq_jupyter.server import extension
from lentiq_jupyter.server.wiring import Backend


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    monkeypatch.setenv("LENTIQ_API_URL", "")
    monkeypatch.setenv("LENTIQ_API_TOKEN", "")
    fake = FakeService()
    monkeypatch.setattr(
        extension,
        "open_backend",
        lambda config, notify: Backend(fake, fake.run_scheduler, fake.prepare, fake.close, fake.tasks_in_hand),
    )
    return fake


@pytest.fixture
def jp_server_config(service: FakeService, jp_server_config: dict[str, object]) -> dict[str, object]:
    return {"ServerApp": {"jpserver_extensions": {"lentiq_jupyter": True}}, "LentiqExtension": {"scheduler": False}}


@pytest.fixture
def lentiq(jp_serverapp: object) -> extension.LentiqExtension:
    """The loaded extension."""
    (app,) = jp_serverapp.extension_manager.extension_apps["lentiq_jupyter"]  # type: ignore[attr-defined]
    return app
