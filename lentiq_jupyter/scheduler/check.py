"""What is wrong with a workflow, all of it at once, before it is saved."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping

from ..errors import BadInput
from ..model import Block, Input, InputType, Json, Resources, Task, Workflow, check_value, referenced_secret
from .graph import bad_reference, dependencies, find_cycle, is_reference, references
from .triggers import schedule_faults


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
    by_task = {task.name: _find(task, blocks) for task in workflow.tasks}
    never_fits = False
    for task in workflow.tasks:
        block = by_task[task.name]
        if block is None:
            faults.append(f"tasks.{task.name}.block: {_unknown_block(task, known, blocks)}")
        else:
            faults.extend(_check_inputs(task, block))
        faults.extend(_check_flow(task, names, by_task))
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
            yield from (f"{place}.{name}: {fault}" for fault in _check_input(one, task.inputs[name]))
        elif one.required and not one.secret:
            yield f"{place}.{name}: block {block.spec.name} needs a value of type {one.type}. Give it one."


def _check_input(one: Input, value: Json) -> Iterator[str]:
    if one.secret:
        if referenced_secret(value) is None:
            yield "is secret, so it takes no value. Write ${{ secrets.NAME }}, and: lentiq secret set NAME."
        return
    bad = bad_reference(value)
    if bad is not None:
        yield f"{bad} is not a reference. Write ${{{{ tasks.NAME.outputs.OUTPUT }}}}."
    elif is_reference(value):
        # The output's type is known only when it is there; it is checked at the start of the task.
        return
    elif references(value) and one.type not in (InputType.STR, InputType.JSON):
        yield f"takes {one.type}, but a reference inside a longer text gives text. Write the reference alone."
    else:
        try:
            check_value(one, value)
        except BadInput as error:
            yield str(error)


def _check_flow(task: Task, names: Collection[str], by_task: Mapping[str, Block | None]) -> Iterator[str]:
    place = f"tasks.{task.name}"
    if task.name in dependencies(task):
        yield f"{place}.after: waits for itself. Remove it."
    listed = f"Its tasks: {', '.join(names)}."
    for name in dict.fromkeys(task.after):
        if name not in names:
            yield f"{place}.after: there is no task {name}.{_meant(name, names, listed)}"
    for input_name, value in task.inputs.items():
        for name, output in references(value):
            block = by_task.get(name)
            if name not in names:
                yield f"{place}.inputs.{input_name}: there is no task {name}.{_meant(name, names, listed)}"
            elif block is not None and output not in (outputs := [one.name for one in block.spec.outputs]):
                otherwise = f"It has {', '.join(outputs)}." if outputs else "It has none."
                yield (
                    f"{place}.inputs.{input_name}: task {name} (block {block.spec.name}) "
                    f"has no output {output}.{_meant(output, outputs, otherwise)}"
                )


def _check_quota(task: Task, quota: Resources) -> Iterator[str]:
    if not task.resources.fits(quota):
        yield (
            f"tasks.{task.name}: needs {task.resources}, more than the whole quota of the project "
            f"({quota}). Ask for less, or raise the quota."
        )


def _meant(name: str, known: Iterable[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else f" {otherwise}"
