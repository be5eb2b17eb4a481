"""Runs as text for people: pure functions from records to lines. Times are shown in the system's zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ..model import Resources, Run, TaskRun, TaskState, format_cpu, newest
from .plain import one_line
from .present import seconds, size, table, value, when
from .shell import pairs

ITEMS_SHOWN = 10
# A request this many times as large as what past runs suggest, or as small, is worth a word.
MUCH = 2

_FAILED = (TaskState.FAILED, TaskState.LOST)
_COUNTED = (
    ("failed", _FAILED),
    ("cancelled", (TaskState.CANCELLED,)),
    ("skipped", (TaskState.SKIPPED,)),
    ("running", (TaskState.STARTING, TaskState.RUNNING)),
)


def runs(found: Sequence[Run], empty: str = "There are no runs yet. Start one with: lentiq run BLOCK") -> str:
    """A table of runs; `empty` where there are none."""
    return table(
        ("run", "workflow", "state", "created", "took", "reason"),
        [
            (
                one.id,
                one.workflow.name,
                one.state,
                when(one.created_at),
                seconds(one.started_at, one.ended_at),
                why(one),
            )
            for one in found
        ],
        empty,
    )


def why(run: Run) -> str:
    """Why a run is where it is: its own reason, else its first failed task's, else the first reason of a task."""
    last = newest(run.tasks)
    # Items before what stands for them all: they say more.
    failed = sorted((one for one in last if one.state in _FAILED), key=lambda one: one.is_group)
    for one in failed or last:
        if one.reason and not run.reason:
            return one_line(f"{one.label}: {one.reason}")
    return one_line(run.reason)


def run(one: Run, proposals: Mapping[str, Resources] | None = None) -> str:
    """All of one run: its tasks with attempts, items, states, reasons, figures and outputs.

    Parameters
    ----------
    proposals : mapping of ``block@version`` to what past runs of it suggest, or None
        Said where it differs much from what a task asks for.
    """
    words = {
        "run": one.id,
        "workflow": f"{one.workflow.name} (project {one.workflow.project})",
        "state": one.state + (" (cancelling)" if one.cancel_requested and not one.state.ended else ""),
        "due": when(one.due_at) if one.due_at else "started by hand",
        "created": when(one.created_at),
        "took": seconds(one.started_at, one.ended_at) or "-",
        "executor": one.executor,
    }
    if one.rerun_of:
        words["repeats"] = f"what failed in run {one.rerun_of}"
    if one.reason:
        words["reason"] = one.reason
    lines = [pairs(words)]
    for name in dict.fromkeys(task.task.name for task in one.tasks):
        mine = [task for task in one.tasks if task.task.name == name]
        lines += ["", *_task(mine, proposals or {})]
    return "\n".join(lines)


def _task(mine: Sequence[TaskRun], proposals: Mapping[str, Resources]) -> list[str]:
    """The lines about one task, from all its attempts and items."""
    whole = [one for one in mine if one.item is None]
    items = newest(one for one in mine if one.item is not None)
    last = max(whole, key=lambda one: one.attempt)
    lines = [one_line(task_line(last, counts(items)))]
    lines += [f"  attempt {one.attempt}: {one_line(state_line(one))}" for one in whole if one is not last]
    lines += _items(items)
    measured = items or (last,)
    lines += [f"  {line}" for line in _resources(last, measured, proposals)]
    lines += [f"  input {name} = {value(given)}" for name, given in (last.inputs or {}).items()]
    lines += [f"  output {name} = {value(given)}" for name, given in (last.outputs or {}).items()]
    return lines


def _items(items: Sequence[TaskRun]) -> list[str]:
    """Lines about the items that went wrong or run; the others are only counted."""
    telling = sorted(
        (one for one in items if one.state in _FAILED or one.state.holds_resources),
        key=lambda one: one.state not in _FAILED,
    )
    lines = [f"  {one.label}: {one_line(state_line(one))}" for one in telling[:ITEMS_SHOWN]]
    if len(telling) > ITEMS_SHOWN:
        lines.append(f"  and {len(telling) - ITEMS_SHOWN} more")
    return lines


def counts(items: Sequence[TaskRun]) -> str:
    """``3 of 100 done, 1 failed, 2 running``; "" without items."""
    if not items:
        return ""
    states = Counter(one.state for one in items)
    found = [f"{states[TaskState.SUCCEEDED]} of {len(items)} done"]
    for word, kinds in _COUNTED:
        count = sum(states[kind] for kind in kinds)
        if count:
            found.append(f"{count} {word}")
    return ", ".join(found)


def task_line(one: TaskRun, items: str = "") -> str:
    """``train (train-classifier@1): FAILED after 3.2 s, peak 210.4 MB, exit code 1: cell 4 …``."""
    version = f"@{one.task.version}" if one.task.version else ""
    return f"{one.label} ({one.task.block}{version}): {state_line(one, items)}"


def state_line(one: TaskRun, items: str = "") -> str:
    """State, figures, what counts its items say, and the reason."""
    figures = [f"after {seconds(one.started_at, one.ended_at)}"] if one.started_at and one.ended_at else []
    if one.attempt > 1:
        figures.append(f"attempt {one.attempt}")
    if items:
        figures.append(items)
    if one.progress is not None:
        figures.append(f"{one.progress.done} of {one.progress.total} cells")
    if one.peak_memory_bytes:
        figures.append(f"peak {size(one.peak_memory_bytes)}")
    if one.exit_code:
        figures.append(f"exit code {one.exit_code}")
    if one.cause is not None:
        figures.append(one.cause.replace("_", " "))
    if one.reused_from is not None:
        figures.append(f"result of {one.reused_from}")
    text = f"{one.state} {', '.join(figures)}".rstrip()
    return f"{text}: {one.reason}" if one.reason else text


def _resources(last: TaskRun, measured: Sequence[TaskRun], proposals: Mapping[str, Resources]) -> list[str]:
    asked = last.task.resources
    used = [word for word in (_cpu(measured), _memory(measured)) if word]
    lines = [f"asked for {asked}; used {', '.join(used)}"] if used else []
    reference = f"{last.task.block}@{last.task.version}"
    proposed = proposals.get(reference)
    if proposed is not None and differs_much(asked, proposed):
        lines.append(f"past runs suggest {proposed}; see: lentiq block resources {reference}")
    return lines


def _cpu(measured: Sequence[TaskRun]) -> str:
    """The highest average use of CPU among these."""
    rates = [
        one.cpu_s / (one.ended_at - one.started_at).total_seconds()
        for one in measured
        if one.cpu_s is not None and one.started_at and one.ended_at and one.ended_at > one.started_at
    ]
    return f"{format_cpu(round(max(rates) * 1000))} CPU on average" if rates else ""


def _memory(measured: Sequence[TaskRun]) -> str:
    peaks = [one.peak_memory_bytes for one in measured if one.peak_memory_bytes]
    return f"{size(max(peaks))} at most" if peaks else ""


def differs_much(asked: Resources, proposed: Resources) -> bool:
    """Whether one of the amounts is `MUCH` times the other."""
    return any(
        max(one, other) >= MUCH * min(one, other) > 0
        for one, other in (
            (asked.cpu_millicores, proposed.cpu_millicores),
            (asked.memory_bytes, proposed.memory_bytes),
        )
    )
