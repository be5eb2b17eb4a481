"""``lentiq workflow``."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, cast

import click

from ..errors import BadInput, NotFound
from ..model import Json, Workflow, decode
from . import present, starting
from .given_inputs import task_inputs
from .plain import one_line
from .runs import started, started_and_followed
from .shell import Command, Group, LocalService, print_json, service, wants_json

_project = click.option("--project", metavar="P", default="default", show_default=True, help="The workflow's project.")


@click.group(cls=Group)
def workflow() -> None:
    """Save workflows from files, start, backfill and pause them, see when they start next."""


@workflow.command(cls=Command, as_json=True)
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--project", metavar="P", default="default", show_default=True, help="For files that name no project.")
@click.pass_context
def apply(ctx: click.Context, file: TextIO, project: str) -> None:
    """Save the workflow that a YAML FILE describes; - reads standard input.

    Blocks without a version are pinned to their newest one. A workflow that is paused stays paused.

    \b
    Examples:
      lentiq workflow apply nightly.yaml
      lentiq workflow export nightly-sales | sed s/1Gi/2Gi/ | lentiq workflow apply -
    """
    from ..workspace.workflow_file import read_workflow

    try:
        text = file.read()
    except UnicodeDecodeError as error:
        raise BadInput(f"{file.name} is not text in UTF-8.", "Save it as UTF-8.") from error
    office = service(ctx)
    saved = office.save_workflow(_still_paused(office, read_workflow(text, project=project)))
    if wants_json(ctx):
        print_json(saved)
        return
    click.echo(f"Saved {saved.name} in project {saved.project}, revision {saved.revision}.")
    if saved.paused:
        click.echo(f"It is paused. Resume it with: lentiq workflow resume {saved.name}")
    elif saved.schedule is not None:
        upcoming = _next_start(office, saved)
        click.echo(f"Next start: {present.when(upcoming)}" if upcoming else "It has no start to come.")
    else:
        click.echo(f"It has no schedule. Start it with: lentiq workflow start {saved.name}")


def _still_paused(office: LocalService, given: Workflow) -> Workflow:
    try:
        stored = office.workflow(given.name, given.project)
    except NotFound:
        return given
    return dataclasses.replace(given, paused=given.paused or stored.paused)


def _deprecated(office: LocalService, given: Workflow) -> list[str]:
    """A sentence for each task whose version should not be used any more."""
    notes = []
    for task in given.tasks:
        try:
            block = office.block(f"{task.block}@{task.version}" if task.version else task.block)
        except NotFound:  # a fault, said already
            continue
        if block.deprecated is not None:
            notes.append(one_line(f"task {task.name}: {block.reference} is deprecated: {block.deprecated}"))
    return notes


def _next_start(office: LocalService, saved: Workflow) -> datetime | None:
    for row in office.workflows(saved.project):
        one, upcoming, _ = _row(row)
        if one.name == saved.name:
            return upcoming
    return None


def _row(row: dict[str, Json]) -> tuple[Workflow, datetime | None, str]:
    """Workflow, next start and a word about the last run, from an element of `Service.workflows`."""
    upcoming = row["next_start"]
    last = cast("dict[str, str] | None", row["last_run"])
    return (
        decode(Workflow, row["workflow"]),
        datetime.fromisoformat(cast(str, upcoming)) if upcoming else None,
        f"{last['state']} ({last['id']})" if last else "-",
    )


@workflow.command("list", cls=Command, as_json=True)
@click.option("--project", metavar="P", help="Only of this project.")
@click.pass_context
def list_workflows(ctx: click.Context, project: str | None) -> None:
    """List workflows with their next start and last run.

    \b
    Example:
      lentiq workflow list --project team-a
    """
    found = service(ctx).workflows(project)
    if wants_json(ctx):
        print_json(found)
        return
    rows = [present.workflow_row(*_row(row)) for row in found]
    click.echo(
        present.table(present.WORKFLOW_HEADER, rows, "There are no workflows yet. Save one with: lentiq workflow apply")
    )


@workflow.command(cls=Command, as_json=True)
@click.argument("name")
@_project
@click.pass_context
def show(ctx: click.Context, name: str, project: str) -> None:
    """Show a workflow and its next starts.

    \b
    Example:
      lentiq workflow show nightly-sales
    """
    from ..workspace.workflow_file import write_workflow

    office = service(ctx)
    found = office.workflow(name, project)
    if wants_json(ctx):
        print_json(found)
        return
    click.echo(write_workflow(found), nl=False)
    click.echo(f"# revision {found.revision}")
    check = office.check_workflow(found)
    for fault in check.faults:
        click.echo(f"# fault: {fault}")
    for note in _deprecated(office, found):
        click.echo(f"# {note}")
    for start in () if found.paused else check.next_starts:
        click.echo(f"# starts {start.isoformat(timespec='minutes')}")


@workflow.command(cls=Command, as_json=True)
@click.argument("name")
@_project
@click.option(
    "-i", "--input", "given", metavar="TASK.INPUT=VALUE", multiple=True, help="A value for this run alone. Repeatable."
)
@click.option("--follow", "followed", is_flag=True, help="Follow the run to its end; Ctrl-C cancels it.")
@click.pass_context
def start(ctx: click.Context, name: str, project: str, given: tuple[str, ...], followed: bool) -> None:
    """Start a workflow now, also if it is paused.

    \b
    Examples:
      lentiq workflow start nightly-sales
      lentiq workflow start nightly-sales -i clean.country=MD -i train.rows=1000 --follow
    """
    office = service(ctx)
    inputs = task_inputs(office, office.workflow(name, project), given) if given else None
    if not followed:
        started(ctx, office.start_workflow(name, project, inputs=inputs))
        return
    with office.ensure_scheduler():
        started_and_followed(ctx, office, office.start_workflow(name, project, inputs=inputs))


@workflow.command(cls=Command, as_json=True)
@click.argument("name")
@_project
@click.option("--from", "first", metavar="TIME", help="The first start asked for, or a time or day before it.")
@click.option("--to", "last", metavar="TIME", help="The last one, or a time after it; a day means all of it.")
@click.option("--withdraw", is_flag=True, help="Forget the starts that still wait; what runs goes on.")
@click.pass_context
def backfill(ctx: click.Context, name: str, project: str, first: str | None, last: str | None, withdraw: bool) -> None:
    """Run a workflow for each start that its schedule had in a time gone by, or see which of these still wait.

    The runs come one after another, earliest first, whenever no other run of the workflow is active. Starts
    that have a run already are left out. Times are read in the schedule's time zone.

    \b
    Examples:
      lentiq workflow backfill nightly-sales --from 2026-11-01 --to 2026-11-30
      lentiq workflow backfill nightly-sales
      lentiq workflow backfill nightly-sales --withdraw
    """
    if withdraw and (first or last):
        raise click.UsageError("--withdraw takes no times.", ctx)
    if bool(first) != bool(last):
        raise click.UsageError("Give both --from and --to.", ctx)
    office = service(ctx)
    found = office.workflow(name, project)
    if withdraw:
        count = office.withdraw_backfill(name, project)
        if wants_json(ctx):
            print_json({"withdrawn": count})
        else:
            click.echo(f"Withdrew {starting.count(count)} of {name}.")
    elif first and last:
        zone = starting.zone_of(found)
        begin, end = starting.read_time(first, zone), starting.read_time(last, zone, end_of_day=True)
        added = office.backfill_workflow(name, project, first=begin, last=end)
        if wants_json(ctx):
            print_json(added)
        else:
            click.echo(starting.backfilled(found, added))
    else:
        waiting = office.requested_starts(name, project)
        if wants_json(ctx):
            print_json(waiting)
        else:
            click.echo(starting.waiting(found, waiting))


@workflow.command("preview", cls=Command, as_json=True)
@click.argument("name")
@_project
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many starts.")
@click.pass_context
def preview_starts(ctx: click.Context, name: str, project: str, count: int) -> None:
    """Show the next starts of a workflow in its own time zone, and what changes of the clocks do to them.

    \b
    Examples:
      lentiq workflow preview nightly-sales
      lentiq workflow preview nightly-sales -n 30 --json
    """
    found = service(ctx).workflow(name, project)
    starts = starting.next_starts(found, datetime.now(UTC), count)
    if wants_json(ctx):
        print_json(starts)
    else:
        click.echo(starting.preview(found, starts))


@workflow.command(cls=Command, as_json=True)
@click.argument("name")
@_project
@click.pass_context
def pause(ctx: click.Context, name: str, project: str) -> None:
    """Start nothing by schedule until resumed; what runs goes on, and a backfill waits.

    \b
    Example:
      lentiq workflow pause nightly-sales
    """
    _pause(ctx, name, project, True)


@workflow.command(cls=Command, as_json=True)
@click.argument("name")
@_project
@click.pass_context
def resume(ctx: click.Context, name: str, project: str) -> None:
    """Follow the schedule again.

    \b
    Example:
      lentiq workflow resume nightly-sales
    """
    _pause(ctx, name, project, False)


def _pause(ctx: click.Context, name: str, project: str, paused: bool) -> None:
    office = service(ctx)
    saved = office.pause_workflow(name, project, paused=paused)
    if wants_json(ctx):
        print_json(saved)
    elif paused:
        click.echo(f"{saved.name} is paused.")
    else:
        click.echo(f"{saved.name} goes on. Next start: {present.when(_next_start(office, saved))}")


@workflow.command(cls=Command)
@click.argument("name")
@_project
@click.pass_context
def delete(ctx: click.Context, name: str, project: str) -> None:
    """Delete a workflow; its runs stay. Starts of its backfill that wait are withdrawn.

    \b
    Example:
      lentiq workflow delete nightly-sales
    """
    service(ctx).delete_workflow(name, project)
    click.echo(f"Deleted {name}; its runs stay.")


@workflow.command(cls=Command)
@click.argument("name")
@_project
@click.option(
    "--into", metavar="FILE", type=click.Path(dir_okay=False), help="Write it into this file, whose comments stay."
)
@click.pass_context
def export(ctx: click.Context, name: str, project: str, into: str | None) -> None:
    """Print a workflow as the YAML file that `apply` reads.

    \b
    Examples:
      lentiq workflow export nightly-sales > nightly.workflow.yaml
      lentiq workflow export nightly-sales --into nightly.workflow.yaml
    """
    from ..workspace.workflow_file import write_workflow
    from ..workspace.workflow_rewriting import rewrite_workflow

    found = service(ctx).workflow(name, project)
    if into is None:
        click.echo(write_workflow(found), nl=False)
        return
    path = Path(into)
    try:
        # Bytes: newline translation would change lines that nobody touched.
        base = path.read_bytes().decode() if path.exists() else ""
    except UnicodeDecodeError as error:
        raise BadInput(f"{into} is not text in UTF-8.", "Save it as UTF-8.") from error
    path.write_bytes(rewrite_workflow(found, base).encode())
