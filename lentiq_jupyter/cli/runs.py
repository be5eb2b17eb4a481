"""``lentiq run`` and ``lentiq runs``."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import click

from ..errors import NotebookError, NotFound
from ..model import RESULT_NOTEBOOK, Resources, Run, RunState
from . import run_text, timeline
from .follow import follow, outputs, verdict
from .given_inputs import parse_inputs
from .log_lines import LogLines, matching
from .notebooks import resources
from .shell import Command, Group, LocalService, print_json, service, wants_json

STATE_WINDOW = 1000
"""Among how many of the newest runs those of a state are looked for."""


def say(line: str) -> None:
    """State changes go to stderr, so that stdout holds logs and outputs only."""
    click.echo(line, err=True)


def end(ctx: click.Context, run: Run) -> None:
    """Print the outputs of a followed run and leave with exit code 0 only if it succeeded."""
    if wants_json(ctx):
        print_json(run)
    else:
        for line in outputs(run):
            click.echo(line)
    if run.state is not RunState.SUCCEEDED:
        click.echo(f"lentiq: {verdict(run)}", err=True)
        ctx.exit(1)


def started(ctx: click.Context, run: Run) -> None:
    """Say that a run was started which nobody follows here."""
    if wants_json(ctx):
        print_json(run)
    else:
        click.echo(f"Started run {run.id}. See it with: lentiq runs show {run.id}")


def started_and_followed(ctx: click.Context, office: LocalService, run: Run) -> None:
    """Follow a run that was just started to its end, printing states, logs and outputs."""
    quiet = wants_json(ctx)
    end(ctx, follow(office, run.id, say=(lambda line: None) if quiet else say, log=None if quiet else click.echo))


@click.command(cls=Command, as_json=True)
@click.argument("reference", metavar="BLOCK[@VERSION]")
@click.option("-i", "--input", "given", metavar="NAME=VALUE", multiple=True, help="An input's value. Repeatable.")
@click.option("--cpu", metavar="AMOUNT", help="CPU it gets, as in 500m or 2. Default: the block's own.")
@click.option("--memory", metavar="AMOUNT", help="Memory it gets, as in 1Gi. Default: the block's own.")
@click.option("--project", metavar="P", default="default", show_default=True, help="Whose quota it runs under.")
@click.option("--no-follow", is_flag=True, help="Only start it; a scheduler must be at work for it to go on.")
@click.pass_context
def run(
    ctx: click.Context,
    reference: str,
    given: tuple[str, ...],
    cpu: str | None,
    memory: str | None,
    project: str,
    no_follow: bool,
) -> None:
    """Run one block and follow it to its end. The exit code is 0 only if it succeeded; Ctrl-C cancels it.

    \b
    Examples:
      lentiq run clean-sales -i country=RO -i days=7
      lentiq run clean-sales@3 --cpu 2 --memory 4Gi --json
      lentiq run clean-sales --executor docker --no-follow
    """
    office = service(ctx)
    asked = resources(cpu, memory)
    inputs = parse_inputs(office.block(reference).spec, given)
    if no_follow:
        started(ctx, office.run_block(reference, inputs, resources=asked, project=project))
        return
    with office.ensure_scheduler():
        started_and_followed(ctx, office, office.run_block(reference, inputs, resources=asked, project=project))


@click.group(cls=Group)
def runs() -> None:
    """See, follow, cancel and repeat runs; read logs, see timelines, open executed notebooks."""


@runs.command("list", cls=Command, as_json=True)
@click.option("--project", metavar="P", help="Only of this project.")
@click.option("--workflow", metavar="W", help="Only of this workflow.")
@click.option(
    "--state",
    "states",
    type=click.Choice([str(state) for state in RunState], case_sensitive=False),
    multiple=True,
    help="Only in this state; looked for among the newest 1000. Repeatable.",
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first.")
@click.pass_context
def list_runs(
    ctx: click.Context, project: str | None, workflow: str | None, states: tuple[str, ...], limit: int
) -> None:
    """List runs, newest first.

    \b
    Examples:
      lentiq runs list --workflow nightly-sales --limit 5
      lentiq runs list --project team-a --state failed --state skipped
    """
    asked = max(limit, STATE_WINDOW) if states else limit
    found = service(ctx).runs(project=project, workflow=workflow, limit=asked)
    if states:
        found = [one for one in found if one.state in states][:limit]
    if wants_json(ctx):
        print_json(found)
    elif states or project or workflow:
        click.echo(run_text.runs(found, "No run is like that. See all with: lentiq runs list"))
    else:
        click.echo(run_text.runs(found))


@runs.command(cls=Command, as_json=True)
@click.argument("run_id", metavar="RUN")
@click.pass_context
def show(ctx: click.Context, run_id: str) -> None:
    """Show a run: its tasks with attempts and items, states and reasons, what they used, inputs and outputs.

    A task that waits says for what; one that asks for much more CPU or memory than past runs used, or much
    less, says that too.

    \b
    Examples:
      lentiq runs show 3f2a91c04b7e
      lentiq runs show 3f2a91c04b7e --json
    """
    office = service(ctx)
    found = office.run(run_id)
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(run_text.run(found, _proposals(office, found)))


def _proposals(office: LocalService, run: Run) -> dict[str, Resources]:
    """What past runs of the blocks of a run suggest, where something was measured."""
    found: dict[str, Resources] = {}
    for reference in {f"{one.block}@{one.version}" for one in run.workflow.tasks if one.version}:
        try:
            proposed = office.propose_resources(reference)
        except NotFound:  # the block was removed since
            continue
        if proposed is not None:
            found[reference] = proposed
    return found


@runs.command("timeline", cls=Command, as_json=True)
@click.argument("run_id", metavar="RUN")
@click.pass_context
def show_timeline(ctx: click.Context, run_id: str) -> None:
    """Draw when each task, item and attempt of a run waited, and when it ran.

    \b
    Examples:
      lentiq runs timeline 3f2a91c04b7e
      lentiq runs timeline 3f2a91c04b7e --json
    """
    found, now = service(ctx).run(run_id), datetime.now(UTC)
    if wants_json(ctx):
        print_json(timeline.document(found, now))
    else:
        click.echo(timeline.chart(found, now, shutil.get_terminal_size().columns))


@runs.command(cls=Command)
@click.argument("run_id", metavar="RUN")
@click.argument("task", required=False)
@click.option("--follow", "followed", is_flag=True, help="Go on until it has ended; Ctrl-C only looks away.")
@click.pass_context
def logs(ctx: click.Context, run_id: str, task: str | None, followed: bool) -> None:
    """Print what the tasks of a run, or one TASK of it, have printed.

    TASK is a task with all its items and attempts, an item (train.3), or one attempt (train@2, train.3@2).

    \b
    Examples:
      lentiq runs logs 3f2a91c04b7e
      lentiq runs logs 3f2a91c04b7e train --follow
      lentiq runs logs 3f2a91c04b7e train.3@1
    """
    office = service(ctx)
    found = office.run(run_id)
    if task is not None and not matching(found, task):
        names = dict.fromkeys(one.task.name for one in found.tasks)
        raise NotFound(f"Run {run_id} has no task {task}.", f"Its tasks: {', '.join(names) or 'none'}.")
    if followed:
        follow(office, run_id, say=say, log=click.echo, task=task, cancels=False)
    else:
        LogLines(office, click.echo, say).read(found, task, whole=True)


@runs.command(cls=Command, as_json=True)
@click.argument("run_id", metavar="RUN")
@click.argument("task", required=False)
@click.pass_context
def cancel(ctx: click.Context, run_id: str, task: str | None) -> None:
    """Ask a run to stop, or one TASK of it with all its items; what runs gets ten seconds to end.

    \b
    Examples:
      lentiq runs cancel 3f2a91c04b7e
      lentiq runs cancel 3f2a91c04b7e train
    """
    found = service(ctx).cancel_run(run_id, task)
    if wants_json(ctx):
        print_json(found)
    elif found.state.ended:
        click.echo(f"Run {found.id} has ended: {found.state}.")
    elif task is not None:
        over = all(one.state.ended for one in matching(found, task))
        click.echo(f"Task {task} of run {found.id} {'has ended' if over else 'is being cancelled'}.")
    else:
        click.echo(f"Run {found.id} is being cancelled.")


@runs.command(cls=Command, as_json=True)
@click.argument("run_id", metavar="RUN")
@click.option("--from-failed", is_flag=True, help="Take the results of what had succeeded, and do only the rest.")
@click.option("--follow", "followed", is_flag=True, help="Follow it to its end; Ctrl-C cancels it.")
@click.pass_context
def rerun(ctx: click.Context, run_id: str, from_failed: bool, followed: bool) -> None:
    """Start the definition that a run used once more.

    \b
    Examples:
      lentiq runs rerun 3f2a91c04b7e --follow
      lentiq runs rerun 3f2a91c04b7e --from-failed
    """
    office = service(ctx)
    if not followed:
        started(ctx, office.rerun(run_id, from_failed=from_failed))
        return
    with office.ensure_scheduler():
        started_and_followed(ctx, office, office.rerun(run_id, from_failed=from_failed))


@runs.command("open", cls=Command)
@click.argument("run_id", metavar="RUN")
@click.argument("task")
@click.option("--html", is_flag=True, help="Convert it to a web page, and print that file's path.")
@click.pass_context
def open_notebook(ctx: click.Context, run_id: str, task: str, html: bool) -> None:
    """Print the path of the executed notebook of a TASK (or train.3, train@2); of a running one, as far as it is.

    \b
    Examples:
      jupyter lab "$(lentiq runs open 3f2a91c04b7e train)"
      lentiq runs open 3f2a91c04b7e train --html
    """
    path = executed_notebook(service(ctx), run_id, task)
    click.echo(as_web_page(path) if html else path)


def executed_notebook(office: LocalService, run_id: str, task: str) -> Path:
    """Where the executed notebook of a task lies.

    Raises
    ------
    NotFound
        If there is no such run or task, or it has not begun.
    """
    office.notebook(run_id, task)  # collects what a running task has written so far
    one = max(matching(office.run(run_id), task), key=lambda one: one.attempt)
    return office.results(one) / RESULT_NOTEBOOK


def as_web_page(path: Path) -> Path:
    """Write a notebook as HTML beside it, and return that file's path.

    Raises
    ------
    NotebookError
        If it is not a notebook.
    """
    import nbformat
    from nbconvert import HTMLExporter

    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (ValueError, nbformat.reader.NotJSONError) as error:
        raise NotebookError(f"{path} is not a notebook.", "Run the task again.") from error
    page, _ = HTMLExporter().from_notebook_node(notebook)
    target = path.with_suffix(".html")
    target.write_text(page, encoding="utf-8")
    return target
