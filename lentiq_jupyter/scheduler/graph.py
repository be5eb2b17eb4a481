"""A workflow as a graph: who waits for whom, who is ready, which values flow along.

A task depends on the tasks in its `after` and on those it takes outputs from. A reference is written
``${{ tasks.NAME.outputs.OUTPUT }}``. Alone in a text it stands for the value itself, of whatever type;
inside a longer text, for the value as text (JSON, where it is not text already). References are found
inside lists and objects too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import cast

from ..errors import BadInput
from ..model import Json, Task, TaskState

_REFERENCE = re.compile(r"\$\{\{\s*tasks\.([a-z0-9-]+)\.outputs\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def references(value: Json) -> tuple[tuple[str, str], ...]:
    """The references in an input value: (task, output), in order, without repetition."""
    found = {(match[1], match[2]): None for text in _texts(value) for match in _REFERENCE.finditer(text)}
    return tuple(found)


def is_reference(value: Json) -> bool:
    """Whether the value is one reference and nothing else, so that its type is that of the output."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value.strip()) is not None


def bad_reference(value: Json) -> str | None:
    """The first ``${{ … }}`` in a value that is not a reference; None if all are."""
    for text in _texts(value):
        rest = _REFERENCE.sub("", text)
        if "${{" in rest:
            begin = rest.index("${{")
            end = rest.find("}}", begin)
            return rest[begin : end + 2 if end >= 0 else len(rest)]
    return None


def dependencies(task: Task) -> tuple[str, ...]:
    """Names of the tasks that this one waits for, without repetition."""
    taken = [name for value in task.inputs.values() for name, _ in references(value)]
    return tuple(dict.fromkeys((*task.after, *taken)))


def find_cycle(tasks: Sequence[Task]) -> tuple[str, ...]:
    """Names along one cycle, each waiting for the next, the first repeated at the end; empty if there is none."""
    try:
        TopologicalSorter({task.name: dependencies(task) for task in tasks}).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()


def ready(tasks: Sequence[Task], states: Mapping[str, TaskState]) -> tuple[str, ...]:
    """Waiting tasks whose every dependency has succeeded, in the workflow's order."""
    return tuple(
        task.name
        for task in tasks
        if states[task.name] is TaskState.WAITING
        and all(states.get(name) is TaskState.SUCCEEDED for name in dependencies(task))
    )


def blocked(tasks: Sequence[Task], states: Mapping[str, TaskState]) -> dict[str, str]:
    """Waiting tasks that can never become ready, each with the reason."""
    found: dict[str, str] = {}
    for task in tasks:
        if states[task.name] is not TaskState.WAITING:
            continue
        for name in dependencies(task):
            state = states.get(name)
            if state is None:
                found[task.name] = f"waits for {name}, which is no task of this workflow"
            elif state.ended and state is not TaskState.SUCCEEDED:
                found[task.name] = f"{name} before it did not succeed ({state})"
            else:
                continue
            break
    return found


def resolve_inputs(task: Task, outputs: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    """The task's input values, references replaced.

    Parameters
    ----------
    outputs : mapping of task name to what it gave out

    Raises
    ------
    BadInput
        If a task did not give out what is referred to.
    """

    def value_of(name: str, output: str) -> Json:
        given = outputs.get(name, {})
        if output not in given:
            names = ", ".join(given) or "none"
            raise BadInput(f"Task {name} gave no output {output}.", f"Its outputs: {names}.")
        return given[output]

    return {name: _replace(value, value_of) for name, value in task.inputs.items()}


def _replace(value: Json, value_of: Callable[[str, str], Json]) -> Json:
    if isinstance(value, list):
        return [_replace(cast(Json, item), value_of) for item in value]
    if isinstance(value, dict):
        return {key: _replace(cast(Json, item), value_of) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value.strip())
    if whole:
        return value_of(whole[1], whole[2])
    return _REFERENCE.sub(lambda match: _as_text(value_of(match[1], match[2])), value)


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
