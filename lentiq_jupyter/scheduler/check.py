"""What is wrong with a workflow, all of it at once, before it is saved."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, cast

from ..errors import BadInput
from ..model import (
    FOREACH_LIMIT,
    Block,
    Input,
    InputType,
    Json,
    Output,
    Resources,
    Task,
    When,
    Workflow,
    check_value,
    referenced_secret,
)
from .graph import (
    bad_reference,
    dependencies,
    find_cycle,
    is_reference,
    references,
    resolve_inputs,
    takes_item,
    whole_reference,
)
from .triggers import schedule_faults

_REFERENCE = "${{ tasks.NAME.outputs.OUTPUT }}"
# An int is taken where a float is wanted.
_WIDENED = (InputType.INT, InputType.FLOAT)
_LIST = "Write a list, as in [RO, DE], or one reference to an output that is one."


def check_workflow(
    workflow: Workflow, blocks: Mapping[str, Block], quota: Resources, *, known_blocks: Collection[str] = ()
) -> tuple[tuple[str, ...], bool]:
    """All faults of a workflow, each beginning with its place, and whether a task can never fit the quota.

    Parameters
    ----------
    blocks : mapping of ``name@version``, and of ``name`` for the newest, to the block
        A task's block is looked up under ``name@version`` if it is pinned, and under ``name`` if it is not.
    quota : Resources
        The project's limit.
    known_blocks : names
        Of all blocks there are, for proposals where one is unknown; those in `blocks` are known anyhow.

    Returns
    -------
    faults : tuple of str
        ``tasks.train.inputs.rows: …``; empty if nothing is wrong.
    never_fits : bool
        True if one of the faults is that a task alone exceeds the quota.
    """
    faults: list[str] = []
    names = [task.name for task in workflow.tasks]
    if not names:
        faults.append("tasks: there are none. Add at least one task.")
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            faults.append(f"tasks.{name}: {names.count(name)} tasks have this name. Rename one.")
    known = sorted({*known_blocks, *(block.spec.name for block in blocks.values())})
    givers = {task.name: _Giver(task, _find(task, blocks)) for task in workflow.tasks}
    never_fits = False
    for task in workflow.tasks:
        block = givers[task.name].block
        if block is None:
            faults.append(f"tasks.{task.name}.block: {_unknown_block(task, known, blocks)}")
        else:
            faults.extend(_check_inputs(task, block))
        faults.extend(_check_flow(task, block, givers))
        for fault in _check_quota(task, quota):
            never_fits = True
            faults.append(fault)
    cycle = find_cycle(workflow.tasks)
    if cycle and len(cycle) > 2:
        faults.append(f"tasks.{cycle[0]}.after: tasks wait for each other in a circle ({' → '.join(cycle)}). Cut it.")
    if workflow.schedule is not None:
        faults.extend(f"schedule.{field}: {fault}" for field, fault in schedule_faults(workflow.schedule))
    return tuple(faults), never_fits


def _find(task: Task, blocks: Mapping[str, Block]) -> Block | None:
    return blocks.get(f"{task.block}@{task.version}" if task.version else task.block)


def _unknown_block(task: Task, known: Iterable[str], blocks: Mapping[str, Block]) -> str:
    if task.block in known:
        versions = sorted({block.version for block in blocks.values() if block.spec.name == task.block})
        shown = f" It has {', '.join(versions)}." if versions else " See lentiq block show."
        return f"block {task.block} has no version {task.version}.{shown}"
    return f"there is no block {task.block}.{_meant(task.block, known, 'See lentiq block list.')}"


def _check_inputs(task: Task, block: Block) -> Iterator[str]:
    place = f"tasks.{task.name}.inputs"
    inputs = {one.name: one for one in block.spec.inputs}
    for name in task.inputs:
        if name not in inputs:
            otherwise = f"It has {', '.join(inputs)}." if inputs else "It has none."
            yield f"{place}.{name}: block {block.spec.name} has no such input.{_meant(name, inputs, otherwise)}"
    for name, one in inputs.items():
        if name in task.inputs:
            yield from (f"{place}.{name}: {fault}" for fault in _check_input(task, one))
        elif one.required and not one.secret:
            yield f"{place}.{name}: block {block.spec.name} needs a value of type {one.type}. Give it one."


def _check_input(task: Task, one: Input) -> Iterator[str]:
    value = task.inputs[one.name]
    if one.secret:
        if referenced_secret(value) is None:
            yield "is secret, so it takes no value. Write ${{ secrets.NAME }}, and: lentiq secret set NAME."
        return
    bad = bad_reference(value)
    if bad is not None:
        yield f"{bad} is not a reference. Write {_REFERENCE}."
    elif takes_item(value) and task.foreach is None:
        yield f"${{{{ item }}}} stands for nothing, as task {task.name} has no foreach. Give it one, or write a value."
    elif isinstance(task.foreach, list) and takes_item(value) and not references(value):
        yield from _check_items(task, one, task.foreach)
    elif is_reference(value):
        # Compared with the output's type where that is known; what it really is, is checked at the start.
        return
    elif isinstance(value, str) and _refers(value) and one.type not in (InputType.STR, InputType.JSON):
        yield f"takes {one.type}, but a reference inside a longer text gives text. Write the reference alone."
    elif isinstance(value, str) and _refers(value):
        return
    else:
        try:
            check_value(one, value)
        except BadInput as error:
            yield str(error)


def _check_items(task: Task, one: Input, items: list[object]) -> Iterator[str]:
    """The first item of a written list that an input cannot take."""
    alone = Task(name=task.name, block=task.block, inputs={one.name: task.inputs[one.name]})
    for number, item in enumerate(cast(list[Json], items)):
        if references(item):
            continue
        try:
            check_value(one, resolve_inputs(alone, {}, item=item)[one.name])
        except BadInput as error:
            yield f"for item {number} (counted from 0): {error}"
            return


def _refers(value: Json) -> bool:
    return bool(references(value)) or takes_item(value)


class _Giver(NamedTuple):
    """A task that others may take outputs from, and its block where that is known."""

    task: Task
    block: Block | None

    @property
    def named(self) -> str:
        """``task clean (block clean-sales)``."""
        return f"task {self.task.name} (block {self.task.block})"

    def output(self, name: str) -> Output | None:
        found = self.block.spec.outputs if self.block else ()
        return next((one for one in found if one.name == name), None)


def _check_flow(task: Task, block: Block | None, givers: Mapping[str, _Giver]) -> Iterator[str]:
    """What is wrong with whom it waits for, and with what it takes from them."""
    place = f"tasks.{task.name}"
    before = dependencies(task)
    if task.name in before:
        yield f"{place}.after: waits for itself. Remove it."
    for name in dict.fromkeys(task.after):
        if name not in givers:
            yield f"{place}.after: {_unknown_task(name, givers)}"
    if task.when is When.ON_FAILURE and not before:
        yield f"{place}.when: runs after a failure, but waits for nothing. Name the tasks before it in after."
    inputs = {one.name: one for one in block.spec.inputs} if block else {}
    for input_name, value in task.inputs.items():
        where = f"{place}.inputs.{input_name}"
        yield from (f"{where}: {fault}" for fault in _check_taken(task, value, givers))
        taken = whole_reference(value)
        giver = givers.get(taken[0]) if taken else None
        if taken and giver and input_name in inputs and not inputs[input_name].secret:
            yield from (f"{where}: {fault}" for fault in _check_type(inputs[input_name], giver, taken[1]))
    yield from (f"{place}.foreach: {fault}" for fault in _check_foreach(task, givers))


def _check_taken(task: Task, value: Json, givers: Mapping[str, _Giver]) -> Iterator[str]:
    """What is wrong with the outputs that a value refers to."""
    for name, output in references(value):
        giver = givers.get(name)
        if giver is None:
            yield _unknown_task(name, givers)
            continue
        if giver.block is not None and giver.output(output) is None:
            outputs = [one.name for one in giver.block.spec.outputs]
            otherwise = f"It has {', '.join(outputs)}." if outputs else "It has none."
            yield f"{giver.named} has no output {output}.{_meant(output, outputs, otherwise)}"
        if task.when is not When.ON_SUCCESS:
            yield (
                f"takes an output of task {name}, which is not there unless that succeeded, but runs {task.when}. "
                "Write a value, or let it run on_success."
            )


def _check_type(taker: Input, giver: _Giver, output: str) -> Iterator[str]:
    """Whether an input can take an output by its type, as far as that is known."""
    found = giver.output(output)
    if found is None or taker.type is InputType.JSON:
        return
    if giver.task.foreach is not None:
        yield (
            f"takes {taker.type}, but {giver.named} runs for each item of a list, so that its outputs are lists. "
            "Take them one by one with foreach, or all in an input of type json."
        )
    elif found.type not in (None, InputType.JSON, taker.type) and (found.type, taker.type) != _WIDENED:
        yield f"takes {taker.type}, but output {output} of {giver.named} is {found.type}. Correct one of the types."


def _check_foreach(task: Task, givers: Mapping[str, _Giver]) -> Iterator[str]:
    items = task.foreach
    if items is None:
        return
    bad = bad_reference(items)
    if bad is not None:
        yield f"{bad} is not a reference. Write {_REFERENCE}."
    elif takes_item(items):
        yield "${{ item }} stands for one of these items, so it cannot be in their list. Remove it."
    elif isinstance(items, list):
        if len(items) > FOREACH_LIMIT:
            yield f"has {len(items)} items; at most {FOREACH_LIMIT} are allowed. Put several into one item."
    elif (taken := whole_reference(items)) is None:
        yield f"is neither a list nor one reference. {_LIST}"
    elif (giver := givers.get(taken[0])) is not None and giver.task.foreach is None:
        found = giver.output(taken[1])
        if found is not None and found.type not in (None, InputType.JSON):
            yield f"needs a list, but output {taken[1]} of {giver.named} is {found.type}. {_LIST}"
    yield from _check_taken(task, items, givers)


def _unknown_task(name: str, givers: Mapping[str, _Giver]) -> str:
    listed = f"Its tasks: {', '.join(givers)}."
    return f"there is no task {name}.{_meant(name, givers, listed)}"


def _check_quota(task: Task, quota: Resources) -> Iterator[str]:
    if not task.resources.fits(quota):
        yield (
            f"tasks.{task.name}: needs {task.resources}, more than the whole quota of the project "
            f"({quota}). Ask for less, or raise the quota."
        )


def _meant(name: str, known: Iterable[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else f" {otherwise}"
