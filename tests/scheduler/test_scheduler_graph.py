"""A workflow as a graph: references, order, circles."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling import task

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.model import Json, TaskState
from lentiq_jupyter.scheduler import dependencies, find_cycle, references, resolve_inputs
from lentiq_jupyter.scheduler.graph import bad_reference, blocked, is_reference, ready

OUTPUTS: dict[str, dict[str, Json]] = {"a": {"n": 3, "t": "text", "l": [1, None]}, "b-2": {"x_y": True}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${{ tasks.a.outputs.n }}", 3),
        ("${{tasks.a.outputs.l}}", [1, None]),
        ("  ${{   tasks.b-2.outputs.x_y }} ", True),
        ("n=${{ tasks.a.outputs.n }}, t=${{ tasks.a.outputs.t }}", "n=3, t=text"),
        ("l: ${{ tasks.a.outputs.l }}", "l: [1, null]"),
        ({"deep": ["${{ tasks.a.outputs.n }}", 1]}, {"deep": [3, 1]}),
        ("no reference", "no reference"),
        (5, 5),
        (None, None),
    ],
)
def test_references_are_replaced_by_values(value: Json, expected: Json) -> None:
    assert resolve_inputs(task("me", give=value), OUTPUTS) == {"give": expected}


def test_what_a_value_holds_is_never_read_as_a_reference() -> None:
    outputs: dict[str, dict[str, Json]] = {"a": {"n": "${{ tasks.a.outputs.t }}", "t": "secret"}}
    assert resolve_inputs(task("me", give="${{ tasks.a.outputs.n }}!"), outputs) == {
        "give": "${{ tasks.a.outputs.t }}!"
    }


def test_output_that_was_not_given_is_named() -> None:
    with pytest.raises(BadInput, match=r"Task a gave no output m\. Its outputs: n, t, l\."):
        resolve_inputs(task("me", give="${{ tasks.a.outputs.m }}"), OUTPUTS)


def test_references_are_found_in_order_and_once() -> None:
    value: Json = ["${{ tasks.b.outputs.x }}", {"k": "${{ tasks.a.outputs.y }} ${{ tasks.b.outputs.x }}"}]
    assert references(value) == (("b", "x"), ("a", "y"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${{ tasks.a.outputs.n }}", None),
        ("${{ task.a.output.n }}", "${{ task.a.output.n }}"),
        (["fine", "so ${{ inputs.x }} it"], "${{ inputs.x }}"),
        ("${{ tasks.a.outputs.n", "${{ tasks.a.outputs.n"),
        ("$HOME {{ x }}", None),
    ],
)
def test_what_looks_like_a_reference_but_is_none(value: Json, expected: str | None) -> None:
    assert bad_reference(value) == expected


def test_only_a_reference_alone_keeps_the_type() -> None:
    assert is_reference(" ${{ tasks.a.outputs.n }}")
    assert not is_reference("n ${{ tasks.a.outputs.n }}")
    assert not is_reference(["${{ tasks.a.outputs.n }}"])


def test_task_depends_on_what_it_waits_for_and_takes_from() -> None:
    assert dependencies(task("me", "x", "a", give="${{ tasks.a.outputs.n }} ${{ tasks.b.outputs.n }}")) == (
        "x",
        "a",
        "b",
    )


def test_circle_is_named_in_the_order_of_waiting() -> None:
    tasks = [task("free"), task("a", "b"), task("b", give="${{ tasks.c.outputs.value }}"), task("c", "a")]
    cycle = find_cycle(tasks)
    by_name = {one.name: one for one in tasks}
    assert sorted(cycle[:-1]) == ["a", "b", "c"]
    assert cycle[0] == cycle[-1]
    assert all(after in dependencies(by_name[one]) for one, after in pairwise(cycle))
    assert find_cycle([task("a", "a")]) == ("a", "a")
    assert find_cycle([task("a"), task("b", "a", "missing")]) == ()


def test_long_chains_are_no_problem() -> None:
    assert find_cycle([task(f"t{number}", f"t{number + 1}") for number in range(5000)]) == ()


TASKS = [task("a"), task("b", "a"), task("c", "a", "b"), task("d", "gone")]


def test_ready_are_those_whose_dependencies_all_succeeded() -> None:
    state = dict.fromkeys("abcd", TaskState.WAITING)
    assert ready(TASKS, state) == ("a",)
    assert ready(TASKS, {**state, "a": TaskState.RUNNING}) == ()
    assert ready(TASKS, {**state, "a": TaskState.SUCCEEDED}) == ("b",)


def test_blocked_are_those_that_can_never_be_ready() -> None:
    state = {**dict.fromkeys("abcd", TaskState.WAITING), "a": TaskState.LOST}
    assert blocked(TASKS, state) == {
        "b": "a before it did not succeed (LOST)",
        "c": "a before it did not succeed (LOST)",
        "d": "waits for gone, which is no task of this workflow",
    }


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=16))
def test_every_workflow_without_a_circle_runs_to_its_end(edges: list[tuple[int, int]]) -> None:
    tasks = [task(f"t{number}", *{f"t{to}" for one, to in edges if one == number}) for number in range(8)]
    state = dict.fromkeys((one.name for one in tasks), TaskState.WAITING)
    while begun := ready(tasks, state):
        state.update(dict.fromkeys(begun, TaskState.SUCCEEDED))
    assert (TaskState.WAITING in state.values()) == bool(find_cycle(tasks))
