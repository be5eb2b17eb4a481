"""The form over one block."""

from __future__ import annotations

import time

import pytest
from fake_service import FakeService

from lentiq_jupyter.model import Resources, RunState
from lentiq_jupyter.panels import BlockPanel, block


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    monkeypatch.setattr(block, "POLL_S", 0.02)
    return FakeService()


def test_fields_become_typed_values(service: FakeService) -> None:
    panel = BlockPanel("clean-sales@2", service)
    for name, given in {"country": "", "limit": "7", "fast": True, "options": '{"a": 1}'}.items():
        panel.fields[name].value = given
    assert panel.values() == {"country": "", "limit": 7, "fast": True, "options": {"a": 1}}
    panel.fields["options"].value = ""
    assert "options" not in panel.values()
    panel.close()


def test_run_takes_values_and_resources_and_is_followed(service: FakeService) -> None:
    panel = BlockPanel("clean-sales@2", service, project="lab")
    panel.fields["limit"].value = "7"
    panel.cpu.value, panel.memory.value = "250m", "64Mi"
    panel.button.click()
    values = {"country": "RO", "limit": 7, "fast": False}
    resources = Resources(cpu_millicores=250, memory_bytes=64 * 2**20)
    assert service.asked == [("run_block", ("clean-sales@2", values, resources, "lab"))]
    assert panel.state.value == "Run r1: PENDING"
    service.finish("r1", RunState.SUCCEEDED)
    for _ in range(200):
        if panel.state.value == "Run r1: SUCCEEDED":
            break
        time.sleep(0.01)
    assert panel.state.value == "Run r1: SUCCEEDED"
    panel.close()


@pytest.mark.parametrize(
    ("limit", "cpu", "text"),
    [
        ("", "1", "Fill in limit."),
        ("x", "1", "Input limit takes int, not 'x'. Correct the value."),
        ("1", "much", "'much' is not an amount of CPU. Write cores (2, 0.5) or millicores (500m)."),
    ],
)
def test_fault_is_shown_and_nothing_runs(service: FakeService, limit: str, cpu: str, text: str) -> None:
    panel = BlockPanel("clean-sales", service)
    panel.fields["limit"].value, panel.cpu.value = limit, cpu
    panel.start()
    assert (panel.state.value, service.made) == (text, {})
    panel.close()
