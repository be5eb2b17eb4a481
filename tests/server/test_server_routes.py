"""What the routes answer: whole documents, and one shape for every error."""

from __future__ import annotations

import asyncio
import json

import pytest
from fake_service import BLOCK, LOG, NOW, OLD, WORKFLOW, FakeService
from tornado.httpclient import HTTPClientError

from lentiq_jupyter.model import Resources, encode
from lentiq_jupyter.server.events import SCHEMA_ID

NOTEBOOK = "sub/clean.ipynb"


@pytest.fixture
def saved_notebook(jp_root_dir):
    path = jp_root_dir / NOTEBOOK
    path.parent.mkdir()
    path.write_text("{}")
    return path


@pytest.fixture
def ask(jp_fetch):
    async def ask(verb: str, path: str, body: object = None, **params: object) -> object:
        sent = None if body is None and verb in ("GET", "DELETE") else body
        sent = sent if isinstance(sent, str) or sent is None else json.dumps(sent)
        answer = await jp_fetch(
            "lentiq", *path.split("/"), method=verb, body=sent, params=params, allow_nonstandard_methods=True
        )
        return json.loads(answer.body) if answer.body else None

    return ask


@pytest.fixture
def fail(ask):
    async def fail(*words: object, **params: object) -> tuple[int, dict[str, object]]:
        with pytest.raises(HTTPClientError) as caught:
            await ask(*words, **params)
        answer = json.loads(caught.value.response.body)
        assert list(answer) == ["error"]
        return caught.value.code, answer["error"]

    return fail


def error(kind: str, message: str, hint: str = "", faults: tuple[str, ...] = ()) -> dict[str, object]:
    return {"kind": kind, "message": message, "hint": hint, "faults": list(faults), "log": ""}


async def test_blocks_are_the_encoded_records(ask) -> None:
    assert await ask("GET", "blocks") == {"blocks": [encode(BLOCK)]}
    assert await ask("GET", "blocks/clean-sales") == {"blocks": [encode(BLOCK), encode(OLD)]}
    assert await ask("GET", "blocks/clean-sales/1") == encode(OLD)
    assert await ask("GET", "blocks/clean-sales/1/dockerfile") == {"dockerfile": "FROM python:3.11-slim\n"}
    assert await ask("DELETE", "blocks/clean-sales/1") is None


async def test_status_names_root_and_user(ask, jp_root_dir, service: FakeService) -> None:
    found = await ask("GET", "status")
    assert found.pop("user")
    assert found == {**service.status(), "root": str(jp_root_dir)}


async def test_workflow_is_checked_saved_listed_started_paused_deleted(ask) -> None:
    document = encode(WORKFLOW)
    stored = {**document, "revision": 1}
    assert await ask("POST", "workflows/check", document) == {"faults": [], "next_starts": []}
    assert await ask("PUT", "workflows/default/nightly", document) == stored
    assert await ask("GET", "workflows/default/nightly") == stored
    mark = {"id": "r1", "state": "RUNNING"}
    assert await ask("GET", "workflows", project="default") == {
        "workflows": [{"workflow": stored, "next_start": None, "last_run": mark}]
    }
    assert await ask("GET", "workflows", project="other") == {"workflows": []}
    assert (await ask("POST", "workflows/default/nightly/pause"))["paused"] is True
    assert (await ask("POST", "workflows/default/nightly/resume"))["paused"] is False
    assert (await ask("POST", "workflows/default/nightly/start"))["workflow"] == stored
    assert await ask("DELETE", "workflows/default/nightly") is None


async def test_run_is_started_followed_cancelled_and_run_again(ask, service: FakeService) -> None:
    resources = {"cpu_millicores": 250, "memory_bytes": 1024}
    run = await ask(
        "POST", "runs", {"block": "clean-sales@2", "inputs": {"limit": 1}, "resources": resources, "project": "lab"}
    )
    assert service.asked == [
        ("run_block", ("clean-sales@2", {"limit": 1}, Resources(cpu_millicores=250, memory_bytes=1024), "lab"))
    ]
    assert await ask("GET", "runs/r1") == run
    assert await ask("GET", "runs", project="lab", limit=5) == {"runs": [run]}
    assert service.asked[-1] == ("runs", ("lab", None, 5))
    size = len(LOG.encode())
    assert await ask("GET", "runs/r1/tasks/clean/log", offset=8) == {"text": LOG.encode()[8:].decode(), "next": size}
    assert await ask("GET", "runs/r1/tasks/clean/log", offset=size) == {"text": "", "next": size}
    assert (await ask("POST", "runs/r1/cancel"))["cancel_requested"] is True
    assert (await ask("POST", "runs/r1/rerun"))["id"] == "r2"


async def test_executed_notebook_is_sent_as_a_notebook(jp_fetch, service: FakeService) -> None:
    service.run_block("clean-sales", {"limit": 1})
    answer = await jp_fetch("lentiq", "runs", "r1", "tasks", "clean", "notebook")
    assert answer.headers["Content-Type"] == "application/x-ipynb+json"
    assert answer.body == service.notebook("r1", "clean")


async def test_projects_are_listed_and_saved(ask, service: FakeService) -> None:
    assert await ask("GET", "projects") == {"projects": service.projects()}
    document = {"name": "lab", "quota": {"cpu_millicores": 1, "memory_bytes": 2}}
    assert await ask("PUT", "projects/lab", document) == document


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (("GET", "blocks/none"), 404, "NotFound"),
        (("GET", "blocks/Not-A-Name"), 400, "BadInput"),
        (("GET", "blocks/clean-sales/latest"), 400, "BadInput"),
        (("DELETE", "blocks/clean-sales/2"), 409, "Conflict"),
        (("GET", "runs/a b"), 400, "BadInput"),
        (("GET", "nothing/here"), 404, "NotFound"),
        (("PUT", "blocks", "{}"), 405, "BadInput"),
        (("POST", "runs", "{"), 400, "BadInput"),
        (("POST", "runs", '{"block": NaN}'), 400, "BadInput"),
        (("POST", "runs", "[" * 100_000), 400, "BadInput"),
        (("POST", "runs", {"block": "clean-sales", "inputs": {"limit": "x"}}), 400, "BadInput"),
        (("PUT", "workflows/default/other", encode(WORKFLOW)), 400, "BadInput"),
        (("PUT", "projects/lab", {"name": "x", "quota": {"cpu_millicores": 1, "memory_bytes": 2}}), 400, "BadInput"),
    ],
)
async def test_what_is_wrong_is_said_in_one_shape(fail, words: tuple[object, ...], code: int, kind: str) -> None:
    found, body = await fail(*words)
    assert (found, body["kind"], body["faults"]) == (code, kind, [])
    assert body["message"].endswith((".", ")"))
    assert body["hint"]


@pytest.mark.parametrize("params", [{"limit": "many"}, {"limit": "0"}])
async def test_wrong_query_is_refused(fail, params: dict[str, str]) -> None:
    code, body = await fail("GET", "runs", **params)
    assert (code, body["kind"]) == (400, "BadInput")


async def test_all_faults_of_a_document_come_at_once(fail) -> None:
    document = {"name": "nightly", "project": "default", "tasks": [{"name": "a"}], "colour": 1}
    code, body = await fail("PUT", "workflows/default/nightly", document)
    assert (code, body["kind"]) == (422, "Invalid")
    assert [fault.partition(":")[0] for fault in body["faults"]] == ["colour", "tasks[0].block"]


async def test_unknown_error_is_logged_once_and_shown_by_its_id_only(
    fail, service: FakeService, monkeypatch, caplog
) -> None:
    def broken() -> list[object]:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(service, "blocks", broken)
    code, body = await fail("GET", "blocks")
    assert (code, body["kind"]) == (500, "InternalError")
    assert "secret" not in json.dumps(body)
    incident = body["message"].partition("incident ")[2][:8]
    assert len([one for one in caplog.records if incident in one.getMessage()]) == 1


@pytest.mark.parametrize("path", ["../clean.ipynb", "/etc/passwd", "sub/../../x", "out/passwd", "", "a\\b", "a\0b"])
@pytest.mark.parametrize("where", ["inspect", "publishes"])
async def test_path_that_leads_out_of_the_root_is_refused(fail, jp_root_dir, where: str, path: str) -> None:
    (jp_root_dir / "out").symlink_to("/etc")
    code, body = await fail("POST", where, {"path": path})
    assert (code, body["kind"]) == (400, "BadInput")


async def test_missing_notebook_is_not_found(fail) -> None:
    assert await fail("POST", "inspect", {"path": "none.ipynb"}) == (
        404,
        error("NotFound", "There is no file none.ipynb.", "Save the notebook first."),
    )


async def test_open_session_tells_the_kernel(ask, fail, jp_fetch, saved_notebook, service: FakeService) -> None:
    model = {"path": NOTEBOOK, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
    answer = await jp_fetch("api", "sessions", method="POST", body=json.dumps(model))
    kernel = json.loads(answer.body)["kernel"]["id"]
    await ask("POST", "inspect", {"path": NOTEBOOK})
    await ask("POST", "inspect", {"path": NOTEBOOK, "kernel_id": kernel})
    await ask("POST", "inspect", {"path": NOTEBOOK, "kernel": "other"})
    await ask("POST", "inspect", {"path": NOTEBOOK, "no_kernel": True})
    path = str(saved_notebook)
    assert service.asked == [
        ("inspect", (path, "python3", False)),
        ("inspect", (path, "python3", False)),
        ("inspect", (path, "other", False)),
        ("inspect", (path, None, True)),
    ]
    code, body = await fail("POST", "inspect", {"path": NOTEBOOK, "kernel_id": "gone"})
    assert (code, body["kind"]) == (404, "NotFound")


async def ended(ask, job: str) -> dict[str, object]:
    while (found := await ask("GET", f"publishes/{job}"))["state"] == "running":
        await asyncio.sleep(0.02)
    return found


async def test_publish_goes_on_in_the_background_and_ends_with_the_block(
    ask, saved_notebook, service: FakeService, jp_serverapp
) -> None:
    seen: list[dict[str, object]] = []

    async def listen(logger, schema_id, data) -> None:
        seen.append(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    service.hold.clear()
    started = await ask("POST", "publishes", {"path": NOTEBOOK})
    going = await ask("GET", f"publishes/{started['id']}")
    assert going["state"] == "running"
    service.hold.set()
    found = await ended(ask, started["id"])
    assert found == {
        "id": started["id"],
        "path": NOTEBOOK,
        "name": "clean-sales",
        "state": "succeeded",
        "events": [
            {"step": "analyse", "message": "reading clean.ipynb", "done": None, "total": None},
            {"step": "build", "message": "sending", "done": 2, "total": 2},
            {"step": "register", "message": "registering", "done": None, "total": None},
        ],
        "result": {
            "block": encode(BLOCK),
            "bytes_sent": 10,
            "bytes_total": 20,
            "seconds": {"build": 0.5},
            "notes": ["all well"],
        },
        "error": None,
    }
    assert service.asked[0][1].path == str(saved_notebook)
    assert await ask("GET", "publishes") == {"publishes": [found]}
    await asyncio.sleep(0.05)
    assert [seen[0], seen[-1]] == [
        {"kind": "publish", "id": started["id"], "state": state} for state in ("running", "succeeded")
    ]


async def test_publish_is_cancelled(ask, saved_notebook, service: FakeService) -> None:
    service.hold.clear()
    jobs = [(await ask("POST", "publishes", {"path": NOTEBOOK}))["id"] for _ in range(3)]
    for job in jobs:
        await ask("DELETE", f"publishes/{job}")
    stopped = error("Cancelled", "Stopped as asked.", "Nothing was registered.")
    found = [await ended(ask, job) for job in jobs]
    assert [(one["state"], one["error"], one["result"]) for one in found] == [("cancelled", stopped, None)] * 3


async def test_failed_publish_says_why(ask, saved_notebook) -> None:
    job = await ask("POST", "publishes", {"path": NOTEBOOK, "name": "faulty"})
    found = await ended(ask, job["id"])
    assert (found["state"], found["error"]) == (
        "failed",
        error("Invalid", "Not a valid notebook", faults=("cells[0]: empty",)),
    )


async def test_broken_publish_shows_an_incident_only(ask, saved_notebook) -> None:
    job = await ask("POST", "publishes", {"path": NOTEBOOK, "name": "broken"})
    found = await ended(ask, job["id"])
    assert (found["state"], found["error"]["kind"]) == ("failed", "InternalError")
    assert "secret" not in json.dumps(found)


async def test_unknown_publish_is_not_found(fail) -> None:
    code, body = await fail("DELETE", "publishes/none")
    assert (code, body["kind"]) == (404, "NotFound")


async def test_events_keep_to_the_schema(jp_serverapp, lentiq) -> None:
    seen: list[object] = []

    async def listen(logger, schema_id, data) -> None:
        seen.append(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    for kind in ("publish", "run", "blocks", "workflows"):
        await asyncio.to_thread(lentiq._announcer.notify, kind, "x", str(NOW))
    await asyncio.sleep(0.05)
    assert [one["kind"] for one in seen] == ["publish", "run", "blocks", "workflows"]
