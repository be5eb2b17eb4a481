"""Everything that is wrong with a workflow, at once, each fault with its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from scheduling import QUOTA, SMALL, block, task, workflow

from lentiq_jupyter.model import Block, Input, InputType, Resources, Schedule, Task, Workflow
from lentiq_jupyter.scheduler import check_workflow

WORK = block()
STRICT = replace(
    block("train-model"),
    spec=replace(
        block("train-model").spec, inputs=(Input(name="rows", type=InputType.INT, required=True),), outputs=()
    ),
)
BLOCKS: dict[str, Block] = {"work@1": WORK, "work": WORK, "train-model@1": STRICT}


def faults(*tasks: Task, schedule: Schedule | None = None) -> tuple[str, ...]:
    return check_workflow(workflow(*tasks, schedule=schedule), BLOCKS, QUOTA)[0]


def train(**inputs: object) -> Task:
    return Task(name="train", block="train-model", version="1", inputs=inputs, resources=SMALL)


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
