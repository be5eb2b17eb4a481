"""The form over one block."""

from __future__ import annotations

import dataclasses
import time

import ipywidgets
import pytest
import traitlets
from fake_service import FakeService

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.model import Input, InputType, Progress, Resources, RunState, TaskState
from lentiq_jupyter.panels import BlockPanel, block, live
from lentiq_jupyter.panels.fields import Field


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    monkeypatch.setattr(block, "POLL_S", 0.02)
    monkeypatch.setattr(live, "read_frontend", lambda: ("export default {}", ""))
    return FakeService()


@pytest.fixture
def panel(service: FakeService):
    made = BlockPanel("clean-sales@2", service, project="lab")
    yield made
    made.close()


def until(holds) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.01)


def test_what_is_typed_becomes_typed_values(panel: BlockPanel) -> None:
    assert panel.value == {"country": "RO", "fast": False}
    for name, given in {"country": "", "limit": "7", "fast": True, "options": '{"a": 1}'}.items():
        panel.fields[name].control.value = given
    assert panel.value == {"country": "", "limit": 7, "fast": True, "options": {"a": 1}}
    panel.fields["options"].control.value = ""
    assert "options" not in panel.value


def test_value_that_is_set_fills_the_form(panel: BlockPanel) -> None:
    panel.value = {"limit": 3, "options": [1, "ă"], "fast": True}
    shown = {name: field.control.value for name, field in panel.fields.items()}
    assert shown == {"country": "", "limit": "3", "fast": True, "options": '[1, "ă"]'}
    assert panel.value == {"country": "", "limit": 3, "options": [1, "ă"], "fast": True}
    with pytest.raises(traitlets.TraitError, match="limit takes int, not str"):
        panel.value = {"limit": "many"}


def test_fields_are_linked_with_other_widgets_both_ways(panel: BlockPanel) -> None:
    slider = ipywidgets.IntSlider(4, min=0, max=10)
    ipywidgets.link((slider, "value"), (panel.fields["limit"], "value"))
    assert panel.value["limit"] == 4
    slider.value = 6
    assert panel.fields["limit"].control.value == "6"
    panel.fields["limit"].control.value = "9"
    assert slider.value == 9


@pytest.mark.parametrize(
    ("given", "control", "value"),
    [
        (Input(name="n", type=InputType.INT, default=3), ipywidgets.IntText, 3),
        (Input(name="n", type=InputType.INT, default=2**60), ipywidgets.Text, 2**60),
        (Input(name="n", type=InputType.INT, required=True), ipywidgets.Text, None),
        (Input(name="n", type=InputType.FLOAT, default=0.5), ipywidgets.FloatText, 0.5),
        (Input(name="n", type=InputType.FLOAT), ipywidgets.Text, None),
        (Input(name="n", type=InputType.BOOL, default=True), ipywidgets.Checkbox, True),
        (Input(name="n", type=InputType.JSON, default={"a": [1]}), ipywidgets.Textarea, {"a": [1]}),
        (Input(name="n", type=InputType.STR, default="x"), ipywidgets.Text, "x"),
        (Input(name="n", secret=True), ipywidgets.Text, None),
    ],
)
def test_control_fits_the_type_and_shows_the_default(given: Input, control: type, value: object) -> None:
    field = Field(given)
    assert (type(field.control), field.value, type(field.value)) == (control, value, type(value))
    field.close()


def test_secret_is_named_and_never_written() -> None:
    field = Field(Input(name="key", secret=True, required=True))
    assert field.check(), "the secret of its own name stands for it"
    field.control.value = "other"
    assert field.value == "${{ secrets.other }}"
    field.value = "${{ secrets.third }}"
    assert field.control.value == "third"
    field.close()


def test_run_takes_values_and_resources_and_is_followed(panel: BlockPanel, service: FakeService) -> None:
    seen: list[str] = []
    panel.observe(lambda change: seen.append(change["new"]), "state")
    panel.fields["limit"].value = 7
    panel.cpu.value, panel.memory.value = "250m", "64Mi"
    panel.run_button.click()
    values = {"country": "RO", "limit": 7, "fast": False}
    resources = Resources(cpu_millicores=250, memory_bytes=64 * 2**20)
    assert service.asked == [("run_block", ("clean-sales@2", values, resources, "lab"))]
    assert (panel.run.id, panel.run_button.disabled, panel.cancel_button.disabled) == ("r1", True, False)
    going = dataclasses.replace(
        panel.run.tasks[0], state=TaskState.RUNNING, progress=Progress(done=2, total=5), reason="<b>slow</b>"
    )
    service.made["r1"] = dataclasses.replace(service.made["r1"], state=RunState.RUNNING, tasks=(going,))
    until(lambda: panel.state == "RUNNING")
    until(lambda: "&lt;b&gt;slow&lt;/b&gt;" in panel.note.value)
    assert (panel.progress.value, panel.progress.max) == (2, 5)
    service.finish("r1", RunState.SUCCEEDED)
    until(lambda: panel.run_button.description == "Run again")
    assert seen == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert panel.cancel_button.disabled


def test_run_is_cancelled_by_its_button(panel: BlockPanel, service: FakeService) -> None:
    panel.fields["limit"].value = 1
    panel.start()
    panel.cancel_button.click()
    assert (panel.state, service.run("r1").cancel_requested) == ("CANCELLED", True)


def test_page_of_the_run_opens_inside(panel: BlockPanel) -> None:
    panel.fields["limit"].value = 1
    panel.start()
    panel.open_button.value = True
    (page,) = panel._detail.children
    assert page.value.id == "r1"
    panel.open_button.value = False
    assert panel._detail.children == ()


@pytest.mark.parametrize(
    ("limit", "cpu", "fault", "text"),
    [
        ("", "1", "This input is required.", "Correct limit."),
        ("x", "1", "Write a whole number.", "Correct limit."),
        ("1", "much", "", "'much' is not an amount of CPU. Write cores (2, 0.5) or millicores (500m)."),
    ],
)
def test_fault_stands_at_its_field_and_nothing_runs(
    panel: BlockPanel, service: FakeService, limit: str, cpu: str, fault: str, text: str
) -> None:
    panel.fields["limit"].control.value, panel.cpu.value = limit, cpu
    with pytest.raises(BadInput) as caught:
        panel.start()
    assert str(caught.value) == text
    panel.run_button.click()
    assert 'role="alert"' in panel.note.value
    assert (panel.fields["limit"].fault, service.made) == (fault, {})
    panel.fields["limit"].control.value = "2"
    assert panel.fields["limit"].fault == ""


def test_text_of_strangers_is_no_markup(panel: BlockPanel) -> None:
    title = panel.children[0].value
    assert title == "<b>clean-sales@2</b> Cleans &lt;b&gt;sales&lt;/b&gt;"
