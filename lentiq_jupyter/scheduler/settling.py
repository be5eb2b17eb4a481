"""What follows from what a run's tasks have become: ready, skipped, expanded, gathered, tried again, cancelled.

Plain functions that fill a `Change`; nothing is stored here.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from ..errors import BadInput
from ..model import Cause, Json, TaskRun, TaskState
from .board import Change
from .graph import foreach_items, gather_outputs, next_states, references
from .outcome import CANCELLED_REASON

_UNDONE = (TaskState.FAILED, TaskState.LOST)


def settle(change: Change, now: datetime) -> None:
    """Move waiting tasks on as far as they go by themselves, until nothing more follows."""
    _cancel(change, now)
    while _gather(change, now) or _next(change, now):
        pass


def ended_attempt(change: Change, task: TaskRun, to: TaskRun, now: datetime) -> None:
    """Let a task run end; if it failed and may be tried again, its next attempt waits for its time."""
    change.move(task, to)
    cancelled = change.live.cancelled(task)
    if to.state not in _UNDONE or cancelled or to.cause is Cause.BAD_INPUT or to.attempt > to.task.retries:
        return
    not_before = now + timedelta(seconds=to.task.delay_s(to.attempt))
    change.add(
        TaskRun(
            run_id=to.run_id,
            task=to.task,
            item=to.item,
            attempt=to.attempt + 1,
            state=TaskState.PENDING,
            reason=f"attempt {to.attempt + 1} of {to.task.retries + 1} starts at {not_before:%Y-%m-%d %H:%M:%S} UTC",
            ready_at=now,
            not_before=not_before,
        )
    )


def _cancel(change: Change, now: datetime) -> None:
    for task in tuple(change.tasks.values()):
        if change.live.cancelled(task) and task.state in (TaskState.WAITING, TaskState.PENDING):
            change.move(
                task,
                dataclasses.replace(
                    task, state=TaskState.CANCELLED, reason=CANCELLED_REASON, cause=Cause.CANCELLED, ended_at=now
                ),
            )


def _next(change: Change, now: datetime) -> bool:
    """Move tasks on whose tasks before them have ended; whether there were any."""
    heads = {name: one for name, one in change.tasks.items() if one.item is None}
    found = next_states([one.task for one in heads.values()], {name: one.state for name, one in heads.items()})
    for name, (state, reason) in found.items():
        task = heads[name]
        if state is TaskState.SKIPPED:
            change.move(
                task, dataclasses.replace(task, state=state, reason=reason, cause=Cause.TASKS_BEFORE, ended_at=now)
            )
        elif task.task.foreach is not None:
            _expand(change, task, now)
        else:
            change.move(task, dataclasses.replace(task, state=state, reason="", ready_at=now))
    return bool(found)


def _expand(change: Change, group: TaskRun, now: datetime) -> None:
    """Let a group run: one task run for each item."""
    outputs = {name: one.outputs or {} for name, one in change.tasks.items() if one.item is None}
    try:
        items = foreach_items(group.task, outputs)
    except BadInput as error:
        change.move(
            group,
            dataclasses.replace(
                group, state=TaskState.FAILED, reason=str(error), cause=Cause.BAD_INPUT, ready_at=now, ended_at=now
            ),
        )
        return
    if not items:
        change.move(
            group,
            dataclasses.replace(
                group,
                state=TaskState.SUCCEEDED,
                reason="there are no items",
                outputs=_gathered(change, group, []),
                ready_at=now,
                ended_at=now,
            ),
        )
        return
    change.move(group, dataclasses.replace(group, state=TaskState.RUNNING, reason="", ready_at=now, started_at=now))
    for number in range(len(items)):
        change.add(TaskRun(run_id=group.run_id, task=group.task, item=number, state=TaskState.PENDING, ready_at=now))


def _gather(change: Change, now: datetime) -> bool:
    """End groups whose items have all ended; whether there were any."""
    groups = [one for one in change.tasks.values() if one.is_group and one.state is TaskState.RUNNING]
    found = False
    for group in groups:
        items = [one for one in change.tasks.values() if one.item is not None and one.task.name == group.task.name]
        if not all(one.state.ended for one in items):
            continue
        found = True
        items.sort(key=lambda one: one.item or 0)
        change.move(group, dataclasses.replace(_together(change, group, items), ended_at=now))
    return found


def _together(change: Change, group: TaskRun, items: list[TaskRun]) -> TaskRun:
    """The group, ended as its items have."""
    undone = [one for one in items if one.state in _UNDONE]
    if undone:
        reason = f"{len(undone)} of {len(items)} items did not succeed; {undone[0].label}: {undone[0].reason}"
        return dataclasses.replace(group, state=TaskState.FAILED, reason=reason, cause=undone[0].cause)
    if any(one.state is TaskState.CANCELLED for one in items):
        return dataclasses.replace(group, state=TaskState.CANCELLED, reason=CANCELLED_REASON, cause=Cause.CANCELLED)
    outputs = _gathered(change, group, items)
    return dataclasses.replace(group, state=TaskState.SUCCEEDED, reason="", outputs=outputs)


def _gathered(change: Change, group: TaskRun, items: list[TaskRun]) -> dict[str, Json]:
    """Lists of the items' outputs; also of those that no item gave, if another task takes them."""
    taken = [
        output
        for task in change.live.run.workflow.tasks
        for value in (*task.inputs.values(), task.foreach)
        for name, output in references(value)
        if name == group.task.name
    ]
    return gather_outputs([one.outputs or {} for one in items], taken)
