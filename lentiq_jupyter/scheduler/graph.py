"""A workflow as a graph: who waits for whom, what becomes of those that wait, which values flow along.

A task depends on the tasks in its `after` and on those it takes outputs from. A reference is written
``${{ tasks.NAME.outputs.OUTPUT }}``; in the inputs of a task with `foreach` also ``${{ item }}`` and, where the
items are objects, ``${{ item.KEY }}``. Alone in a text it stands for the value itself, of whatever type; inside
a longer text, for the value as text (JSON, where it is not text already). References are found inside lists
and objects too. What a value holds is never read as a reference again.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from types import EllipsisType
from typing import cast

from ..errors import BadInput
from ..model import FOREACH_LIMIT, Json, Task, TaskState, When

_TASK = r"tasks\.(?P<task>[a-z0-9-]+)\.outputs\.(?P<output>[A-Za-z_][A-Za-z0-9_]*)"
_ITEM = r"item(?:\.(?P<key>[A-Za-z_][A-Za-z0-9_-]*))?"
_REFERENCE = re.compile(rf"\$\{{\{{\s*(?:{_TASK}|{_ITEM})\s*\}}\}}")
_FAILED = (TaskState.FAILED, TaskState.LOST)
_NAMED_STATES = 3


def references(value: Json) -> tuple[tuple[str, str], ...]:
    """The references to outputs in a value: (task, output), in order, without repetition."""
    found = {(match["task"], match["output"]): None for match in _matches(value) if match["task"]}
    return tuple(found)


def takes_item(value: Json) -> bool:
    """Whether a value refers to the item of a `foreach`."""
    return any(match["task"] is None for match in _matches(value))


def whole_reference(value: Json) -> tuple[str, str] | None:
    """(task, output) of a value that is one reference to an output and nothing else; None for any other."""
    found = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    return (found["task"], found["output"]) if found and found["task"] else None


def is_reference(value: Json) -> bool:
    """Whether the value is one reference and nothing else, so that its type is that of what it refers to."""
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
    taken = [name for value in (*task.inputs.values(), task.foreach) for name, _ in references(value)]
    return tuple(dict.fromkeys((*task.after, *taken)))


def dependency_map(tasks: Iterable[Task]) -> dict[str, tuple[str, ...]]:
    """`dependencies` of each task by its name; they never change while a run goes on."""
    return {task.name: dependencies(task) for task in tasks}


def find_cycle(tasks: Sequence[Task]) -> tuple[str, ...]:
    """Names along one cycle, each waiting for the next, the first repeated at the end; empty if there is none."""
    try:
        TopologicalSorter(dependency_map(tasks)).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()


def next_states(
    tasks: Sequence[Task],
    states: Mapping[str, TaskState],
    before: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, tuple[TaskState, str]]:
    """What becomes of tasks that wait, by `Task.when` and how the tasks before them ended.

    A task that its rule excludes is skipped as soon as that is certain, and so, in the same answer, is what
    that decides further on. For ``on_failure`` a task that was skipped because one before it failed counts as
    failed, so that a handler after the last task of a chain hears of a failure anywhere in it. What was
    cancelled has not failed.

    Parameters
    ----------
    tasks : sequence of Task
        All of the workflow.
    states : mapping
        The state of each by its name: of its newest attempt, of its group where it has items.
    before : mapping or None
        `dependency_map` of `tasks`, for who has it already.

    Returns
    -------
    dict
        By name, in no particular order, only for those that wait no longer: PENDING with "", or SKIPPED with
        the reason.
    """
    # Few wait in a long run, and reading references takes time: only what is asked for is read.
    by_name = {task.name: task for task in tasks}
    known = before.__getitem__ if before is not None else cache(lambda name: dependencies(by_name[name]))
    waiting = {task.name: task for task in tasks if states[task.name] is TaskState.WAITING}
    after: dict[str, list[str]] = {}
    for name in waiting:
        for one in known(name):
            after.setdefault(one, []).append(name)
    reached = dict(states)
    found: dict[str, tuple[TaskState, str]] = {}
    queue = deque(waiting)
    while queue:
        skipped = False
        while queue:
            name = queue.popleft()
            answer = None if name in found else _answer(waiting[name], reached, known)
            if answer is None:
                continue
            found[name] = answer
            reached[name] = answer[0]
            if answer[0] is TaskState.SKIPPED:
                skipped = True
                queue.extend(after.get(name, ()))
        if skipped:
            # These look further back than at the tasks right before them.
            queue.extend(name for name in waiting if name not in found and waiting[name].when is When.ON_FAILURE)
    return found


def _answer(
    task: Task, states: Mapping[str, TaskState], known: Callable[[str], Sequence[str]]
) -> tuple[TaskState, str] | None:
    """PENDING, SKIPPED with the reason, or None while that is open."""
    names = known(task.name)
    for name in names:
        if name not in states:
            return TaskState.SKIPPED, f"waits for {name}, which is no task of this workflow"
    if task.when is When.ON_SUCCESS:
        for name in names:
            if states[name].ended and states[name] is not TaskState.SUCCEEDED:
                return TaskState.SKIPPED, f"{name} before it did not succeed ({states[name]})"
    if not all(states[name].ended for name in names):
        return None
    if task.when is When.ON_FAILURE:
        failed = _failed(names, states, known)
        if failed is None:
            return None
        if not failed:
            shown = [f"{name} {states[name]}" for name in names[:_NAMED_STATES]]
            if len(names) > _NAMED_STATES:
                shown.append(f"{len(names) - _NAMED_STATES} more")
            return TaskState.SKIPPED, f"nothing before it failed ({', '.join(shown) or 'it waits for nothing'})"
    return TaskState.PENDING, ""


def _failed(
    names: Sequence[str], states: Mapping[str, TaskState], known: Callable[[str], Sequence[str]]
) -> bool | None:
    """Whether one of these tasks failed, or was skipped because of one that did; None while that is open.

    It is open while a task before a skipped one goes on: the answer must not depend on which ends first.
    """
    still_open = False
    seen: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name in seen or name not in states:
            continue
        seen.add(name)
        if states[name] in _FAILED:
            return True
        if not states[name].ended:
            still_open = True
        elif states[name] is TaskState.SKIPPED:
            stack.extend(known(name))
    return None if still_open else False


def foreach_items(task: Task, outputs: Mapping[str, Mapping[str, Json]]) -> tuple[Json, ...]:
    """The items that a task with `foreach` runs for, in their order; there may be none.

    Parameters
    ----------
    outputs : mapping of task name to what it gave out

    Raises
    ------
    BadInput
        If a task did not give out what is referred to, if that is no list, or one of more than `FOREACH_LIMIT`.
    """
    found = _replace(task.foreach, _taker(outputs, ...))
    if not isinstance(found, list):
        taken = whole_reference(task.foreach)
        what = f"output {taken[1]} of task {taken[0]} is" if taken else "its foreach is"
        raise BadInput(
            f"Task {task.name} runs once for each item of a list, but {what} {_kind(found)}.",
            "Give it a list, as in [RO, DE].",
        )
    if len(found) > FOREACH_LIMIT:
        raise BadInput(
            f"Task {task.name} would run for {len(found)} items; at most {FOREACH_LIMIT} are allowed.",
            "Put several into one item, or use several tasks.",
        )
    return tuple(cast(list[Json], found))


def resolve_inputs(
    task: Task, outputs: Mapping[str, Mapping[str, Json]], *, item: Json | EllipsisType = ...
) -> dict[str, Json]:
    """The task's input values, references replaced.

    Parameters
    ----------
    outputs : mapping of task name to what it gave out
    item : a JSON document, or ``...`` where the task has no `foreach`
        What ``${{ item }}`` stands for.

    Raises
    ------
    BadInput
        If a task did not give out what is referred to, or the item lacks the key.
    """
    take = _taker(outputs, item)
    return {name: _replace(value, take) for name, value in task.inputs.items()}


def gather_outputs(items: Sequence[Mapping[str, Json]], declared: Iterable[str] = ()) -> dict[str, Json]:
    """The outputs of a `foreach` as a whole: for each output the list of what its items gave, in their order.

    Parameters
    ----------
    items : sequence of mappings
        What each item gave out. None stands in the lists where one did not give what another gave.
    declared : names
        Outputs that the block says it has: their lists are there even where no item gave them.
    """
    names = dict.fromkeys([*declared, *(name for one in items for name in one)])
    return {name: [one.get(name) for one in items] for name in names}


def _taker(outputs: Mapping[str, Mapping[str, Json]], item: Json | EllipsisType) -> Callable[[re.Match[str]], Json]:
    """What gives the value that a reference stands for."""

    def take(found: re.Match[str]) -> Json:
        if found["task"]:
            given = outputs.get(found["task"], {})
            if found["output"] not in given:
                names = ", ".join(given) or "none"
                raise BadInput(f"Task {found['task']} gave no output {found['output']}.", f"Its outputs: {names}.")
            return given[found["output"]]
        if item is ...:
            raise BadInput(f"{found[0]} stands for nothing outside the inputs of a foreach.", "Remove it.")
        key = found["key"]
        if key is None:
            return item
        if not isinstance(item, dict):
            raise BadInput(f"{found[0]} needs items that are objects, but one is {_kind(item)}.", "Write ${{ item }}.")
        if key not in item:
            raise BadInput(f"An item has no key {key}.", f"Its keys: {', '.join(item) or 'none'}.")
        return cast(Json, item[key])

    return take


def _replace(value: Json, take: Callable[[re.Match[str]], Json]) -> Json:
    if isinstance(value, list):
        return [_replace(cast(Json, one), take) for one in value]
    if isinstance(value, dict):
        return {key: _replace(cast(Json, one), take) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value.strip())
    return take(whole) if whole else _REFERENCE.sub(lambda match: _as_text(take(match)), value)


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _kind(value: object) -> str:
    """``text``, ``a number``: what a JSON document is, in a user's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def _matches(value: object) -> Iterator[re.Match[str]]:
    for text in _texts(value):
        yield from _REFERENCE.finditer(text)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
