"""Input values as words of the command line."""

from __future__ import annotations

import difflib

from ..errors import BadInput
from ..model import BlockSpec, Json, Workflow, parse_value
from .shell import LocalService


def task_inputs(office: LocalService, workflow: Workflow, given: tuple[str, ...]) -> dict[str, dict[str, Json]]:
    """The values of ``task.input=value`` words, by task, typed by the inputs of the tasks' blocks.

    Raises
    ------
    BadInput
        As `parse_inputs`; or if a word names no task, or none of this workflow.
    NotFound
        If a task's block is gone.
    """
    names = [task.name for task in workflow.tasks]
    words: dict[str, list[str]] = {}
    for word in given:
        place, equals, text = word.partition("=")
        name, dot, input_name = place.partition(".")
        if not equals or not dot:
            raise BadInput(f"{word!r} is not task.input=value.", f"Write for example -i {names[0]}.country=RO.")
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            meant = f"Did you mean {near[0]}?" if near else f"Its tasks: {', '.join(names)}."
            raise BadInput(f"Workflow {workflow.name} has no task {name}.", meant)
        words.setdefault(name, []).append(f"{input_name}={text}")
    found: dict[str, dict[str, Json]] = {}
    for name, own in words.items():
        task = workflow.task(name)
        block = office.block(f"{task.block}@{task.version}" if task.version else task.block)
        found[name] = parse_inputs(block.spec, tuple(own))
    return found


def parse_inputs(spec: BlockSpec, given: tuple[str, ...]) -> dict[str, Json]:
    """The values of ``name=value`` words, typed by the block's inputs.

    Raises
    ------
    BadInput
        If a word has no ``=``, a name is unknown or given twice, or a value is not of its type.
    """
    known = {one.name: one for one in spec.inputs}
    values: dict[str, Json] = {}
    for word in given:
        name, equals, text = word.partition("=")
        if not equals:
            raise BadInput(f"{word!r} is not name=value.", "Write for example -i country=RO.")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"Did you mean {near[0]}?" if near else f"Its inputs: {', '.join(known) or 'none'}."
            raise BadInput(f"Block {spec.name} has no input {name}.", meant)
        if name in values:
            raise BadInput(f"Input {name} is given twice.", "Give it once.")
        # References are resolved where the value is used; secrets are given in no other way.
        values[name] = text if text.strip().startswith("${{") else parse_value(known[name], text)
    return values
