"""Records as text for people: pure functions from records to lines. Times are shown in the system's zone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from ..model import (
    Block,
    BlockDiff,
    BlockKind,
    BlockUse,
    Change,
    Drift,
    Input,
    Json,
    Output,
    Place,
    Provenance,
    PublishResult,
    Schedule,
    Workflow,
    format_cpu,
    format_memory,
)
from .plain import one_line, plain
from .shell import pairs

VALUE_LIMIT = 400


def table(header: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> str:
    """Aligned columns under a header in capitals; `empty` where there are no rows."""
    lines = [[word.upper() for word in header], *[[one_line(cell) for cell in row] for row in rows]]
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
    text = one_line(json.dumps(given, ensure_ascii=False))
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


def an_output(one: Output) -> str:
    """``score from /out/score.json``."""
    text = one.name + (f" from {one.source}" if one.source else "")
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
    return "\n".join([pairs(words), *[one_line(one) for one in (*[f"repaired: {one}" for one in repairs], *notes)]])


def proof(block: Block) -> str:
    """How the block was proven, with the evidence."""
    verdict = block.verification
    return f"{verdict.verdict}{': ' + verdict.evidence if verdict.evidence else ''}"


def blocks(
    found: Sequence[Block], empty: str = "There are no blocks yet. Make one with: lentiq publish NOTEBOOK"
) -> str:
    """A table of blocks; `empty` where there are none."""
    return table(
        ("block", "proof", "size", "created", "description"),
        [(one.reference, one.verification.verdict, size(one.size), when(one.created), _marked(one)) for one in found],
        empty,
    )


def _marked(one: Block) -> str:
    """The description, after a word where the version is deprecated."""
    return one.spec.description if one.deprecated is None else f"deprecated. {one.spec.description}"


def block(one: Block, versions: Sequence[Block], users: Sequence[BlockUse] = ()) -> str:
    """All of one version of a block, which other versions there are, and which tasks use it."""
    spec = one.spec
    incomplete = "" if one.complete else " (its layers are not in the registry; runs with process only)"
    ours = spec.kind is BlockKind.NOTEBOOK
    words = {
        "block": one.reference,
        "deprecated": one.deprecated,
        "description": spec.description or "-",
        "image": one.image if ours else spec.base,
        "digest": one.digest,
        "created": f"{when(one.created)} by {one.author or 'unknown'}",
        "source": source(one.provenance),
        "made by": one.provenance.tool,
        "proof": proof(one),
        "base": f"{spec.base}{incomplete}" if ours else "",
        "command": json.dumps(spec.command, ensure_ascii=False) if spec.command else "" if ours else "the image's own",
        "resources": str(spec.resources),
        "size": size(one.size) if ours else "",
        "versions": ", ".join(f"{v.version}{'' if v.deprecated is None else ' (deprecated)'}" for v in versions),
    }
    lines = [pairs({key: text for key, text in words.items() if text or (key == "deprecated" and text is not None)})]
    for title, items in {
        "inputs": [an_input(given) for given in spec.inputs],
        "outputs": [an_output(given) for given in spec.outputs],
        "environment": [f"{name}={text}" for name, text in spec.environment.items()],
        "used by": [f"{use.project}/{use.workflow}, task {use.task}" for use in users],
        "packages": [f"{package.name}=={package.version}  {package.witness}" for package in spec.packages],
        "repairs": list(one.verification.repairs),
        "end of the proof's log": plain(one.verification.log).splitlines()[-10:],
    }.items():
        if items:
            lines += ["", title, *[f"  {one_line(item)}".rstrip() for item in items]]
    return "\n".join(lines)


def source(given: Provenance) -> str:
    """``commit 1a2b3c4d of https://git.example.org/sales.git, and changes``; "" where nothing is known."""
    if not given.commit:
        return ""
    place = f" of {given.source}" if given.source else ""
    return f"commit {given.commit[:12]}{place}{', and changes to the notebook' if given.modified else ''}"


def block_diff(found: BlockDiff) -> str:
    """What differs between two versions, part by part."""
    old, new = found.old, found.new
    words = {
        "old": f"{old.reference}, {when(old.created)} by {old.author or 'unknown'}, {size(old.size)}",
        "new": f"{new.reference}, {when(new.created)} by {new.author or 'unknown'}, {size(new.size)}",
        "shared": f"{found.shared_layers} layers, {size(found.shared_bytes)}",
    }
    parts = {
        "settings": found.settings,
        "inputs": found.inputs,
        "outputs": found.outputs,
        "packages": found.packages,
        "files": found.files,
    }
    lines = [pairs(words)]
    for title, changes in parts.items():
        if changes:
            lines += ["", title, *[f"  {one_line(_change(one))}" for one in changes]]
    if found.cells:
        lines += ["", "notebook", *[f"  {line}".rstrip() for line in plain(found.cells).splitlines()]]
    if len(lines) == 1:
        lines += ["", "Nothing that runs differs."]
    return "\n".join(lines)


def drift(found: Drift, notebook: str) -> str:
    """How a notebook stands to its block, and what differs."""
    if found.block is None:
        return f"{notebook} is not published. Publish it with: lentiq publish {notebook}"
    reference = found.block.reference
    if found.same:
        lines = [f"The cells are those of {reference}."]
    else:
        count = found.changed_cells
        lines = [f"{count} cells differ from {reference}." if count != 1 else f"1 cell differs from {reference}."]
        lines += ["", *[f"  {line}".rstrip() for line in plain(found.cells).splitlines()]]
    if found.packages:
        lines += ["", "packages", *[f"  {one_line(_change(one))}" for one in found.packages]]
    elif found.packages is not None:
        lines += ["The packages are the same."]
    return "\n".join(lines)


def _change(one: Change) -> str:
    if one.old is None:
        return f"+ {one.name}  {one.new}"
    return f"- {one.name}  {one.old}" if one.new is None else f"~ {one.name}  {one.old} → {one.new}"


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


def amount(cpu_millicores: int, memory_bytes: int) -> tuple[str, str]:
    """CPU and memory as `parse_cpu` and `parse_memory` read them."""
    return format_cpu(cpu_millicores), format_memory(memory_bytes)
