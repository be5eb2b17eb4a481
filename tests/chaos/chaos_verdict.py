"""Compares the rows of the store with what was really started, and both with the rules: all that is wrong.

A pure function of a record, so that a record can be judged again, and the judge be tested with doctored ones.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator

import chaos_oracle as oracle

from lentiq_jupyter.model import Execution, ExecutionState, Run, RunState, TaskRun, TaskState

# Rows are written a little after the clock was read for them.
ROW_TOLERANCE_S = 2.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known after a chaos run.

    `runs` are the store's rows, `executions` the executor's own record by job name. `begun` are job names and
    seconds of the epoch, written by the jobs themselves as their first deed. `overlaps` are sentences about two
    active runs of one workflow seen together, `orphans` about what runs though everything has ended.
    """

    runs: tuple[Run, ...]
    executions: dict[str, Execution]
    begun: tuple[tuple[str, float], ...]
    overlaps: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Wrong:
    """One thing that is wrong: lost, doubled, stuck, overlap, order, state, output, orphan."""

    kind: str
    sentence: str


def judge(record: Record) -> list[Wrong]:
    """All that is wrong; empty if nothing is."""
    found = [Wrong("overlap", one) for one in record.overlaps] + [Wrong("orphan", one) for one in record.orphans]
    counts = Counter(name for name, _ in record.begun)
    for run in record.runs:
        found += _run(run, record, counts)
    found += _without_rows(record, counts)
    found += _doubled_starts(record)
    found += _overlaps(record)
    return sorted(found)


def _run(run: Run, record: Record, counts: Counter[str]) -> Iterator[Wrong]:
    if run.state is RunState.SKIPPED:
        if run.tasks:
            yield Wrong("state", f"run {run.id} was held back and has tasks")
        return
    if not run.state.ended:
        states = {one.label: str(one.state) for one in run.tasks}
        yield Wrong("stuck", f"run {run.id} of {run.workflow.name} is {run.state}: {states}")
        return
    for one in run.tasks:
        yield from _task(run, one, record, counts)
    yield from _attempts(run)
    yield from _graph(run)
    yield from _order(run, record)


def _task(run: Run, one: TaskRun, record: Record, counts: Counter[str]) -> Iterator[Wrong]:
    """One task run against what was started under its name."""
    name = one.job_name
    if not one.state.ended:
        yield Wrong("stuck", f"{name} is {one.state}, and its run has ended")
        return
    execution, begun = record.executions.get(name), counts[name]
    starts = execution.starts if execution else 0
    if begun > 1 or starts > 1:
        yield Wrong("doubled", f"{name} was started {max(begun, starts)} times")
    if one.is_group:
        if begun or execution:
            yield Wrong("doubled", f"{name} stands for its items, and was started itself")
        return
    if one.state is TaskState.LOST:
        yield Wrong("lost", f"{name} is LOST, and nobody harmed it: {one.reason}")
    if one.state is TaskState.SKIPPED and (begun or execution):
        yield Wrong("state", f"{name} was skipped, and started")
    if one.state in (TaskState.SUCCEEDED, TaskState.FAILED):
        if not begun or execution is None:
            yield Wrong("lost", f"{name} is {one.state}, and was never started: {one.reason}")
        elif execution.state is not ExecutionState(one.state.value):
            yield Wrong("state", f"{name} is {one.state}, but its executor says {execution.state}")
        expected = one.attempt > oracle.fails(run, one)
        if (one.state is TaskState.SUCCEEDED) != expected:
            yield Wrong("state", f"{name} is {one.state}: {one.reason}")
    if one.state is TaskState.CANCELLED and not (run.cancel_requested or one.cancel_requested):
        yield Wrong("state", f"{name} is CANCELLED, and nobody asked for it")
    if one.state is TaskState.SUCCEEDED and one.outputs != oracle.outputs(run, one):
        yield Wrong("output", f"{name} gave {one.outputs}, not {oracle.outputs(run, one)}")


def _attempts(run: Run) -> Iterator[Wrong]:
    """Every failed attempt has a next one while there are any left, and no other has."""
    by_item: dict[tuple[str, int | None], list[TaskRun]] = defaultdict(list)
    for one in run.tasks:
        by_item[one.task.name, one.item].append(one)
    for (name, item), many in by_item.items():
        many.sort(key=lambda one: one.attempt)
        label = f"{run.id} {name}{'' if item is None else f'.{item}'}"
        if [one.attempt for one in many] != list(range(1, len(many) + 1)):
            yield Wrong("state", f"{label} has the attempts {[one.attempt for one in many]}")
        for one in many[:-1]:
            if one.state is not TaskState.FAILED:
                yield Wrong("state", f"{label} was tried again after attempt {one.attempt} was {one.state}")
        last = many[-1]
        asked = run.cancel_requested or last.cancel_requested
        if last.state is TaskState.FAILED and not last.is_group and not asked and last.attempt <= last.task.retries:
            yield Wrong("state", f"{label} has retries left after attempt {last.attempt}")
        if len(many) > last.task.retries + 1:
            yield Wrong("state", f"{label} was tried {len(many)} times with {last.task.retries} retries")


def _graph(run: Run) -> Iterator[Wrong]:
    """What each task became follows from what those before it became."""
    last = oracle.last_attempts(run)
    states = {name: one.state for (name, item), one in last.items() if item is None}
    waits = {task.name: oracle.before(task) for task in run.workflow.tasks}
    if set(states) != set(waits):
        yield Wrong("lost", f"run {run.id} has the tasks {sorted(states)}, its workflow {sorted(waits)}")
        return
    for task in run.workflow.tasks:
        state, allowed = states[task.name], oracle.runs_at_all(task, states, waits)
        if state is not TaskState.CANCELLED and allowed == (state is TaskState.SKIPPED):
            around = {name: str(states[name]) for name in waits[task.name]}
            yield Wrong("state", f"{run.id} {task.name} ({task.when}) is {state} after {around}")
        if task.foreach is not None and state is not TaskState.SKIPPED:
            yield from _group(run, last[task.name, None], last)
    if run.state is not oracle.end_of_run({one.state for one in last.values()}):
        yield Wrong("state", f"run {run.id} is {run.state}, its tasks {dict(Counter(map(str, states.values())))}")


def _group(run: Run, group: TaskRun, last: dict[tuple[str, int | None], TaskRun]) -> Iterator[Wrong]:
    items = {item: one for (name, item), one in last.items() if name == group.task.name and item is not None}
    ends = {one.state for one in items.values()}
    count = len(oracle.items_of(run, group.task))
    if group.state is not TaskState.CANCELLED and sorted(items) != list(range(count)):
        yield Wrong("lost", f"{group.job_name} has {count} items, of which there are {sorted(items)}")
    expected = TaskState(oracle.end_of_run(ends).value)
    if items and group.state is not expected:
        yield Wrong("state", f"{group.job_name} is {group.state}, its items {sorted(map(str, ends))}")
    if group.state is TaskState.SUCCEEDED and group.outputs not in (oracle.outputs(run, group), None if items else {}):
        yield Wrong("output", f"{group.job_name} gave {group.outputs}, not {oracle.outputs(run, group)}")


def _order(run: Run, record: Record) -> Iterator[Wrong]:
    """No job begins before the jobs of the tasks before it have ended."""
    began = dict(record.begun)
    ends: dict[str, float] = {}
    for one in run.tasks:
        execution = record.executions.get(one.job_name)
        if execution and execution.ended_at:
            ends[one.task.name] = max(ends.get(one.task.name, 0.0), execution.ended_at.timestamp())
    for one in run.tasks:
        if one.job_name in began:
            for name in oracle.before(one.task):
                if ends.get(name, 0.0) > began[one.job_name]:
                    yield Wrong("order", f"{one.job_name} began before {name} had ended")


def _without_rows(record: Record, counts: Counter[str]) -> Iterator[Wrong]:
    names = Counter(one.job_name for run in record.runs for one in run.tasks)
    for name, number in names.items():
        if number > 1:
            yield Wrong("doubled", f"{name} has {number} rows")
    for name in sorted({*counts, *record.executions} - set(names)):
        yield Wrong("doubled", f"{name} was started, and there is no row of it")


def _doubled_starts(record: Record) -> Iterator[Wrong]:
    answered = Counter((run.workflow.name, run.due_at) for run in record.runs if run.due_at is not None)
    for (name, due), number in answered.items():
        if number > 1:
            yield Wrong("doubled", f"the start of {name} due at {due} was answered {number} times")


def _overlaps(record: Record) -> Iterator[Wrong]:
    """By the rows, and, more sharply, by the jobs: none of a run may begin while one of an earlier run goes on."""
    began = dict(record.begun)
    rows: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    jobs: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for run in record.runs:
        if run.state is RunState.SKIPPED or run.ended_at is None:
            continue
        rows[run.workflow.name].append((run.created_at.timestamp(), run.ended_at.timestamp(), run.id))
        spans = []
        for one in run.tasks:
            execution = record.executions.get(one.job_name)
            if one.job_name in began and execution and execution.ended_at:
                spans.append((began[one.job_name], execution.ended_at.timestamp()))
        if spans:
            jobs[run.workflow.name].append((min(a for a, _ in spans), max(b for _, b in spans), run.id))
    for what, table, tolerance_s in (("row", rows, ROW_TOLERANCE_S), ("jobs", jobs, 0.0)):
        for name, spans_of in table.items():
            for (_, end, first), (begin, _, second) in itertools.pairwise(sorted(spans_of)):
                if begin < end - tolerance_s:
                    yield Wrong(
                        "overlap", f"{name}: run {second} began {end - begin:.2f} s before {first} had ended, by {what}"
                    )
