"""Everything that is wrong with a workflow, at once, each fault with its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from scheduling import QUOTA, SMALL, block, task, workflow

from lentiq_jupyter.model import (
    FOREACH_LIMIT,
    Block,
    Input,
    InputType,
    Json,
    Output,
    Resources,
    Schedule,
    Task,
    When,
    Workflow,
)
from lentiq_jupyter.scheduler import check_workflow

WORK = block()
STRICT = replace(
    block("train-model"),
    spec=replace(
        block("train-model").spec, inputs=(Input(name="rows", type=InputType.INT, required=True),), outputs=()
    ),
)
TYPED = replace(
    block("typed"),
    spec=replace(
        block("typed").spec,
        inputs=(
            Input(name="n", type=InputType.INT, default=0),
            Input(name="f", type=InputType.FLOAT, default=0.0),
            Input(name="s", default=""),
            Input(name="j", type=InputType.JSON),
        ),
        outputs=(
            Output(name="n", type=InputType.INT),
            Output(name="s", type=InputType.STR),
            Output(name="j", type=InputType.JSON),
            Output(name="any"),
        ),
    ),
)
BLOCKS: dict[str, Block] = {"work@1": WORK, "work": WORK, "train-model@1": STRICT, "typed@1": TYPED}


def faults(*tasks: Task, schedule: Schedule | None = None) -> tuple[str, ...]:
    return check_workflow(workflow(*tasks, schedule=schedule), BLOCKS, QUOTA)[0]


def train(**inputs: object) -> Task:
    return Task(name="train", block="train-model", version="1", inputs=inputs, resources=SMALL)


def typed(name: str, *after: str, foreach: Json = None, when: When = When.ON_SUCCESS, **inputs: Json) -> Task:
    return Task(
        name=name,
        block="typed",
        version="1",
        inputs=inputs,
        resources=SMALL,
        after=after,
        when=when,
        foreach=foreach,
    )


def test_sound_workflow_has_no_faults() -> None:
    sound = workflow(
        task("one", seconds=1),
        replace(train(rows="${{ tasks.one.outputs.value }}"), after=("one",)),
        replace(task("newest"), version=None),
        schedule=Schedule(start=datetime(2026, 1, 1, tzinfo=UTC), every="1d"),
    )
    assert check_workflow(sound, BLOCKS, QUOTA) == ((), False)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([], ["tasks: there are none. Add at least one task."]),
        ([task("a"), task("a")], ["tasks.a: 2 tasks have this name. Rename one."]),
        (
            [Task(name="a", block="wrok", version="1", resources=SMALL)],
            ["tasks.a.block: there is no block wrok. Did you mean work?"],
        ),
        (
            [Task(name="a", block="zzz", version="1", resources=SMALL)],
            ["tasks.a.block: there is no block zzz. See lentiq block list."],
        ),
        (
            [Task(name="a", block="work", version="9", resources=SMALL)],
            ["tasks.a.block: block work has no version 9. It has 1."],
        ),
        ([task("a", second=1)], ["tasks.a.inputs.second: block work has no such input. Did you mean seconds?"]),
        ([task("a", qqq=1)], ["tasks.a.inputs.qqq: block work has no such input. It has seconds, fail, give."]),
        ([train()], ["tasks.train.inputs.rows: block train-model needs a value of type int. Give it one."]),
        (
            [train(rows="7")],
            ["tasks.train.inputs.rows: Input rows takes int, not str ('7'). Correct the value."],
        ),
        (
            [task("a"), train(rows="${{ tasks.a.outputs.value }} rows")],
            [
                "tasks.train.inputs.rows: takes int, but a reference inside a longer text gives text. "
                "Write the reference alone."
            ],
        ),
        (
            [task("a", give="${{ task.b }}")],
            ["tasks.a.inputs.give: ${{ task.b }} is not a reference. Write ${{ tasks.NAME.outputs.OUTPUT }}."],
        ),
        ([task("clean"), task("b", "claen")], ["tasks.b.after: there is no task claen. Did you mean clean?"]),
        ([task("a", "a")], ["tasks.a.after: waits for itself. Remove it."]),
        (
            [task("a", give="${{ tasks.xyz.outputs.value }}")],
            ["tasks.a.inputs.give: there is no task xyz. Its tasks: a."],
        ),
        (
            [task("a"), task("b", give="${{ tasks.a.outputs.valeu }}")],
            ["tasks.b.inputs.give: task a (block work) has no output valeu. Did you mean value?"],
        ),
        (
            [train(rows=1), task("b", give="${{ tasks.train.outputs.model }}")],
            ["tasks.b.inputs.give: task train (block train-model) has no output model. It has none."],
        ),
    ],
)
def test_fault_is_named_with_its_place(tasks: list[Task], expected: list[str]) -> None:
    assert faults(*tasks) == tuple(expected)


def test_circle_is_a_fault() -> None:
    [fault] = faults(task("a", "b"), task("b", "a"))
    assert fault in (
        "tasks.a.after: tasks wait for each other in a circle (a → b → a). Cut it.",
        "tasks.b.after: tasks wait for each other in a circle (b → a → b). Cut it.",
    )


def test_task_larger_than_the_quota_is_told_apart() -> None:
    large = Resources(cpu_millicores=8000, memory_bytes=SMALL.memory_bytes)
    one: Workflow = workflow(task("a", resources=large))
    assert check_workflow(one, BLOCKS, QUOTA) == (
        (
            "tasks.a: needs 8 CPU, 1Gi, more than the whole quota of the project (2 CPU, 4Gi). "
            "Ask for less, or raise the quota.",
        ),
        True,
    )


def test_faults_of_the_schedule_have_their_place() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = faults(task("a"), schedule=Schedule(start=start, timezone="Europe/Bukarest", every="daily"))
    assert [fault.partition(": ")[0] for fault in found] == ["schedule.timezone", "schedule.every"]
    assert faults(task("a"), schedule=Schedule(start=datetime(9999, 6, 1, tzinfo=UTC), cron="0 0 1 1 *")) == (
        "schedule.cron: '0 0 1 1 *' never comes. Choose a day that exists.",
    )


def test_all_faults_at_once() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = faults(task("a", "x", qqq=1), train(rows=True), schedule=Schedule(start=start, cron="* *"))
    assert [fault.partition(": ")[0] for fault in found] == [
        "tasks.a.inputs.qqq",
        "tasks.a.after",
        "tasks.train.inputs.rows",
        "schedule.cron",
    ]
    assert check_workflow(workflow(task("a")), {}, QUOTA, known_blocks=("wörk", "works"))[0] == (
        "tasks.a.block: there is no block work. Did you mean works?",
    )


@pytest.mark.parametrize(
    "task",
    [
        typed("b", f="${{ tasks.a.outputs.n }}"),
        typed("b", n="${{ tasks.a.outputs.n }}", j="${{ tasks.a.outputs.s }}"),
        typed("b", n="${{ tasks.a.outputs.j }}", s="${{ tasks.a.outputs.any }}"),
        typed("b", s="n is ${{ tasks.a.outputs.n }}", j=["${{ tasks.a.outputs.n }}"]),
        typed("b", j="${{ tasks.many.outputs.n }}"),
        typed("b", foreach=[1, 2], n="${{ item }}", s="no ${{ item }}", f="${{ item }}"),
        typed("b", foreach=[], n="${{ item }}"),
        typed("b", foreach=[{"n": 1, "day": "mon"}], n="${{ item.n }}", s="${{item.day}}"),
        typed("b", foreach=["${{ tasks.a.outputs.n }}", 2], n="${{ item }}"),
        typed("b", foreach="${{ tasks.a.outputs.any }}", n="${{ item }}", s="${{ item }}"),
        typed("b", foreach="${{ tasks.many.outputs.n }}", n="${{ item }}"),
        typed("b", foreach=[1], s="${{ item }} of ${{ tasks.a.outputs.n }}"),
        typed("b", foreach=[1, 2]),
        typed("b", "a", when=When.ON_FAILURE),
        typed("b", when=When.ALWAYS),
    ],
)
def test_what_flows_well_has_no_faults(task: Task) -> None:
    assert faults(typed("a"), typed("many", foreach=[1]), task) == ()


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (
            typed("b", n="${{ item }}"),
            "tasks.b.inputs.n: ${{ item }} stands for nothing, as task b has no foreach. "
            "Give it one, or write a value.",
        ),
        (
            typed("b", s="the ${{ item.day }}"),
            "tasks.b.inputs.s: ${{ item }} stands for nothing, as task b has no foreach. "
            "Give it one, or write a value.",
        ),
        (
            typed("b", foreach=[1, "2"], n="${{ item }}"),
            "tasks.b.inputs.n: for item 1 (counted from 0): Input n takes int, not str ('2'). Correct the value.",
        ),
        (
            typed("b", foreach=[{"a": 1}, {"b": 1}], n="${{ item.a }}"),
            "tasks.b.inputs.n: for item 1 (counted from 0): An item has no key a. Its keys: b.",
        ),
        (
            typed("b", foreach=[1], s="${{ item.a }}"),
            "tasks.b.inputs.s: for item 0 (counted from 0): ${{ item.a }} needs items that are objects, but one is "
            "a number. Write ${{ item }}.",
        ),
        (
            typed("b", foreach="${{ tasks.a.outputs.any }}", n="no ${{ item }}"),
            "tasks.b.inputs.n: takes int, but a reference inside a longer text gives text. Write the reference alone.",
        ),
        (
            typed("b", s=["${{ tasks.a.outputs.n }}"]),
            "tasks.b.inputs.s: Input s takes str, not list (['${{ tasks.a.outputs.n }}']). Correct the value.",
        ),
        (
            typed("b", foreach="RO, DE"),
            "tasks.b.foreach: is neither a list nor one reference. Write a list, as in [RO, DE], or one reference to "
            "an output that is one.",
        ),
        (
            typed("b", foreach={"a": 1}),
            "tasks.b.foreach: is neither a list nor one reference. Write a list, as in [RO, DE], or one reference to "
            "an output that is one.",
        ),
        (
            typed("b", foreach="${{ tasks.a.outputs.n }}"),
            "tasks.b.foreach: needs a list, but output n of task a (block typed) is int. Write a list, as in "
            "[RO, DE], or one reference to an output that is one.",
        ),
        (
            typed("b", foreach=["${{ item }}"]),
            "tasks.b.foreach: ${{ item }} stands for one of these items, so it cannot be in their list. Remove it.",
        ),
        (
            typed("b", foreach="${{ tasks.a.output.n }}"),
            "tasks.b.foreach: ${{ tasks.a.output.n }} is not a reference. Write ${{ tasks.NAME.outputs.OUTPUT }}.",
        ),
        (
            typed("b", foreach="${{ tasks.a.outputs.nn }}"),
            "tasks.b.foreach: task a (block typed) has no output nn. Did you mean n?",
        ),
        (typed("b", foreach="${{ tasks.x.outputs.n }}"), "tasks.b.foreach: there is no task x. Its tasks: a, many, b."),
        (typed("b", foreach="${{ tasks.b.outputs.j }}"), "tasks.b.after: waits for itself. Remove it."),
        (
            typed("b", foreach=[0] * (FOREACH_LIMIT + 1)),
            f"tasks.b.foreach: has {FOREACH_LIMIT + 1} items; at most {FOREACH_LIMIT} are allowed. "
            "Put several into one item.",
        ),
        (
            typed("b", n="${{ tasks.a.outputs.s }}"),
            "tasks.b.inputs.n: takes int, but output s of task a (block typed) is str. Correct one of the types.",
        ),
        (
            typed("b", s="${{ tasks.many.outputs.any }}"),
            "tasks.b.inputs.s: takes str, but task many (block typed) runs for each item of a list, so that its "
            "outputs are lists. Take them one by one with foreach, or all in an input of type json.",
        ),
        (
            typed("b", when=When.ON_FAILURE),
            "tasks.b.when: runs after a failure, but waits for nothing. Name the tasks before it in after.",
        ),
        (
            typed("b", when=When.ALWAYS, s="got ${{ tasks.a.outputs.n }}"),
            "tasks.b.inputs.s: takes an output of task a, which is not there unless that succeeded, but runs always. "
            "Write a value, or let it run on_success.",
        ),
        (
            typed("b", "a", when=When.ON_FAILURE, foreach="${{ tasks.many.outputs.j }}"),
            "tasks.b.foreach: takes an output of task many, which is not there unless that succeeded, but runs "
            "on_failure. Write a value, or let it run on_success.",
        ),
    ],
)
def test_fault_of_the_flow_is_named_with_its_place(task: Task, expected: str) -> None:
    assert faults(typed("a"), typed("many", foreach=[1]), task) == (expected,)


def test_circle_through_a_foreach_is_a_fault() -> None:
    [fault] = faults(typed("a", foreach="${{ tasks.b.outputs.j }}"), typed("b", "a"))
    assert "in a circle" in fault
