"""What of a run need not be done again, and which values a run takes for itself alone. Pure."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence

from ..model import Json, Run, Task, TaskRun, TaskState, Workflow, newest
from ..scheduler import dependencies


def repeated_tasks(run: Run, run_id: str) -> tuple[TaskRun, ...]:
    """The task runs of a run `run_id` that takes from `run` what had succeeded, and does all else again.

    A task is kept if it succeeded and everything before it is kept; what stands behind a task that is done
    again is done again too, for its inputs may be others now. A skipped task does not keep what is behind
    it from being kept: it will be skipped again. A task with `foreach` is kept with all its items, or done
    again for all of them.
    """
    found = newest(run.tasks)
    whole = {one.task.name: one for one in found if one.item is None}
    settled = _settled(run.workflow.tasks, {name: one.state for name, one in whole.items()})
    made: list[TaskRun] = []
    for task in run.workflow.tasks:
        if task.name in settled and whole[task.name].state is TaskState.SUCCEEDED:
            made += [_kept(one, run_id) for one in found if one.task.name == task.name]
        else:
            made.append(TaskRun(run_id=run_id, task=task, state=TaskState.WAITING))
    return tuple(made)


def _settled(tasks: Sequence[Task], states: Mapping[str, TaskState]) -> frozenset[str]:
    """Names of tasks that would end as they did, whatever is done again."""
    settled = {task.name for task in tasks if states.get(task.name) in (TaskState.SUCCEEDED, TaskState.SKIPPED)}
    before = {task.name: dependencies(task) for task in tasks}
    while True:
        fewer = {name for name in settled if settled.issuperset(before[name])}
        if fewer == settled:
            return frozenset(settled)
        settled = fewer


def _kept(one: TaskRun, run_id: str) -> TaskRun:
    """A task run of the new run that has the old one's result.

    Its times stay empty, for nothing is executed; and its fingerprint, so that whoever looks for an earlier
    result finds the execution itself.
    """
    return TaskRun(
        run_id=run_id,
        task=one.task,
        item=one.item,
        state=TaskState.SUCCEEDED,
        inputs=one.inputs,
        outputs=one.outputs,
        reused_from=one.reused_from or one.job_name,
    )


def with_inputs(workflow: Workflow, inputs: Mapping[str, Mapping[str, Json]]) -> tuple[Workflow, tuple[str, ...]]:
    """The workflow with other values for some inputs, and a fault for each task it does not have."""
    names = [task.name for task in workflow.tasks]
    faults: list[str] = []
    for name in inputs:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            meant = f"Did you mean {near[0]}?" if near else f"Its tasks: {', '.join(names)}."
            faults.append(f"tasks.{name}: workflow {workflow.name} has no task {name}. {meant}")
    tasks = tuple(
        dataclasses.replace(task, inputs={**task.inputs, **inputs.get(task.name, {})}) for task in workflow.tasks
    )
    return dataclasses.replace(workflow, tasks=tasks), tuple(faults)
