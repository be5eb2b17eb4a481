"""The workflow panel without a browser: what traits and messages do."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import traitlets
from fake_service import BLOCK, LOG, NOW, WORKFLOW, FakeService

from lentiq_jupyter.errors import Conflict, Invalid, Unavailable
from lentiq_jupyter.model import Check, RunState, Schedule, Workflow, encode
from lentiq_jupyter.panels import WorkflowPanel, live, workflow
from lentiq_jupyter.panels.frontend import read_frontend


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "read_frontend", lambda: ("export default {}", ""))
    monkeypatch.setattr(workflow, "DEBOUNCE_S", 0.02)
    monkeypatch.setattr(live, "POLL_S", 0.02)


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def panel(service: FakeService) -> Iterator[WorkflowPanel]:
    made = WorkflowPanel(WORKFLOW, service)
    yield made
    made.close()


def until(holds: Callable[[], object], timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.01)


def wish(panel: WorkflowPanel, kind: str, **words: object) -> None:
    panel._handle_custom_msg({"kind": kind, **words}, [])


def test_panel_opens_with_documents_of_blocks_projects_and_workflow(service: FakeService, panel: WorkflowPanel) -> None:
    assert (panel.blocks, panel.projects, panel.workflow, panel.check, panel.run, panel.busy, panel.message) == (
        [encode(BLOCK)],
        service.projects(),
        encode(WORKFLOW),
        encode(Check()),
        None,
        False,
        {},
    )
    assert panel.value == WORKFLOW


def test_panel_without_a_workflow_composes_a_new_one(service: FakeService) -> None:
    panel = WorkflowPanel(service=service)
    assert panel.value == Workflow(name="my-workflow", project="default", tasks=())
    assert panel.check["faults"] == ["tasks: a workflow needs at least one task"]
    panel.close()


def test_edit_in_the_browser_is_checked(panel: WorkflowPanel) -> None:
    scheduled = Workflow(name="nightly", project="default", tasks=WORKFLOW.tasks, schedule=Schedule(start=NOW))
    panel.set_state({"workflow": encode(scheduled)})
    until(lambda: panel.check == encode(Check(next_starts=(NOW,))))
    assert panel.value == scheduled


def test_edit_that_is_no_workflow_shows_every_fault_and_is_kept(panel: WorkflowPanel) -> None:
    panel.set_state({"workflow": {"name": "N!", "project": "default", "tasks": [{"name": "a"}]}})
    until(lambda: [one.partition(":")[0] for one in panel.check["faults"]] == ["tasks[0].block"])
    assert panel.workflow["name"] == "N!"
    assert panel.value is None


def test_save_stores_and_gives_the_revision_back(service: FakeService, panel: WorkflowPanel) -> None:
    wish(panel, "save")
    until(lambda: panel.message)
    assert panel.message == {"severity": "info", "text": "Saved, revision 1."}
    assert service.saved["default", "nightly"] == panel.value
    until(lambda: not panel.busy)


def test_what_is_edited_during_a_save_stays(service: FakeService, panel: WorkflowPanel, monkeypatch) -> None:
    save = service.save_workflow

    def slow(given: Workflow) -> Workflow:
        panel.set_state({"workflow": {**panel.workflow, "description": "newer"}})
        return save(given)

    monkeypatch.setattr(service, "save_workflow", slow)
    wish(panel, "save")
    until(lambda: panel.message)
    assert (panel.workflow["description"], panel.workflow["revision"]) == ("newer", 1)


def test_start_saves_first_and_follows_the_run_to_its_end(service: FakeService, panel: WorkflowPanel) -> None:
    wish(panel, "start")
    until(lambda: panel.run)
    assert ("default", "nightly") in service.saved
    assert panel.run == encode(service.run("r1"))
    service.finish("r1")
    until(lambda: panel.run["state"] == "SUCCEEDED")
    wish(panel, "start")
    until(lambda: panel.run["id"] == "r2")
    assert service.saved["default", "nightly"].revision == 1, "nothing changed, so nothing is saved again"


def test_cancel_asks_the_service(service: FakeService, panel: WorkflowPanel) -> None:
    wish(panel, "start")
    until(lambda: panel.run)
    wish(panel, "cancel")
    until(lambda: panel.run["state"] == "CANCELLED")
    assert service.run("r1").cancel_requested


def test_log_is_sent_from_the_offset_on(service: FakeService, panel: WorkflowPanel, monkeypatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(panel, "send", sent.append)
    wish(panel, "start")
    until(lambda: panel.run)
    wish(panel, "log", task="clean", offset=8)
    until(lambda: sent)
    assert sent == [{"kind": "log", "task": "clean", "text": LOG.encode()[8:].decode(), "next": len(LOG.encode())}]


def test_file_is_written_and_read_for_the_browser(panel: WorkflowPanel, monkeypatch) -> None:
    sent: list[dict[str, object]] = []
    monkeypatch.setattr(panel, "send", lambda content, buffers=None: sent.append(content))
    wish(panel, "text", number=1, workflow=encode(WORKFLOW), base="# mine")
    wish(panel, "read", number=2, text="workflow: other", project="lab")
    wish(panel, "read", number=3, text="workflow: faulty", project="lab")
    wish(panel, "text", number=4, workflow={"name": "x"})
    until(lambda: len(sent) == 4)
    assert sent[0] == {"kind": "text", "number": 1, "text": "# mine"}
    read = sent[1]["workflow"]
    assert isinstance(read, dict)
    assert (sent[1]["number"], read["name"], read["project"]) == (2, "other", "lab")
    faults = ["tasks: missing (line 1)"]
    assert sent[2]["failure"] == {"message": "Not a valid workflow file", "hint": "", "faults": faults}
    assert sent[3]["number"] == 4
    assert "failure" in sent[3]


def test_error_of_the_service_is_shown(service: FakeService, panel: WorkflowPanel) -> None:
    panel.value = Workflow(name="empty", project="default", tasks=())
    wish(panel, "save")
    until(lambda: panel.message)
    assert panel.message == {
        "severity": "error",
        "text": "Not a valid workflow: tasks: a workflow needs at least one task",
    }
    until(lambda: not panel.busy)


def test_saved_workflow_opens_with_its_newest_run(service: FakeService) -> None:
    saved = service.save_workflow(WORKFLOW)
    run = service.start_workflow("nightly")
    service.finish(run.id, RunState.FAILED)
    panel = WorkflowPanel(saved, service)
    assert panel.run == encode(service.run(run.id))
    panel.close()


def test_value_is_observed_and_linked_both_ways(service: FakeService, panel: WorkflowPanel) -> None:
    other = WorkflowPanel(service=service)
    traitlets.link((panel, "value"), (other, "value"))
    assert other.workflow == encode(WORKFLOW)
    renamed = dataclasses.replace(WORKFLOW, name="weekly")
    seen: list[object] = []
    panel.observe(lambda change: seen.append(change["new"]), "value")
    other.set_state({"workflow": encode(renamed)})
    assert (seen, panel.value) == ([renamed], renamed)
    other.close()


def test_python_saves_starts_and_backfills(service: FakeService, panel: WorkflowPanel) -> None:
    assert panel.save().revision == 1
    run = panel.start()
    assert panel.run["id"] == run.id
    assert [one.due_at for one in panel.backfill(NOW, NOW)] == [NOW]
    panel.value = Workflow(name="empty", project="default", tasks=())
    with pytest.raises(Invalid, match="at least one task"):
        panel.save()


def test_schedule_is_paused_and_made_up_for_from_the_browser(
    panel: WorkflowPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.save()
    wish(panel, "pause", paused=True)
    until(lambda: panel.message.get("text") == "Its schedule is paused.")
    assert panel.workflow["paused"] is True
    sent: list[dict[str, object]] = []
    monkeypatch.setattr(panel, "send", lambda content, buffers=None: sent.append(content))
    time_gone_by = {"first": encode(NOW), "last": encode(NOW), "preview": True}
    wish(panel, "backfill", number=1, **time_gone_by)
    wish(panel, "backfill", number=2, **{**time_gone_by, "first": "soon"})
    until(lambda: len(sent) == 2)
    assert sent[0] == {"kind": "backfill", "number": 1, "starts": [encode(NOW)]}
    assert "first" in str(sent[1]["failure"])


def test_what_somebody_else_saved_is_taken_or_saved_over(
    service: FakeService, panel: WorkflowPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.save()
    theirs = dataclasses.replace(WORKFLOW, description="theirs", revision=2)
    save, asked = service.save_workflow, []

    def refuse(given: Workflow) -> Workflow:
        asked.append(given.revision)
        if given.revision == 1:
            raise Conflict("Workflow nightly was changed by ben.", "Read it again.")
        return save(dataclasses.replace(given, revision=2))

    monkeypatch.setattr(service, "save_workflow", refuse)
    service.saved["default", "nightly"] = theirs
    panel.workflow = {**panel.workflow, "description": "mine"}
    wish(panel, "start")
    until(lambda: panel.message)
    conflict = {"severity": "error", "text": "Workflow nightly was changed by ben.", "conflict": True}
    assert (panel.message, panel.run, panel.workflow["description"]) == (conflict, None, "mine")
    until(lambda: not panel.busy)
    wish(panel, "overwrite")
    until(lambda: panel.workflow["revision"] == 3)
    assert (asked, service.saved["default", "nightly"].description) == ([1, 0], "mine")
    service.saved["default", "nightly"] = theirs
    wish(panel, "reload")
    until(lambda: panel.workflow["description"] == "theirs")


def test_unknown_wish_is_ignored(panel: WorkflowPanel) -> None:
    wish(panel, "dance")
    assert panel.wait()
    assert (panel.busy, panel.message) == (False, {})


def test_missing_front_end_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"was not built\. Install the package"):
        read_frontend(tmp_path)


def test_front_end_is_read_where_it_was_built(tmp_path: Path) -> None:
    (tmp_path / "widget.js").write_text("js")
    (tmp_path / "widget.css").write_text("css")
    assert read_frontend(tmp_path) == ("js", "css")
