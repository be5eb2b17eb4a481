"""The run panel without a browser: what it follows, and what wishes do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest
from fake_service import LOG, WORKFLOW, FakeService

from lentiq_jupyter.errors import NotFound
from lentiq_jupyter.model import Run, encode
from lentiq_jupyter.panels import RunPanel, live


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "read_frontend", lambda: ("export default {}", ""))
    monkeypatch.setattr(live, "POLL_S", 0.02)


@pytest.fixture
def service() -> FakeService:
    fake = FakeService()
    fake.save_workflow(WORKFLOW)
    return fake


@pytest.fixture
def started(service: FakeService) -> Run:
    return service.start_workflow(WORKFLOW.name, WORKFLOW.project)


@pytest.fixture
def panel(service: FakeService, started: Run) -> Iterator[RunPanel]:
    made = RunPanel(started, service)
    yield made
    made.close()


@pytest.fixture
def sent(panel: RunPanel, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    monkeypatch.setattr(panel, "send", lambda content, buffers=None: found.append(content))
    return found


def until(holds: Callable[[], object], timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.01)


def wish(panel: RunPanel, kind: str, **words: object) -> None:
    panel._handle_custom_msg({"kind": kind, **words}, [])


def test_run_is_followed_to_its_end(panel: RunPanel, service: FakeService, started: Run) -> None:
    assert (panel.face, panel.run["id"]) == ("run", started.id)
    service.finish(started.id)
    until(lambda: panel.value.state.ended)
    assert panel.value.id == started.id


def test_run_is_found_by_its_id_or_said_to_be_missing(service: FakeService, started: Run) -> None:
    made = RunPanel(started.id, service)
    assert made.value.id == started.id
    made.close()
    with pytest.raises(NotFound):
        RunPanel("none", service)


def test_one_task_is_cancelled_or_all(panel: RunPanel, service: FakeService, started: Run) -> None:
    wish(panel, "cancel", task="clean")
    wish(panel, "cancel", task=None)
    assert panel.wait(5)
    assert ("cancel_run", (started.id, "clean")) in service.asked
    until(lambda: panel.run["cancel_requested"] or panel.value.state.ended)
    until(lambda: not panel.busy)


def test_run_again_shows_the_new_run(panel: RunPanel, service: FakeService, started: Run) -> None:
    service.finish(started.id)
    until(lambda: panel.value.state.ended)
    wish(panel, "rerun", from_failed=False)
    until(lambda: panel.value.id != started.id)
    again = panel.value.id
    wish(panel, "show", run=started.id)
    until(lambda: panel.value.id == started.id)
    assert again != started.id


def test_value_is_observed_and_python_cancels_and_repeats(panel: RunPanel, service: FakeService, started: Run) -> None:
    seen: list[tuple[str, str]] = []
    panel.observe(lambda change: seen.append((change["new"].id, change["new"].state)), "value")
    assert panel.cancel().cancel_requested
    until(lambda: panel.value.state.ended)
    again = panel.rerun(from_failed=True)
    assert (again.rerun_of, panel.value.id) == (started.id, again.id)
    assert seen == [(started.id, "CANCELLED"), (again.id, "PENDING")]


def test_log_and_notebook_come_when_asked_for(
    panel: RunPanel, service: FakeService, sent: list[dict[str, object]]
) -> None:
    wish(panel, "log", task="clean", offset=8)
    wish(panel, "notebook", task="clean", number=3)
    until(lambda: len(sent) == 2)
    text = LOG.encode()[8:].decode()
    assert sent[0] == {"kind": "log", "task": "clean", "text": text, "next": len(LOG.encode())}
    notebook = json.loads(service.notebook(panel.value.id, "clean"))
    assert sent[1] == {"kind": "notebook", "number": 3, "notebook": notebook}


def test_notebook_that_is_not_there_is_said(
    panel: RunPanel, service: FakeService, sent: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(run_id: str, task: str) -> bytes:
        raise NotFound("It has no notebook.", "Wait.")

    monkeypatch.setattr(service, "notebook", gone)
    wish(panel, "notebook", task="clean", number=1)
    until(lambda: sent)
    failure = {"message": "It has no notebook.", "hint": "Wait.", "faults": []}
    assert sent == [{"kind": "notebook", "number": 1, "failure": failure}]


def test_what_goes_wrong_is_shown(panel: RunPanel, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    wish(panel, "show", run="none")
    until(lambda: panel.message)
    assert panel.message["severity"] == "error"
    assert not panel.busy
    assert encode(panel.value) == panel.run
