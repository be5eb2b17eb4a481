"""What the tasks of a run must have become: the rules of a workflow once more, written without the scheduler's code."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lentiq_jupyter.model import Json, Run, RunState, Task, TaskRun, TaskState, When

_TEXT = re.compile(r"\$\{\{ tasks\.([a-z0-9-]+)\.outputs\.([a-z]+) \}\}")
_FAILED = (TaskState.FAILED, TaskState.LOST)


def taken(value: Json) -> tuple[str, str] | None:
    """Task and output that a value refers to, if it does."""
    found = _TEXT.fullmatch(value) if isinstance(value, str) else None
    return (found[1], found[2]) if found else None


def before(task: Task) -> set[str]:
    """Names of the tasks it waits for."""
    found = (taken(value) for value in (*task.inputs.values(), task.foreach))
    return {*task.after, *(one[0] for one in found if one)}


def last_attempts(run: Run) -> dict[tuple[str, int | None], TaskRun]:
    """The last attempt of each task and item."""
    found: dict[tuple[str, int | None], TaskRun] = {}
    for one in sorted(run.tasks, key=lambda one: one.attempt):
        found[one.task.name, one.item] = one
    return found


def runs_at_all(task: Task, states: Mapping[str, TaskState], waits: Mapping[str, set[str]]) -> bool:
    """Whether a task runs, once all before it have become what `states` says."""

    def failed(name: str) -> bool:
        # What was skipped because of a failure hands the failure on.
        if states[name] is TaskState.SKIPPED:
            return any(failed(one) for one in waits[name])
        return states[name] in _FAILED

    names = waits[task.name]
    if task.when is When.ON_SUCCESS:
        return all(states[name] is TaskState.SUCCEEDED for name in names)
    if task.when is When.ON_FAILURE:
        return any(failed(name) for name in names)
    return True


def items_of(run: Run, task: Task) -> list[dict[str, Json]]:
    """The items of a `foreach`, by what the tasks are told to give."""
    value = task.foreach
    reference = taken(value)
    if reference:
        value = run.workflow.task(reference[0]).inputs["data"]
    assert isinstance(value, list)
    return [one for one in value if isinstance(one, dict)]


def fails(run: Run, one: TaskRun) -> int:
    """How many attempts of it fail."""
    told = items_of(run, one.task)[one.item] if one.item is not None else one.task.inputs
    number = told["fails"]
    assert isinstance(number, int)
    return number


def text(run: Run, task: Task) -> Json:
    """The text it gives."""
    reference = taken(task.inputs["text"])
    return text(run, run.workflow.task(reference[0])) if reference else task.inputs["text"]


def outputs(run: Run, one: TaskRun) -> dict[str, Json]:
    """What it gives when it succeeds."""
    plain: dict[str, Json] = {"text": text(run, one.task), "data": one.task.inputs.get("data")}
    if one.is_group:
        return {name: [value] * len(items_of(run, one.task)) for name, value in plain.items()}
    return plain


def end_of_run(states: set[TaskState]) -> RunState:
    """The state of a run whose tasks have ended so."""
    if states & set(_FAILED):
        return RunState.FAILED
    return RunState.CANCELLED if TaskState.CANCELLED in states else RunState.SUCCEEDED
