"""A workflow as a graph: references, order, circles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling import task

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.model import Json, Task, TaskState, When
from lentiq_jupyter.scheduler import dependencies, find_cycle, references, resolve_inputs
from lentiq_jupyter.scheduler.graph import (
    bad_reference,
    dependency_map,
    foreach_items,
    gather_outputs,
    is_reference,
    next_states,
    takes_item,
    whole_reference,
)

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


WAITING, PENDING, SKIPPED = TaskState.WAITING, TaskState.PENDING, TaskState.SKIPPED
RUN = (PENDING, "")


def ruled(name: str, when: When, *after: str, **inputs: Json) -> Task:
    return replace(task(name, *after, **inputs), when=when)


@pytest.mark.parametrize(
    ("when", "a", "b", "expected"),
    [
        (When.ON_SUCCESS, "SUCCEEDED", "SUCCEEDED", RUN),
        (When.ON_SUCCESS, "SUCCEEDED", "RUNNING", None),
        # As soon as it is certain.
        (When.ON_SUCCESS, "RUNNING", "FAILED", (SKIPPED, "b before it did not succeed (FAILED)")),
        (When.ON_SUCCESS, "LOST", "WAITING", (SKIPPED, "a before it did not succeed (LOST)")),
        (When.ON_SUCCESS, "CANCELLED", "PENDING", (SKIPPED, "a before it did not succeed (CANCELLED)")),
        (When.ON_SUCCESS, "SKIPPED", "STARTING", (SKIPPED, "a before it did not succeed (SKIPPED)")),
        (When.ON_FAILURE, "SUCCEEDED", "SUCCEEDED", (SKIPPED, "nothing before it failed (a SUCCEEDED, b SUCCEEDED)")),
        (When.ON_FAILURE, "FAILED", "RUNNING", None),
        (When.ON_FAILURE, "FAILED", "SUCCEEDED", RUN),
        (When.ON_FAILURE, "SUCCEEDED", "LOST", RUN),
        (When.ON_FAILURE, "SUCCEEDED", "CANCELLED", (SKIPPED, "nothing before it failed (a SUCCEEDED, b CANCELLED)")),
        (When.ON_FAILURE, "FAILED", "CANCELLED", RUN),
        (When.ALWAYS, "FAILED", "CANCELLED", RUN),
        (When.ALWAYS, "SKIPPED", "LOST", RUN),
        (When.ALWAYS, "SUCCEEDED", "SUCCEEDED", RUN),
        (When.ALWAYS, "FAILED", "RUNNING", None),
    ],
)
def test_rule_decides_by_how_the_tasks_before_ended(
    when: When, a: str, b: str, expected: tuple[TaskState, str] | None
) -> None:
    tasks = [task("a"), task("b"), ruled("me", when, "a", "b")]
    found = next_states(tasks, {"a": TaskState(a), "b": TaskState(b), "me": WAITING})
    assert found.get("me") == expected


def test_tasks_without_others_before_them_run() -> None:
    tasks = [task("a"), ruled("b", When.ALWAYS), ruled("c", When.ON_FAILURE)]
    assert next_states(tasks, dict.fromkeys("abc", WAITING)) == {
        "a": RUN,
        "b": RUN,
        "c": (SKIPPED, "nothing before it failed (it waits for nothing)"),
    }


def test_task_that_waits_for_none_of_this_workflow_is_skipped() -> None:
    assert next_states([ruled("a", When.ALWAYS, "gone")], {"a": WAITING}) == {
        "a": (SKIPPED, "waits for gone, which is no task of this workflow")
    }


def test_skipping_goes_on_along_the_chain_in_one_answer() -> None:
    # Out of order on purpose.
    tasks = [task("d", "c"), ruled("tidy", When.ALWAYS, "d"), task("c", "b"), task("b", "a"), task("a")]
    states = {**dict.fromkeys(["b", "c", "d", "tidy"], WAITING), "a": TaskState.FAILED}
    assert next_states(tasks, states) == {
        "b": (SKIPPED, "a before it did not succeed (FAILED)"),
        "c": (SKIPPED, "b before it did not succeed (SKIPPED)"),
        "d": (SKIPPED, "c before it did not succeed (SKIPPED)"),
        "tidy": RUN,
    }


def test_handler_after_the_last_task_hears_of_a_failure_anywhere_before() -> None:
    tasks = [task("a"), task("b", "a"), task("c", "b"), ruled("tell", When.ON_FAILURE, "c")]
    waiting = dict.fromkeys(["b", "c", "tell"], WAITING)
    assert next_states(tasks, {**waiting, "a": TaskState.LOST})["tell"] == RUN
    assert next_states(tasks, {**waiting, "a": TaskState.CANCELLED})["tell"] == (
        SKIPPED,
        "nothing before it failed (c SKIPPED)",
    )


def test_handler_of_a_handler_that_was_not_needed_is_not_needed() -> None:
    tasks = [task("a"), ruled("tell", When.ON_FAILURE, "a"), ruled("call", When.ON_FAILURE, "tell")]
    found = next_states(tasks, {"a": TaskState.SUCCEEDED, "tell": WAITING, "call": WAITING})
    assert {name: state for name, (state, _) in found.items()} == {"tell": SKIPPED, "call": SKIPPED}


def test_handler_waits_while_a_failure_before_a_skipped_task_may_still_come() -> None:
    tasks = [task("a"), task("b"), task("c", "a", "b"), ruled("tell", When.ON_FAILURE, "c")]
    states = {"a": TaskState.CANCELLED, "b": TaskState.RUNNING, "c": SKIPPED, "tell": WAITING}
    assert next_states(tasks, states) == {}
    assert next_states(tasks, {**states, "b": TaskState.FAILED}) == {"tell": RUN}
    assert next_states(tasks, {**states, "b": TaskState.SUCCEEDED})["tell"][0] is SKIPPED


def test_wide_and_long_workflows_are_answered_at_once() -> None:
    chain = [task(f"t{number}", f"t{number + 1}") for number in range(2000)]
    states = {**{one.name: WAITING for one in chain}, "t2000": TaskState.FAILED}
    found = next_states([*chain, task("t2000")], states)
    assert len(found) == 2000
    assert {state for state, _ in found.values()} == {SKIPPED}


graphs = st.lists(
    st.tuples(st.sets(st.integers(0, 7), max_size=3), st.sampled_from(list(When))), min_size=1, max_size=8
)
ends = [TaskState.SUCCEEDED, TaskState.FAILED, TaskState.LOST, TaskState.CANCELLED]


def ruled_graph(shape: list[tuple[set[int], When]]) -> list[Task]:
    return [
        ruled(f"t{number}", when, *(f"t{one}" for one in sorted(after) if one < number))
        for number, (after, when) in enumerate(shape)
    ]


@settings(deadline=None)
@given(
    shape=graphs,
    ended=st.lists(st.sampled_from(ends), min_size=8, max_size=8),
    orders=st.tuples(st.randoms(use_true_random=False), st.randoms(use_true_random=False)),
)
def test_every_workflow_runs_to_the_same_end_in_whatever_order_its_tasks_end(
    shape: list[tuple[set[int], When]], ended: list[TaskState], orders: tuple[Random, Random]
) -> None:
    tasks = ruled_graph(shape)
    at_the_end = {one.name: ended[number] for number, one in enumerate(tasks)}

    def played(order: Random) -> dict[str, TaskState]:
        states = {one.name: WAITING for one in tasks}
        while True:
            for name, (state, reason) in next_states(tasks, states, dependency_map(tasks)).items():
                assert (state is PENDING) == (reason == "")
                states[name] = state
            assert next_states(tasks, states) == {}
            running = [name for name, state in states.items() if state is PENDING]
            if not running:
                return states
            name = order.choice(running)
            states[name] = at_the_end[name]

    first = played(orders[0])
    assert all(state.ended for state in first.values())
    assert first == played(orders[1])
    assert first == expected_ends(tasks, at_the_end)


def expected_ends(tasks: list[Task], at_the_end: Mapping[str, TaskState]) -> dict[str, TaskState]:
    """What becomes of each, by the rules as they are written, with all that is before it known."""
    states: dict[str, TaskState] = {}
    failure: dict[str, bool] = {}
    for one in tasks:
        failed = any(failure[name] for name in one.after)
        runs = {
            When.ON_SUCCESS: all(states[name] is TaskState.SUCCEEDED for name in one.after),
            When.ON_FAILURE: failed,
            When.ALWAYS: True,
        }[one.when]
        states[one.name] = at_the_end[one.name] if runs else SKIPPED
        failure[one.name] = states[one.name] in (TaskState.FAILED, TaskState.LOST) or (not runs and failed)
    return states


# foreach


def each(items: Json, **inputs: Json) -> Task:
    return replace(task("me", **inputs), foreach=items)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (["RO", 1, None, {"k": [1]}], ("RO", 1, None, {"k": [1]})),
        ([], ()),
        ("${{ tasks.a.outputs.l }}", (1, None)),
        (["${{ tasks.a.outputs.n }}", "n=${{ tasks.a.outputs.n }}"], (3, "n=3")),
    ],
)
def test_items_are_a_list_or_an_output_that_is_one(items: Json, expected: tuple[Json, ...]) -> None:
    assert foreach_items(each(items), OUTPUTS) == expected


@pytest.mark.parametrize(
    ("items", "fault"),
    [
        (
            "${{ tasks.a.outputs.t }}",
            "Task me runs once for each item of a list, but output t of task a is text. "
            "Give it a list, as in [RO, DE].",
        ),
        (
            "${{ tasks.b-2.outputs.x_y }}",
            "Task me runs once for each item of a list, but output x_y of task b-2 is true or false. "
            "Give it a list, as in [RO, DE].",
        ),
        (
            {"a": 1},
            "Task me runs once for each item of a list, but its foreach is an object. Give it a list, as in [RO, DE].",
        ),
        ("${{ tasks.a.outputs.m }}", "Task a gave no output m. Its outputs: n, t, l."),
        (
            [0] * 1001,
            "Task me would run for 1001 items; at most 1000 are allowed. "
            "Put several into one item, or use several tasks.",
        ),
    ],
)
def test_what_is_no_list_says_what_to_do(items: Json, fault: str) -> None:
    with pytest.raises(BadInput) as caught:
        foreach_items(each(items), OUTPUTS)
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    ("value", "item", "expected"),
    [
        ("${{ item }}", 7, 7),
        ("${{item}}", None, None),
        (" ${{ item }} ", {"k": [True]}, {"k": [True]}),
        ("no ${{ item }}", 7, "no 7"),
        ("no ${{ item }}", "${{ item }}", "no ${{ item }}"),
        ("${{ item.day }}", {"day": 2.5}, 2.5),
        ("on ${{ item.day }} in ${{ item.far-away }}", {"day": "mon", "far-away": [1]}, "on mon in [1]"),
        (["${{ item }}", {"k": "${{ tasks.a.outputs.n }}"}], "x", ["x", {"k": 3}]),
        ("${{ item }}", "${{ tasks.a.outputs.t }}", "${{ tasks.a.outputs.t }}"),
    ],
)
def test_item_is_replaced_like_an_output(value: Json, item: Json, expected: Json) -> None:
    assert resolve_inputs(each([1], give=value), OUTPUTS, item=item) == {"give": expected}


@pytest.mark.parametrize(
    ("value", "item", "fault"),
    [
        ("${{ item.k }}", {"a": 1, "b": 2}, "An item has no key k. Its keys: a, b."),
        ("${{ item.k }}", "text", "${{ item.k }} needs items that are objects, but one is text. Write ${{ item }}."),
        ("${{ item }}", ..., "${{ item }} stands for nothing outside the inputs of a foreach. Remove it."),
    ],
)
def test_item_that_cannot_be_taken_says_what_to_do(value: Json, item: Json, fault: str) -> None:
    with pytest.raises(BadInput) as caught:
        resolve_inputs(each([1], give=value), OUTPUTS, item=item)
    assert str(caught.value) == fault


def test_outputs_of_items_are_gathered_in_their_order() -> None:
    items: list[dict[str, Json]] = [{"n": 1, "t": "x"}, {"n": None}, {"n": [3], "late": True}]
    assert gather_outputs(items) == {"n": [1, None, [3]], "t": ["x", None, None], "late": [None, None, True]}
    assert gather_outputs([], ["n"]) == {"n": []}
    assert gather_outputs([{}], ["n"]) == {"n": [None]}


def test_references_of_a_foreach_are_waited_for() -> None:
    assert dependencies(each("${{ tasks.a.outputs.l }}", give="${{ tasks.b.outputs.x }} ${{ item }}")) == ("b", "a")
    assert takes_item(["${{ item.k }}"])
    assert not takes_item("${{ tasks.a.outputs.item }}")
    assert whole_reference(" ${{ tasks.a.outputs.l }}") == ("a", "l")
    assert whole_reference("${{ item }}") is None
    assert bad_reference("${{ item }} ${{ item.a.b }}") == "${{ item.a.b }}"
