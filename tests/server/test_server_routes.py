"""What the routes answer: whole documents, and one shape for every error."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import timedelta

import pytest
from fake_service import BLOCK, DIFF, LOG, METRICS, NOW, OLD, PROPOSED, README, USES, WORKFLOW, FakeService
from tornado.httpclient import HTTPClientError

from lentiq_jupyter.model import BlockQuery, ImageRequest, Input, Resources, encode
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


async def test_blocks_are_searched_by_query(ask, fail, service: FakeService) -> None:
    found = await ask("GET", "blocks", words="sales x", owner="ana", input="limit", deprecated="false")
    assert found == {"blocks": [encode(BLOCK)]}
    query = BlockQuery(words="sales x", owner="ana", input="limit", deprecated=False)
    assert service.asked == [("blocks", query)]
    code, body = await fail("GET", "blocks", deprecated="no")
    assert (code, body) == (400, error("BadInput", "deprecated is 'no'.", "Give true or false."))


async def test_what_belongs_to_a_version_has_an_address_below_it(ask, fail, service: FakeService) -> None:
    uses = {"users": [encode(one) for one in USES]}
    assert await ask("GET", "blocks/clean-sales/2/readme") == {"readme": README}
    assert await ask("GET", "blocks/clean-sales/2/sbom") == service.sbom("clean-sales@2")
    assert (await fail("GET", "blocks/clean-sales/1/sbom"))[0] == 404
    assert await ask("GET", "blocks/clean-sales/2/users") == uses
    assert await ask("GET", "blocks/clean-sales/1/users") == {"users": []}
    assert await ask("GET", "blocks/clean-sales/users") == uses


async def test_version_is_deprecated_and_taken_back(ask, fail, service: FakeService) -> None:
    where = "blocks/clean-sales/1/deprecation"
    deprecated = encode(dataclasses.replace(OLD, deprecated="use 2"))
    assert await ask("PUT", where, {"reason": "use 2"}) == deprecated
    assert await ask("PUT", where, {"reason": None}) == encode(OLD)
    asked = [("deprecate_block", ("clean-sales@1", reason)) for reason in ("use 2", None)]
    assert service.asked == asked
    assert (await fail("PUT", where, {}))[0] == 422


async def test_version_in_use_is_removed_by_force(ask, service: FakeService) -> None:
    assert await ask("DELETE", "blocks/clean-sales/2", force="true") is None
    assert service.asked == [("remove_block", ("clean-sales@2", True))]


async def test_block_is_made_of_an_image(ask, service: FakeService) -> None:
    body = {"image": "busybox", "name": "hello", "inputs": [{"name": "whom", "default": "world"}]}
    made = await ask("POST", "blocks", body)
    request = ImageRequest(image="busybox", name="hello", inputs=(Input(name="whom", default="world"),))
    assert service.asked == [("block_from_image", request)]
    assert (made["spec"]["kind"], made["version"]) == ("image", "1")


async def test_versions_are_compared(ask, fail) -> None:
    assert await ask("GET", "blocks/diff", old="clean-sales@1", new="clean-sales@2") == encode(DIFF)
    code, body = await fail("GET", "blocks/diff", old="clean-sales@1")
    assert (code, body) == (400, error("BadInput", "new is missing.", "Add it to the address: ?new=…"))


async def test_block_may_be_called_diff(ask, fail, service: FakeService, monkeypatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(service, "block_versions", lambda name: asked.append(name) or [BLOCK])
    assert await ask("GET", "blocks/diff") == {"blocks": [encode(BLOCK)]}
    assert asked == ["diff"]


async def test_status_names_root_and_user(ask, jp_root_dir, service: FakeService) -> None:
    found = await ask("GET", "status")
    assert found.pop("user")
    assert found == {**service.status(), "root": str(jp_root_dir)}


async def test_workflow_is_checked_saved_listed_started_paused_deleted(ask) -> None:
    document = encode(WORKFLOW)
    stored = {**document, "revision": 1}
    assert await ask("POST", "workflows/check", document) == {"faults": [], "next_starts": [], "clock_changes": []}
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
    assert (await ask("POST", "workflows/default/nightly/start", ""))["workflow"] == stored
    assert await ask("DELETE", "workflows/default/nightly") is None


async def test_workflow_is_started_with_inputs_for_that_run(ask, fail) -> None:
    await ask("PUT", "workflows/default/nightly", encode(WORKFLOW))
    run = await ask("POST", "workflows/default/nightly/start", {"inputs": {"clean": {"limit": 9}}})
    assert run["workflow"]["tasks"][0]["inputs"] == {"limit": 9}
    assert (await ask("GET", "workflows/default/nightly"))["tasks"][0]["inputs"] == {"limit": 3}
    code, body = await fail("POST", "workflows/default/nightly/start", {"inputs": {"clean": 9}})
    assert (code, body["faults"]) == (422, ["inputs.clean: expected an object, not 9"])


async def test_backfill_is_asked_for_seen_and_withdrawn(ask, fail, service: FakeService) -> None:
    await ask("PUT", "workflows/default/nightly", encode(WORKFLOW))
    where = "workflows/default/nightly/backfill"
    body = {"first": "2026-12-01T02:00:00Z", "last": "2026-12-02T02:00:00+00:00"}
    asked = {"starts": encode(service.backfill_workflow("nightly", first=NOW, last=NOW + timedelta(days=1)))}
    service.requested.clear()
    assert await ask("POST", where, body | {"preview": True}) == asked
    assert await ask("GET", where) == {"starts": []}
    assert await ask("POST", where, body) == asked
    assert await ask("GET", where) == asked
    assert await ask("DELETE", where) == {"withdrawn": 2}
    assert await ask("GET", where) == {"starts": []}
    code, failed = await fail("POST", where, {"first": "2026-12-01T02:00:00", "last": "soon"})
    assert (code, [fault.partition(":")[0] for fault in failed["faults"]]) == (422, ["first", "last"])
    assert (await fail("POST", where))[1]["kind"] == "BadInput"


async def test_proposed_resources_are_null_where_nothing_was_measured(ask) -> None:
    assert await ask("GET", "blocks/clean-sales/2/resources") == {"resources": encode(PROPOSED)}
    assert await ask("GET", "blocks/clean-sales/1/resources") == {"resources": None}


async def test_metrics_are_text_for_prometheus(jp_fetch) -> None:
    answer = await jp_fetch("lentiq", "metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.body.decode() == METRICS


@pytest.mark.parametrize("label", ["clean.3", "clean@2", "clean.3@2"])
async def test_tasks_are_addressed_by_item_and_attempt(ask, service: FakeService, label: str) -> None:
    service.run_block("clean-sales", {"limit": 1})
    await ask("GET", f"runs/r1/tasks/{label}/log", offset=2)
    assert service.asked[-1] == ("log", ("r1", label, 2))


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
    assert (await ask("POST", "runs/r1/cancel", {"task": "clean-sales"}))["cancel_requested"] is False
    assert service.asked[-1] == ("cancel_run", ("r1", "clean-sales"))
    assert (await ask("POST", "runs/r1/cancel", ""))["cancel_requested"] is True
    assert (await ask("POST", "runs/r1/rerun", ""))["rerun_of"] is None
    assert (await ask("POST", "runs/r1/rerun", {"from_failed": True}))["rerun_of"] == "r1"


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
        (("GET", "runs/r1/tasks/..%2F..%2Fetc/log"), 400, "BadInput"),
        (("GET", "runs/r1/tasks/clean.x/notebook"), 400, "BadInput"),
        (("POST", "runs/r1/rerun", "{"), 400, "BadInput"),
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
@pytest.mark.parametrize("where", ["inspect", "drift", "publishes"])
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
