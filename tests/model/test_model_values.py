"""How people write amounts and values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.model import (
    BlockSpec,
    Input,
    InputType,
    RunState,
    Task,
    TaskRun,
    TaskState,
    check_value,
    format_cpu,
    format_memory,
    parse_cpu,
    parse_memory,
    parse_value,
    readable_memory,
    run_state,
    slug,
    split_reference,
)


@pytest.mark.parametrize(("text", "millicores"), [("500m", 500), ("2", 2000), (2, 2000), ("0.5", 500), (0.25, 250)])
def test_cpu_is_read_as_kubernetes_writes_it(text: str | float, millicores: int) -> None:
    assert parse_cpu(text) == millicores


@pytest.mark.parametrize("text", ["", "0", "-1", "two", "1Gi", "1e3", True, "NaN"])
def test_what_is_no_cpu_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_cpu(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1Gi", 2**30), ("512Mi", 2**29), ("2G", 2 * 10**9), ("1.5Gi", 3 * 2**29), (1024, 1024), ("1k", 1000)],
)
def test_memory_is_read_as_kubernetes_writes_it(text: str | int, size: int) -> None:
    assert parse_memory(text) == size


@given(st.integers(1, 2**50))
def test_amounts_are_written_as_they_are_read(amount: int) -> None:
    assert parse_memory(format_memory(amount)) == amount
    assert parse_cpu(format_cpu(amount)) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (2**30, "1Gi"),
        (1050 << 20, "1050Mi"),
        (24683656 << 10, "23.5Gi"),
        ((47 << 29) - 1024, "23.4Gi"),
        (25 << 29, "12.5Gi"),
        (999, "999"),
    ],
)
def test_memory_reads_well(amount: int, text: str) -> None:
    assert readable_memory(amount) == text


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "true", "true"),
        ("str", "'quoted'", "'quoted'"),
        ("int", "12", 12),
        ("float", "1e-3", 0.001),
        ("bool", "Yes", True),
        ("json", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_text_becomes_the_typed_value(kind: str, text: str, value: object) -> None:
    assert parse_value(Input(name="x", type=InputType(kind)), text) == value


@pytest.mark.parametrize(("kind", "text"), [("int", "1.5"), ("float", "x"), ("bool", "maybe"), ("json", "{")])
def test_text_of_another_type_is_refused(kind: str, text: str) -> None:
    with pytest.raises(BadInput):
        parse_value(Input(name="x", type=InputType(kind)), text)


@pytest.mark.parametrize(
    ("kind", "value"), [("int", True), ("int", "1"), ("str", 1), ("bool", 1), ("json", {1, 2}), ("float", None)]
)
def test_values_are_not_converted_silently(kind: str, value: object) -> None:
    with pytest.raises(BadInput):
        check_value(Input(name="x", type=InputType(kind), default=1), value)


def test_fill_takes_defaults_and_names_what_is_missing() -> None:
    spec = BlockSpec(
        name="b", inputs=(Input(name="rows", type=InputType.INT, default=10), Input(name="country", required=True))
    )
    assert spec.fill({"country": "RO"}) == {"rows": 10, "country": "RO"}
    with pytest.raises(BadInput, match="country"):
        spec.fill({})
    with pytest.raises(BadInput, match="Its inputs: rows, country"):
        spec.fill({"contry": "RO"})


@given(st.text())
def test_every_file_name_has_a_valid_slug(text: str) -> None:
    assert split_reference(slug(text)) == (slug(text), None)


@pytest.mark.parametrize(
    ("states", "state"),
    [
        (["WAITING", "PENDING"], RunState.PENDING),
        (["SUCCEEDED", "WAITING"], RunState.RUNNING),
        (["SUCCEEDED", "SUCCEEDED"], RunState.SUCCEEDED),
        (["FAILED", "SKIPPED"], RunState.FAILED),
        (["LOST", "CANCELLED"], RunState.FAILED),
        (["SUCCEEDED", "CANCELLED"], RunState.CANCELLED),
    ],
)
def test_state_of_a_run_follows_from_its_tasks(states: list[str], state: RunState) -> None:
    tasks = [Task(name=f"t{number}", block="b") for number in range(len(states))]
    runs = [TaskRun(run_id="r", task=task, state=TaskState(one)) for task, one in zip(tasks, states, strict=True)]
    assert run_state(runs) is state


def test_last_attempt_of_a_task_counts() -> None:
    task = Task(name="a", block="b", retries=1)
    failed = TaskRun(run_id="r", task=task, state=TaskState.FAILED)
    assert run_state([failed, TaskRun(run_id="r", task=task, attempt=2, state=TaskState.PENDING)]) is RunState.RUNNING
    again = TaskRun(run_id="r", task=task, attempt=2, state=TaskState.SUCCEEDED)
    assert run_state([again, failed]) is RunState.SUCCEEDED
