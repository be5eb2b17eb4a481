"""What a notebook shows of a panel once its kernel is gone."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from html.parser import HTMLParser

import IPython.display
import pytest
from fake_service import NOW, WORKFLOW, FakeService

from lentiq_jupyter.model import Task, TaskState
from lentiq_jupyter.panels import BlockPanel, RunPanel, WorkflowPanel, live
from lentiq_jupyter.panels.picture import PANEL_MIME, draw, draw_run, draw_workflow

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    monkeypatch.setattr(live, "read_frontend", lambda: ("export default {}", ""))
    monkeypatch.setattr(live, "POLL_S", 0.02)
    fake = FakeService()
    fake.save_workflow(WORKFLOW)
    return fake


class Texts(HTMLParser):
    """Tags, and texts of the cells."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_picture_of_a_run_tells_each_task(service: FakeService) -> None:
    run = service.start_workflow("nightly")
    ended = dataclasses.replace(
        run.tasks[0],
        state=TaskState.FAILED,
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=75),
        reason=HOSTILE,
    )
    found = Texts(draw_run(dataclasses.replace(run, tasks=(ended,)), NOW))
    assert found.tags == {"div", "strong", "table", "thead", "tbody", "tr", "th", "td", "p"}
    assert found.texts[-6:] == [
        "clean",
        "clean-sales",
        "✗ FAILED",
        "1 min 15 s",
        HOSTILE,
        "As of 2026-12-01 02:00 UTC. Run the cell to work with it.",
    ]


def test_picture_of_a_workflow_bears_what_is_faulty(service: FakeService) -> None:
    document = {"name": HOSTILE, "tasks": [{"name": "a", "block": "b", "version": "2", "after": ["z"]}, {}]}
    found = Texts(draw_workflow(document, None, NOW))
    assert found.texts[0] == f"Workflow {HOSTILE} of project "
    assert found.texts[6:9] == ["a", "b@2", "z"]


def test_long_picture_says_how_much_is_left_out() -> None:
    found = Texts(draw("many", ("Task",), [(str(number),) for number in range(103)], NOW))
    assert found.texts[-2] == "… and 3 more"
    assert found.texts.count("102") == 0


@pytest.mark.parametrize("kind", ["block", "run", "workflow"])
def test_output_holds_widget_picture_and_text(service: FakeService, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[dict[str, object], dict[str, object]]] = []
    monkeypatch.setattr(IPython.display, "publish_display_data", lambda data, **how: shown.append((data, how)))
    run = service.start_workflow("nightly")
    panel = {
        "block": lambda: BlockPanel("clean-sales", service),
        "run": lambda: RunPanel(run, service),
        "workflow": lambda: WorkflowPanel(WORKFLOW, service),
    }[kind]()
    panel._ipython_display_()
    (data, how), *_ = shown
    view = "application/vnd.jupyter.widget-view+json"
    assert set(data) == {view, "text/html", "text/plain", PANEL_MIME}
    assert data[view]["model_id"] == panel.model_id
    assert "clean" in data["text/html"]
    assert data["text/plain"] == repr(panel)
    panel.redraw()
    assert shown[1][1] == {"transient": how["transient"], "update": True}
    panel.close()


def test_picture_is_drawn_anew_when_the_run_has_ended(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    run = service.start_workflow("nightly")
    done = dataclasses.replace(run.tasks[0], state=TaskState.SUCCEEDED)
    panel = RunPanel(run, service)
    drawn = live.threading.Event()
    monkeypatch.setattr(panel, "redraw", drawn.set)
    service.made[run.id] = dataclasses.replace(run, tasks=(done,))
    service.finish(run.id)
    assert drawn.wait(30)
    assert "✓ SUCCEEDED" in panel.picture()
    panel.close()


def test_task_of_many_is_shown_with_what_it_waits_for(service: FakeService) -> None:
    tasks = (*WORKFLOW.tasks, Task(name="report", block="clean-sales", version="2", after=("clean",)))
    panel = WorkflowPanel(dataclasses.replace(WORKFLOW, tasks=tasks), service)
    found = Texts(panel.picture())
    at = found.texts.index("report")
    assert found.texts[at + 1 : at + 4] == ["clean-sales@2", "clean", "500m, 1Gi"]
    panel.close()
