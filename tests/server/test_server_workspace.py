"""The extension over a real workspace: the wiring, and that both sides mean the same documents."""

from __future__ import annotations

import json

import pytest
from tornado.httpclient import HTTPClientError

from lentiq_jupyter import __version__


@pytest.fixture
def jp_server_config(tmp_path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    for name in ("LENTIQ_API_URL", "LENTIQ_API_TOKEN", "LENTIQ_REGISTRY", "LENTIQ_DATABASE", "LENTIQ_EXECUTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LENTIQ_HOME", str(tmp_path / "home"))
    return {
        "ServerApp": {"jpserver_extensions": {"lentiq_jupyter": True}},
        "Settings": {"quota_cpu": "2", "quota_memory": "1Gi", "tick_s": 0.2},
    }


QUOTA = {"cpu_millicores": 2000, "memory_bytes": 2**30}


async def test_fresh_workspace_answers_and_stops_cleanly(jp_fetch, jp_serverapp, tmp_path) -> None:
    async def ask(verb: str, path: str, body: object = None) -> object:
        sent = None if body is None else json.dumps(body)
        answer = await jp_fetch("lentiq", *path.split("/"), method=verb, body=sent, allow_nonstandard_methods=True)
        return json.loads(answer.body)

    status = await ask("GET", "status")
    assert (status["version"], status["home"], status["executor"]) == (__version__, str(tmp_path / "home"), "process")
    assert await ask("GET", "blocks") == {"blocks": []}
    assert await ask("GET", "projects") == {
        "projects": [{"project": {"name": "default", "quota": QUOTA}, "used": {"cpu_millicores": 0, "memory_bytes": 0}}]
    }
    assert await ask("GET", "workflows") == {"workflows": []}
    assert await ask("GET", "runs") == {"runs": []}
    workflow = {"name": "w", "project": "default", "tasks": [{"name": "a", "block": "none"}]}
    check = await ask("POST", "workflows/check", workflow)
    assert len(check["faults"]) == 1
    with pytest.raises(HTTPClientError) as caught:
        await ask("PUT", "workflows/default/w", workflow)
    body = json.loads(caught.value.response.body)["error"]
    assert (caught.value.code, body["kind"], body["faults"]) == (422, "Invalid", check["faults"])
    (app,) = jp_serverapp.extension_manager.extension_apps["lentiq_jupyter"]
    await app.stop_extension()
    assert not app._scheduler_thread.is_alive()
