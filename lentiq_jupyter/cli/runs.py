"""``lentiq run`` and ``lentiq runs``."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import BadInput, NotebookError, NotFound
from ..model import RESULT_NOTEBOOK, BlockSpec, Json, Run, RunState, parse_value
from . import present
from .follow import follow, outputs, verdict
from .notebooks import resources
from .shell import Command, Group, LocalService, print_json, service, wants_json


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


def parse_inputs(spec: BlockSpec, given: tuple[str, ...]) -> dict[str, Json]:
    """The values of ``name=value`` words, typed by the block's inputs.

    Raises
    ------
    BadInput
        If a word has no ``=``, a name is unknown or given twice, or a value is not of its type.
    """
    known = {one.name: one for one in spec.inputs}
    values: dict[str, Json] = {}
    for word in given:
        name, equals, text = word.partition("=")
        if not equals:
            raise BadInput(f"{word!r} is not name=value.", "Write for example -i country=RO.")
        if name not in known:
            raise BadInput(f"Block {spec.name} has no input {name}.", f"Its inputs: {', '.join(known) or 'none'}.")
        if name in values:
            raise BadInput(f"Input {name} is given twice.", "Give it once.")
        values[name] = parse_value(known[name], text)
    return values


@click.group(cls=Group)
def runs() -> None:
    """See, follow, cancel and repeat runs; open executed notebooks."""


@runs.command("list", cls=Command, as_json=True)
@click.option("--project", metavar="P", help="Only of this project.")
@click.option("--workflow", metavar="W", help="Only of this workflow.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first.")
@click.pass_context
def list_runs(ctx: click.Context, project: str | None, workflow: str | None, limit: int) -> None:
    """List runs, newest first.

    \b
    Example:
      lentiq runs list --workflow nightly-sales --limit 5
    """
    found = service(ctx).runs(project=project, workflow=workflow, limit=limit)
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(present.runs(found))


@runs.command(cls=Command, as_json=True)
@click.argument("run_id", metavar="RUN")
@click.pass_context
def show(ctx: click.Context, run_id: str) -> None:
    """Show a run: its tasks, their states and reasons, inputs and outputs.

    \b
    Example:
      lentiq runs show 3f2a91c04b7e
    """
    found = service(ctx).run(run_id)
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(present.run(found))


@runs.command(cls=Command)
@click.argument("run_id", metavar="RUN")
@click.argument("task", required=False)
@click.option("--follow", "followed", is_flag=True, help="Go on until the run has ended; Ctrl-C only looks away.")
@click.pass_context
def logs(ctx: click.Context, run_id: str, task: str | None, followed: bool) -> None:
    """Print what the tasks of a run, or one TASK of it, have printed.

    \b
    Examples:
      lentiq runs logs 3f2a91c04b7e
      lentiq runs logs 3f2a91c04b7e train --follow
    """
    office = service(ctx)
    found = office.run(run_id)
    names = [one.task.name for one in found.tasks]
    if task is not None and task not in names:
        raise NotFound(f"Run {run_id} has no task {task}.", f"Its tasks: {', '.join(names) or 'none'}.")
    if followed:
        follow(office, run_id, say=say, log=click.echo, task=task, cancels=False)
        return
    for one in found.tasks:
        if one.started_at is None or task not in (None, one.task.name):
            continue
        for line in office.log(run_id, one.task.name).splitlines():
            click.echo(f"{one.task.name} | {line}" if task is None and len(names) > 1 else line)


@runs.command(cls=Command, as_json=True)
@click.argument("run_id", metavar="RUN")
@click.pass_context
def cancel(ctx: click.Context, run_id: str) -> None:
    """Ask a run to stop; its running tasks get ten seconds to end.

    \b
    Example:
      lentiq runs cancel 3f2a91c04b7e
    """
    found = service(ctx).cancel_run(run_id)
    if wants_json(ctx):
        print_json(found)
    elif found.state.ended:
        click.echo(f"Run {found.id} has ended: {found.state}.")
    else:
        click.echo(f"Run {found.id} is being cancelled.")


@runs.command(cls=Command, as_json=True)
@click.argument("run_id", metavar="RUN")
@click.option("--follow", "followed", is_flag=True, help="Follow it to its end; Ctrl-C cancels it.")
@click.pass_context
def rerun(ctx: click.Context, run_id: str, followed: bool) -> None:
    """Start the definition that a run used once more.

    \b
    Example:
      lentiq runs rerun 3f2a91c04b7e --follow
    """
    office = service(ctx)
    if not followed:
        started(ctx, office.rerun(run_id))
        return
    with office.ensure_scheduler():
        started_and_followed(ctx, office, office.rerun(run_id))


@runs.command("open", cls=Command)
@click.argument("run_id", metavar="RUN")
@click.argument("task")
@click.option("--html", is_flag=True, help="Convert it to a web page, and print that file's path.")
@click.pass_context
def open_notebook(ctx: click.Context, run_id: str, task: str, html: bool) -> None:
    """Print the path of the executed notebook of a TASK; of a running one, as far as it is.

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
    one = next(one for one in office.run(run_id).tasks if one.task.name == task)
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
