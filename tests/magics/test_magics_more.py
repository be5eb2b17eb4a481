"""Cells of ``%%lentiq``, the verbs about what is there, and what a key press completes."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from fake_service import BLOCK, LOG, WORKFLOW, FakeService

from lentiq_jupyter.errors import BadInput, Unavailable
from lentiq_jupyter.magics import LentiqMagic
from lentiq_jupyter.magics.completing import Completer
from lentiq_jupyter.magics.texts import drift_lines, workflow_text
from lentiq_jupyter.model import Drift, Run, Workflow
from lentiq_jupyter.panels import RunPanel, live


@pytest.fixture
def service() -> FakeService:
    fake = FakeService()
    fake.save_workflow(WORKFLOW)
    return fake


@pytest.fixture
def lentiq(service: FakeService) -> LentiqMagic:
    return LentiqMagic(lambda: service, {"__vsc_ipynb_file__": __file__})


def test_cell_becomes_a_saved_workflow(lentiq: LentiqMagic, capsys: pytest.CaptureFixture[str]) -> None:
    found = lentiq("workflow nightly --project lab", "tasks: {}\n")
    assert isinstance(found, Workflow)
    assert (found.project, found.revision) == ("lab", 1)
    assert capsys.readouterr().out == f"Saved {found.name} in project lab, revision 1.\n"


def test_workflow_of_a_cell_is_started_when_asked(lentiq: LentiqMagic, capsys: pytest.CaptureFixture[str]) -> None:
    lentiq("workflow nightly --start", "tasks: {}\n")
    assert "\nRun " in capsys.readouterr().out


def test_cell_and_line_belong_together(lentiq: LentiqMagic, capsys: pytest.CaptureFixture[str]) -> None:
    assert lentiq("workflow nightly") is None
    assert "Write %%lentiq workflow NAME" in capsys.readouterr().err
    assert lentiq("status", "x") is None
    assert "Only workflow takes a cell." in capsys.readouterr().err


def test_name_is_said_once_and_lines_are_those_of_the_cell() -> None:
    assert workflow_text("tasks: {}\n", "a") == "workflow: a\ntasks: {}\n"
    assert workflow_text("workflow: a\ntasks: {}\n", None) == "\nworkflow: a\ntasks: {}\n"
    assert workflow_text("workflow: a  # mine\n", "a") == "\nworkflow: a  # mine\n"
    assert workflow_text("workflow: 'a'\n", "a") == "\nworkflow: 'a'\n"
    with pytest.raises(BadInput, match="names workflow b, the cell a"):
        workflow_text("workflow: a\n", "b")
    with pytest.raises(BadInput, match="has no name"):
        workflow_text("tasks: {}\n", None)


def test_block_and_run_are_shown_by_name(lentiq: LentiqMagic, service: FakeService) -> None:
    assert lentiq("show clean-sales") == BLOCK
    run = lentiq(f"start {WORKFLOW.name} --project {WORKFLOW.project}")
    assert isinstance(run, Run)
    shown = lentiq(f"runs {run.id}")
    assert isinstance(shown, Run)
    assert shown.id == run.id


def test_drift_is_told_and_given(lentiq: LentiqMagic, capsys: pytest.CaptureFixture[str]) -> None:
    found = lentiq("drift other.ipynb --packages")
    assert isinstance(found, Drift)
    said = f"Cells that differ from {BLOCK.reference}: 1\n## modified\npandas: 2.1 -> 2.2\n"
    assert capsys.readouterr().out == said
    assert drift_lines(Drift(), "a.ipynb") == ["a.ipynb is not published."]
    steering = Drift(block=BLOCK, cells="a\x1b[31m\nb")
    assert drift_lines(steering, "a.ipynb")[1:] == ["a [31m", "b"]


def test_watch_gives_a_panel_over_the_run(
    lentiq: LentiqMagic, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "read_frontend", lambda: ("export default {}", ""))
    run = service.start_workflow(WORKFLOW.name, WORKFLOW.project)
    panel = lentiq(f"watch {run.id}")
    assert isinstance(panel, RunPanel)
    assert panel.value.id == run.id
    panel.close()


def test_logs_are_written_once(lentiq: LentiqMagic, service: FakeService, capsys: pytest.CaptureFixture[str]) -> None:
    run = service.start_workflow(WORKFLOW.name, WORKFLOW.project)
    lentiq(f"logs {run.id} clean")
    assert capsys.readouterr().out == LOG


def complete(completer: Completer, line: str) -> list[str]:
    symbol = "" if line.endswith(" ") else line.split()[-1]
    return completer(None, SimpleNamespace(line=line, symbol=symbol))


def test_verbs_options_and_names_are_completed(service: FakeService) -> None:
    completer = Completer(lambda: service)
    assert complete(completer, "%lentiq pub") == ["publish"]
    assert complete(completer, "%lentiq sh") == ["show"]
    assert complete(completer, "%lentiq show ") == ["clean-sales", "--help"]
    assert complete(completer, "%lentiq run clean-sales --no") == ["--no-wait"]
    assert complete(completer, "%lentiq publish --builder ") == ["layers", "docker"]
    assert complete(completer, "%lentiq publish --name ") == []
    assert complete(completer, "%lentiq nonsense ") == []
    assert WORKFLOW.name in complete(completer, "%lentiq compose ")


def test_service_is_not_asked_at_every_key_nor_missed(service: FakeService) -> None:
    clock = [0.0]
    asked: list[float] = []

    def connect() -> FakeService:
        asked.append(clock[0])
        if clock[0] >= 10:
            raise Unavailable("nobody", "")
        return service

    completer = Completer(connect, clock=lambda: clock[0])
    for at, names in ((0.0, ["clean-sales"]), (5.0, ["clean-sales"]), (10.0, []), (15.0, [])):
        clock[0] = at
        assert complete(completer, "%lentiq show clean") == names
    assert asked == [0.0, 10.0]


def test_run_of_several_tasks_says_whose_log_is_whose(
    service: FakeService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = service.start_workflow(WORKFLOW.name, WORKFLOW.project)
    began = dataclasses.replace(run.tasks[0], started_at=run.created_at)
    other = dataclasses.replace(began, task=dataclasses.replace(began.task, name="other"))
    two = dataclasses.replace(run, tasks=(began, other))
    monkeypatch.setattr(service, "run", lambda run_id: two)
    LentiqMagic(lambda: service, {})(f"logs {run.id}")
    out = capsys.readouterr().out
    assert out.index("==> clean@1 <==") < out.index("==> other@1 <==")
