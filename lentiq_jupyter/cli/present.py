"""Records as text for people: pure functions from records to lines. Times are shown in the system's zone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from ..model import (
    Block,
    Input,
    Json,
    Place,
    PublishResult,
    Run,
    Schedule,
    TaskRun,
    TaskState,
    Workflow,
    format_cpu,
    format_memory,
)
from .shell import pairs

VALUE_LIMIT = 400


def table(header: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> str:
    """Aligned columns under a header in capitals; `empty` where there are no rows."""
    lines = [[word.upper() for word in header], *[list(row) for row in rows]]
    if len(lines) == 1:
        return empty
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def size(count: int) -> str:
    """Bytes as people say them: ``12.3 MB``."""
    number = float(count)
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def when(moment: datetime | None) -> str:
    """A time in the system's zone, "-" for None."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def seconds(began: datetime | None, ended: datetime | None) -> str:
    """How long something took, "" where it did not begin or end."""
    return f"{(ended - began).total_seconds():.1f} s" if began and ended else ""


def value(given: Json) -> str:
    """A value as JSON in one line, cut where it is long."""
    text = json.dumps(given, ensure_ascii=False)
    return text if len(text) <= VALUE_LIMIT else f"{text[:VALUE_LIMIT]}… ({size(len(text.encode()))} of JSON)"


def place(where: Place | None) -> str:
    """``notebook.ipynb, cell 3, line 1``, cells counted from 1; "" for None. What lies in no line has line 0."""
    if where is None:
        return ""
    cell = f", cell {where.cell + 1}" if where.cell is not None else ""
    return where.file + cell + (f", line {where.line}" if where.line else "")


def an_input(one: Input) -> str:
    """``seed: int = 7``."""
    text = f"{one.name}: {one.type}" + ("" if one.required else f" = {value(one.default)}")
    return text + (f"  ({one.description})" if one.description else "")


def publish_result(result: PublishResult) -> str:
    """Block, digest, bytes and seconds of a publish."""
    steps = ", ".join(f"{step} {took:.1f} s" for step, took in result.seconds.items())
    words = {
        "block": result.block.reference,
        "digest": result.block.digest,
        "proof": proof(result.block),
        "sent": f"{size(result.bytes_sent)} of {size(result.bytes_total)} ({result.bytes_sent} bytes)",
        "seconds": f"{sum(result.seconds.values()):.1f}" + (f" ({steps})" if steps else ""),
    }
    repairs = result.block.verification.repairs
    notes = [f"note: {note}" for note in result.notes if note not in repairs]
    return "\n".join([pairs(words), *[f"repaired: {one}" for one in repairs], *notes])


def proof(block: Block) -> str:
    """How the block was proven, with the evidence."""
    verdict = block.verification
    return f"{verdict.verdict}{': ' + verdict.evidence if verdict.evidence else ''}"


def blocks(found: Sequence[Block]) -> str:
    """A table of blocks."""
    return table(
        ("block", "proof", "size", "created", "description"),
        [
            (one.reference, one.verification.verdict, size(one.size), when(one.created), one.spec.description)
            for one in found
        ],
        "There are no blocks yet. Make one with: lentiq publish NOTEBOOK",
    )


def block(one: Block, versions: Sequence[Block]) -> str:
    """All of one version of a block, and which other versions there are."""
    spec = one.spec
    words = {
        "block": one.reference,
        "description": spec.description or "-",
        "image": one.image,
        "digest": one.digest,
        "created": f"{when(one.created)} by {one.author or 'unknown'}",
        "proof": proof(one),
        "base": f"{spec.base}{'' if one.complete else ' (its layers are not in the registry; runs with process only)'}",
        "resources": str(spec.resources),
        "size": size(one.size),
        "versions": ", ".join(other.version for other in versions),
    }
    lines = [pairs(words)]
    for title, items in {
        "inputs": [an_input(given) for given in spec.inputs],
        "outputs": [given.name for given in spec.outputs],
        "packages": [f"{package.name}=={package.version}  {package.witness}" for package in spec.packages],
        "repairs": list(one.verification.repairs),
        "end of the proof's log": one.verification.log.splitlines()[-10:],
    }.items():
        if items:
            lines += ["", title, *[f"  {item}" for item in items]]
    return "\n".join(lines)


def schedule(given: Schedule | None) -> str:
    """``every 1d``, ``cron 0 2 * * *``, ``once``, ``by hand``."""
    if given is None:
        return "by hand"
    return f"every {given.every}" if given.every else f"cron {given.cron}" if given.cron else "once"


def workflow_row(one: Workflow, next_start: datetime | None, last_run: str) -> tuple[str, ...]:
    """A row of `WORKFLOW_HEADER`."""
    repeats = schedule(one.schedule) + (" (paused)" if one.paused else "")
    return one.name, one.project, str(len(one.tasks)), repeats, when(next_start), last_run


WORKFLOW_HEADER = ("workflow", "project", "tasks", "schedule", "next start", "last run")


def runs(found: Sequence[Run]) -> str:
    """A table of runs."""
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
        "There are no runs yet. Start one with: lentiq run BLOCK",
    )


def why(run: Run) -> str:
    """Why a run is where it is: its own reason, else its first failed task's, else the first reason of a task."""
    failed = [one for one in run.tasks if one.state in (TaskState.FAILED, TaskState.LOST)]
    for one in failed or run.tasks:
        if one.reason and not run.reason:
            return f"{one.task.name}: {one.reason}"
    return run.reason


def run(one: Run) -> str:
    """All of one run: its tasks with states, reasons, figures and outputs."""
    words = {
        "run": one.id,
        "workflow": f"{one.workflow.name} (project {one.workflow.project})",
        "state": one.state + (" (cancelling)" if one.cancel_requested and not one.state.ended else ""),
        "due": when(one.due_at) if one.due_at else "started by hand",
        "created": when(one.created_at),
        "took": seconds(one.started_at, one.ended_at) or "-",
        "executor": one.executor,
    }
    if one.reason:
        words["reason"] = one.reason
    lines = [pairs(words)]
    for task in one.tasks:
        lines += ["", task_line(task)]
        lines += [f"  input {name} = {value(given)}" for name, given in (task.inputs or {}).items()]
        lines += [f"  output {name} = {value(given)}" for name, given in (task.outputs or {}).items()]
    return "\n".join(lines)


def task_line(one: TaskRun) -> str:
    """``train (train-classifier@1): FAILED after 3.2 s, peak 210.4 MB, exit code 1: cell 4 …``."""
    version = f"@{one.task.version}" if one.task.version else ""
    figures = [f"after {seconds(one.started_at, one.ended_at)}"] if one.started_at and one.ended_at else []
    if one.progress is not None:
        figures.append(f"{one.progress.done} of {one.progress.total} cells")
    if one.peak_memory_bytes:
        figures.append(f"peak {size(one.peak_memory_bytes)}")
    if one.exit_code:
        figures.append(f"exit code {one.exit_code}")
    text = f"{one.task.name} ({one.task.block}{version}): {one.state} {', '.join(figures)}".rstrip()
    return f"{text}: {one.reason}" if one.reason else text


def amount(cpu_millicores: int, memory_bytes: int) -> tuple[str, str]:
    """CPU and memory as `parse_cpu` and `parse_memory` read them."""
    return format_cpu(cpu_millicores), format_memory(memory_bytes)
