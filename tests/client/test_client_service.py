"""The client gives what the service gives: the same records, the same errors."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from datetime import timedelta, timezone

import pytest
from fake_service import BLOCK, LOG, NOW, WORKFLOW, FakeService

from lentiq_jupyter import errors
from lentiq_jupyter.client import Client
from lentiq_jupyter.client.transport import to_error
from lentiq_jupyter.errors import BadInput, Cancelled, Conflict, Denied, Invalid, LentiqError, NotFound, Unavailable
from lentiq_jupyter.interfaces import Service
from lentiq_jupyter.model import (
    BlockQuery,
    ImageRequest,
    Input,
    Output,
    ProgressEvent,
    Project,
    PublishRequest,
    Reporter,
    Resources,
    RunState,
    Step,
    encode,
)
from lentiq_jupyter.server.failures import error_body
from lentiq_jupyter.workspace import Workspace

IMAGE = ImageRequest(
    image="busybox:1.36",
    name="hello",
    version="3",
    inputs=(Input(name="whom", default="world"),),
    outputs=(Output(name="code", source="exit-code"),),
    command=("echo", "${{ inputs.whom }}"),
    environment={"A": "b"},
)
EARLY = NOW - timedelta(days=1)
QUOTA = Resources(cpu_millicores=1000, memory_bytes=2**30)


def shapes(service: type) -> dict[str, list[tuple[str, object, object]]]:
    """Names, kinds and defaults of the parameters of all use cases."""
    return {
        name: [
            (one.name, one.kind, one.default) for one in inspect.signature(getattr(service, name)).parameters.values()
        ]
        for name, _ in inspect.getmembers(Service, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize("kind", [Client, Workspace, FakeService])
def test_every_use_case_takes_the_same_arguments(kind: type) -> None:
    found = shapes(kind)
    del found["publish"]  # its report may be left out there
    expected = shapes(Service)
    del expected["publish"]
    assert found == expected


async def both(service: object, client: object, use: Callable[[object], object]) -> None:
    """The same use case through both gives the same."""
    assert await asyncio.to_thread(use, client) == use(service)


@pytest.mark.parametrize(
    "use",
    [
        lambda one: one.blocks(),
        lambda one: one.block_versions("clean-sales"),
        lambda one: one.block("clean-sales"),
        lambda one: one.block("clean-sales@1"),
        lambda one: one.dockerfile("clean-sales"),
        lambda one: one.blocks(BlockQuery(words="a b&c=d", owner="ana", input="limit", deprecated=False)),
        lambda one: one.blocks(BlockQuery(words="nothing")),
        lambda one: one.readme("clean-sales"),
        lambda one: one.sbom("clean-sales@2"),
        lambda one: one.diff_blocks("clean-sales@1", "clean-sales"),
        lambda one: one.block_users("clean-sales"),
        lambda one: one.block_users("clean-sales@1"),
        lambda one: one.deprecate_block("clean-sales@1", "use 2"),
        lambda one: one.deprecate_block("clean-sales@1", None),
        lambda one: one.remove_block("clean-sales@1"),
        lambda one: one.remove_block("clean-sales@2", force=True),
        lambda one: one.block_from_image(IMAGE),
        lambda one: one.projects(),
        lambda one: one.save_project(Project(name="lab", quota=QUOTA)),
        lambda one: one.check_workflow(WORKFLOW),
        lambda one: one.workflow_text(WORKFLOW),
        lambda one: one.workflow_text(WORKFLOW, "# mine\nworkflow: nightly\n"),
        lambda one: one.read_workflow("workflow: nightly\n", "lab"),
        lambda one: one.read_workflow("workflow: nightly\n"),
        lambda one: one.workflows(),
        lambda one: one.runs(project="lab", limit=3),
        lambda one: one.metrics(),
        lambda one: one.propose_resources("clean-sales"),
        lambda one: one.propose_resources("clean-sales@1"),
    ],
)
async def test_client_gives_what_the_service_gives(service: FakeService, client: Client, use) -> None:
    await both(service, client, use)
    half = len(service.asked) // 2
    assert service.asked[:half] == service.asked[half:]


async def test_workflow_goes_its_way(service: FakeService, client: Client) -> None:
    def way() -> None:
        saved = client.save_workflow(WORKFLOW)
        assert saved.revision == 1
        assert client.workflow("nightly") == saved
        assert client.pause_workflow("nightly").paused
        assert not client.pause_workflow("nightly", paused=False).paused
        run = client.start_workflow("nightly")
        assert client.run(run.id) == run
        other = client.start_workflow("nightly", inputs={"clean": {"limit": 5}})
        assert service.asked[-1] == ("start_workflow", {"clean": {"limit": 5}})
        assert other.workflow.tasks[0].inputs == {"limit": 5}
        client.delete_workflow("nightly")
        assert client.workflows() == []

    await asyncio.to_thread(way)


async def test_backfill_goes_its_way(service: FakeService, client: Client) -> None:
    first, last = NOW.astimezone(timezone(timedelta(hours=2))), NOW + timedelta(days=1)

    def way() -> None:
        client.save_workflow(WORKFLOW)
        shown = client.backfill_workflow("nightly", first=first, last=last, preview=True)
        assert service.requested == []
        added = client.backfill_workflow("nightly", first=first, last=last)
        assert added == shown
        assert service.asked == [("backfill_workflow", ("nightly", "default", first, last))] * 2
        assert added == service.requested == client.requested_starts("nightly")
        assert client.backfill_workflow("nightly", first=first, last=last) == []
        assert client.withdraw_backfill("nightly") == 2
        assert client.requested_starts("nightly") == []

    await asyncio.to_thread(way)


async def test_run_goes_its_way(service: FakeService, client: Client) -> None:
    def way() -> None:
        run = client.run_block("clean-sales@2", {"limit": 2}, resources=QUOTA, project="lab")
        assert service.asked == [("run_block", ("clean-sales@2", {"limit": 2}, QUOTA, "lab"))]
        assert client.log(run.id, "clean-sales", 8) == LOG.encode()[8:].decode()
        assert client.notebook(run.id, "clean-sales") == service.notebook(run.id, "clean-sales")
        for label in ("clean-sales.12", "clean-sales@2", "clean-sales.0@3"):
            client.log(run.id, label, 3)
            assert service.asked[-1] == ("log", (run.id, label, 3))
        assert client.cancel_run(run.id, "clean-sales").state is RunState.PENDING
        assert service.asked[-1] == ("cancel_run", (run.id, "clean-sales"))
        assert client.cancel_run(run.id).state is RunState.CANCELLED
        again = client.rerun(run.id)
        assert (again.id, again.rerun_of) == ("r2", None)
        assert client.rerun(run.id, from_failed=True).rerun_of == run.id

    await asyncio.to_thread(way)


@pytest.mark.parametrize(
    ("use", "kind", "text"),
    [
        (lambda one: one.block("none"), NotFound, "There is no block none. Publish it first."),
        (lambda one: one.block("No"), BadInput, "'No' is not a block name. Use up to"),
        (lambda one: one.remove_block("clean-sales@2"), Conflict, "Workflow default/nightly uses clean-sales@2."),
        (lambda one: one.remove_block("clean-sales"), BadInput, "clean-sales names no version."),
        (lambda one: one.deprecate_block("clean-sales", "x"), BadInput, "clean-sales names no version."),
        (lambda one: one.sbom("clean-sales@1"), NotFound, "Block clean-sales@1 has no list of packages."),
        (lambda one: one.run_block("clean-sales", {"limit": "x"}), BadInput, "Input limit takes int"),
        (lambda one: one.propose_resources("none"), NotFound, "There is no block none."),
        (lambda one: one.start_workflow("nightly", inputs={"clen": {}}), Invalid, "It does not start: tasks.clen:"),
        (lambda one: one.backfill_workflow("nightly", first=NOW, last=EARLY), BadInput, "The backfill ends before"),
        (lambda one: one.backfill_workflow("none", first=NOW, last=NOW), NotFound, "There is no workflow"),
        (lambda one: one.withdraw_backfill("none"), NotFound, "There is no workflow default/none."),
        (lambda one: one.requested_starts("none"), NotFound, "There is no workflow default/none."),
        (lambda one: one.rerun("r1", from_failed=True), Conflict, "Run r1 has not ended; it is PENDING."),
        (lambda one: one.cancel_run("none", "clean"), NotFound, "There is no run none."),
        (lambda one: one.log("r1", "Not A Task"), BadInput, "'Not A Task' names no task."),
    ],
)
async def test_errors_keep_their_class_and_words(service, client: Client, use, kind: type, text: str) -> None:
    service.save_workflow(WORKFLOW)
    service.start_workflow("nightly")
    with pytest.raises(LentiqError) as caught:
        await asyncio.to_thread(use, client)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_survives_the_way_as_it_is(name: str) -> None:
    kind = getattr(errors, name)
    extras = {"Invalid": {"faults": ("a: b", "c: d")}, "BuildFailed": {"log": "end"}}.get(name, {})
    error = kind("It is so.", hint="Do this.", **extras)
    found = to_error(encode(error_body(error)))
    assert (type(found), found.args, vars(found)) == (kind, error.args, vars(error))


@pytest.fixture
def notebook(jp_root_dir):
    path = jp_root_dir / "sub" / "clean.ipynb"
    path.parent.mkdir()
    path.write_text("{}")
    return path


async def test_inspect_asks_for_the_path_below_the_servers_root(
    service: FakeService, client: Client, notebook, monkeypatch
) -> None:
    monkeypatch.chdir(notebook.parent)
    found = await asyncio.to_thread(client.inspect, "clean.ipynb", kernel="python3")
    assert service.asked == [("inspect", (str(notebook), "python3", False))]
    assert found == service.inspect(str(notebook), kernel="python3")


async def test_drift_asks_for_the_path_below_the_servers_root(
    service: FakeService, client: Client, notebook, monkeypatch
) -> None:
    monkeypatch.chdir(notebook.parent)
    found = await asyncio.to_thread(client.drift, "clean.ipynb", packages=True, kernel="python3")
    assert service.asked == [("drift", (str(notebook), True, "python3"))]
    assert found == service.drift(str(notebook), packages=True)


async def test_notebook_outside_the_servers_root_is_refused(client: Client, tmp_path) -> None:
    with pytest.raises(BadInput, match="is not below the Jupyter server's root folder"):
        await asyncio.to_thread(client.inspect, str(tmp_path / "x.ipynb"))


async def test_publish_reports_and_gives_the_block(service: FakeService, client: Client, notebook) -> None:
    events: list[ProgressEvent] = []
    service.hold.clear()

    def sink(event: ProgressEvent) -> None:
        events.append(event)
        service.hold.set()

    found = await asyncio.to_thread(client.publish, PublishRequest(path=str(notebook)), Reporter(sink))
    assert found.block == BLOCK
    assert [(one.step, one.done) for one in events if one.step is not Step.BUILD or one.done == 2] == [
        (Step.ANALYSE, None),
        (Step.BUILD, 2),
        (Step.REGISTER, None),
    ]


async def test_failed_publish_raises_the_services_error(service, client: Client, notebook) -> None:
    with pytest.raises(Invalid) as caught:
        await asyncio.to_thread(client.publish, PublishRequest(path=str(notebook), name="faulty"))
    assert caught.value.faults == ("cells[0]: empty",)


@pytest.mark.parametrize("how", ["reporter", "interrupt"])
async def test_stopping_a_publish_stops_it_on_the_server(service: FakeService, client: Client, notebook, how) -> None:
    service.hold.clear()
    reporter = Reporter()

    def sink(event: ProgressEvent) -> None:
        if how == "interrupt":
            raise KeyboardInterrupt
        reporter.cancel()

    reporter = Reporter(sink)
    with pytest.raises(Cancelled):
        await asyncio.to_thread(client.publish, PublishRequest(path=str(notebook)), reporter)
    for _ in range(3000):
        (found,) = (await asyncio.to_thread(client._http.json, "GET", "publishes"))["publishes"]
        if found["state"] != "running":
            break
        await asyncio.sleep(0.02)
    assert found["state"] == "cancelled"


async def test_wrong_token_is_denied(jp_serverapp, http_server) -> None:
    client = Client(f"{jp_serverapp.connection_url}lentiq", "wrong")
    with pytest.raises(Denied):
        await asyncio.to_thread(client.status)


async def test_server_without_the_extension_is_said_to_be_so(jp_serverapp, http_server, jp_auth_header) -> None:
    token = jp_auth_header["Authorization"].split()[1]
    client = Client(f"{jp_serverapp.connection_url}other", token)
    with pytest.raises(Unavailable, match=r"There is no Lentiq service at .*Install lentiq-jupyter"):
        await asyncio.to_thread(client.status)


def test_unreachable_service_is_unavailable(closed_port: int) -> None:
    with pytest.raises(Unavailable, match=r"does not answer .*See whether the Jupyter server runs"):
        Client(f"http://127.0.0.1:{closed_port}/lentiq", "t").status()


@pytest.fixture
def closed_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8888", ""])
def test_only_http_addresses_are_taken(url: str) -> None:
    with pytest.raises(BadInput, match="is no address of a service"):
        Client(url)


def test_token_is_not_shown() -> None:
    client = Client("http://localhost:1/lentiq", "hidden")
    assert "hidden" not in repr(client) + repr(client._http)
