"""Records to rows and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from ..model import Run, TaskRun, TaskState, Workflow, decode, encode
from .tables import NO_ITEM

T = TypeVar("T")
# What a run's row holds in columns of its own, because it changes or is asked for.
_RUN_COLUMNS = ("id", "state", "created_at", "due_at", "started_at", "ended_at", "reason", "cancel_requested")


def dump(value: object) -> str:
    """The document of a record, as ASCII text: no text a task gives out can be refused by a database."""
    return json.dumps(encode(value))


def plain(text: str) -> str:
    """The same text without what a text column refuses (NUL, halves of surrogate pairs): it may quote a task."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def load(cls: type[T], document: str) -> T:
    """The record of type `cls` in that document."""
    return decode(cls, json.loads(document))


def with_revision(workflow: Workflow, revision: int) -> Workflow:
    """The same workflow, under another revision."""
    return dataclasses.replace(workflow, revision=revision)


def run_row(run: Run) -> dict[str, Any]:
    """The row of a run, without its tasks."""
    document = encode(run)
    assert isinstance(document, dict)  # noqa: S101  # a record's document is an object; tells mypy so
    rest = {name: value for name, value in document.items() if name not in (*_RUN_COLUMNS, "tasks")}
    columns = {name: getattr(run, name) for name in _RUN_COLUMNS}
    return {
        **columns,
        "state": run.state.value,
        "reason": plain(run.reason),
        "project": run.workflow.project,
        "workflow": run.workflow.name,
        "version": 0,
        "document": json.dumps(rest),
    }


def run_record(row: Mapping[Any, Any], tasks: tuple[TaskRun, ...]) -> Run:
    """The run of that row."""
    columns = {name: encode(row[name]) for name in _RUN_COLUMNS}
    run = decode(Run, {**json.loads(row["document"]), **columns})
    return dataclasses.replace(run, tasks=tasks)


def task_row(task: TaskRun, project: str, position: int) -> dict[str, Any]:
    """The row of a task run; `position` keeps the workflow's order."""
    return {
        **task_key(task),
        "position": position,
        "project": project,
        "is_group": task.is_group,
        "cancel_requested": task.cancel_requested,
        **task_values(task),
    }


def task_key(task: TaskRun) -> dict[str, Any]:
    """What identifies a task run."""
    return {
        "run_id": task.run_id,
        "name": task.task.name,
        "item": NO_ITEM if task.item is None else task.item,
        "attempt": task.attempt,
    }


def task_values(task: TaskRun) -> dict[str, Any]:
    """What a move changes in a task run's row, but for `cancel_requested`, which is never taken back."""
    succeeded = task.state is TaskState.SUCCEEDED
    executed = succeeded and not task.is_group and task.reused_from is None
    return {
        "state": task.state.value,
        "ended_at": task.ended_at,
        "fingerprint": task.fingerprint if succeeded else None,
        "executed": f"{task.task.block}@{task.task.version}" if executed else None,
        "reused_from": task.reused_from,
        "document": dump(task),
    }


def task_record(document: str, cancel_requested: bool) -> TaskRun:
    """The task run of that row."""
    task = load(TaskRun, document)
    if task.cancel_requested == cancel_requested:
        return task
    return dataclasses.replace(task, cancel_requested=cancel_requested)
