"""``lentiq demo``: the main job on two starter notebooks, start to end, over the service like any other face."""

from __future__ import annotations

import dataclasses
import importlib.util
import shlex
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from ..assets import template
from ..errors import NotFound, Unavailable
from ..model import Block, Json, PublishRequest, Resources, Run, RunState, Schedule, Task, Workflow
from . import present
from .follow import follow, outputs, verdict
from .notebooks import publish_shown
from .runs import executed_notebook
from .shell import Command, LocalService, service

NOTEBOOKS = ("prepare-wine", "train-classifier")
MODULES = ("matplotlib", "pandas", "sklearn")
WORKFLOW = "wine-demo"
PROJECT = "default"
START_WAIT_S = 120.0
"""Seconds for a scheduler to start what is due: four of the usual ticks."""


@click.command(cls=Command)
@click.option("--base", metavar="IMAGE", help="Base image of the blocks. Default: python:X.Y-slim.")
@click.pass_context
def demo(ctx: click.Context, base: str | None) -> None:
    """Publish two starter notebooks as blocks, compose a workflow of them, and let the scheduler run it.

    Needs no Docker, no registry and no database server. It can be repeated; notebooks you changed are kept.

    \b
    Examples:
      lentiq demo
      lentiq demo --home /tmp/lentiq
      lentiq demo --registry localhost:5000 --executor docker
    """
    office = service(ctx)
    status = office.status()
    folder = Path(str(status["home"])) / "demo"
    click.echo(
        "This publishes two notebooks as blocks, composes a workflow in which the second takes an output of the\n"
        "first, and lets the scheduler run it.\n"
        f"  notebooks  {folder}\n  registry   {status['registry']}\n  executor   {status['executor']}"
    )
    began = time.monotonic()
    _title("1. The notebooks")
    paths = [copy_notebook(name, folder) for name in NOTEBOOKS]

    _title("2. Notebooks to blocks")
    no_kernel = not all(importlib.util.find_spec(name) for name in MODULES)
    if no_kernel:
        click.echo(
            "This Python has not all of pandas, scikit-learn and matplotlib, so the blocks get the newest versions\n"
            "that uv finds, not those of a kernel."
        )
    prepare, train = [_publish(office, path, no_kernel, base) for path in paths]

    _title("3. Blocks to a workflow")
    run = _run_workflow(office, compose(office, prepare, train))
    if run.state is not RunState.SUCCEEDED:
        click.echo(f"lentiq: {verdict(run)}. See its log with: lentiq runs logs {run.id}", err=True)
        ctx.exit(1)

    _title("4. What came out")
    for line in outputs(run):
        click.echo(line)
    _title("5. Where things are")
    click.echo(_places(office, run, [prepare, train], folder))
    click.echo(f"\nDone in {time.monotonic() - began:.0f} s.")


def _title(text: str) -> None:
    click.echo(f"\n{text}")


def copy_notebook(name: str, folder: Path) -> Path:
    """Copy a starter notebook into `folder` unless one of that name is there; returns its path."""
    source, target = template(f"blocks/{name}.ipynb"), folder / f"{name}.ipynb"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        click.echo(f"copied {target}")
    elif target.read_bytes() == source.read_bytes():
        click.echo(f"is there {target}")
    else:
        click.echo(f"kept {target}, which you changed")
    return target


def _publish(office: LocalService, path: Path, no_kernel: bool, base: str | None) -> Block:
    result = publish_shown(office, PublishRequest(path=str(path), no_kernel=no_kernel, base=base))
    took = sum(result.seconds.values())
    click.echo(
        f"{result.block.reference}: {present.proof(result.block)}; "
        f"{present.size(result.bytes_sent)} of {present.size(result.bytes_total)} sent, {took:.1f} s"
    )
    for note in result.notes:
        click.echo(f"  note: {note}")
    return result.block


def compose(office: LocalService, prepare: Block, train: Block) -> Workflow:
    """The demo's workflow: new, due a minute ago and then every day; or as it is stored, with these blocks."""
    small = Resources(cpu_millicores=500, memory_bytes=2**30)
    table: dict[str, Json] = {"table": "${{ tasks.prepare.outputs.table }}"}
    tasks = (
        Task(name="prepare", block=prepare.spec.name, version=prepare.version, resources=small),
        Task(name="train", block=train.spec.name, version=train.version, inputs=table, resources=small),
    )
    try:
        stored = office.workflow(WORKFLOW, PROJECT)
    except NotFound:
        due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
        return Workflow(
            name=WORKFLOW,
            project=PROJECT,
            description="The demo: prepare the wine table, then train a classifier on it.",
            tasks=tasks,
            schedule=Schedule(start=due, every="1d"),
        )
    return dataclasses.replace(stored, tasks=tasks, paused=True)


def _run_workflow(office: LocalService, workflow: Workflow) -> Run:
    """Save the workflow, see one run of it to its end, and leave it paused."""
    first = workflow.revision == 0
    click.echo("prepare -> train: train gets the table that prepare gives out.")
    with office.ensure_scheduler():
        saved = office.save_workflow(workflow)
        try:
            if first:
                click.echo("Its start lies a minute back, and it repeats every day: the scheduler starts it at once.")
                run = _first_run(office, saved)
            else:
                click.echo("It was there already: started by hand.")
                run = office.start_workflow(saved.name, saved.project)
            ended = follow(office, run.id, say=click.echo)
        finally:
            if first:
                office.pause_workflow(saved.name, saved.project)
    click.echo(f"{saved.name} is paused now, so that it does not run every day. Go on with it by:")
    click.echo(f"  lentiq workflow resume {saved.name}")
    return ended


def _first_run(office: LocalService, workflow: Workflow) -> Run:
    deadline = time.monotonic() + START_WAIT_S
    while time.monotonic() < deadline:
        found = office.runs(project=workflow.project, workflow=workflow.name, limit=1)
        if found:
            return found[0]
        time.sleep(0.1)
    raise Unavailable(
        f"The scheduler did not start {workflow.name} within {START_WAIT_S:.0f} s.", "See who it is with: lentiq status"
    )


def _places(office: LocalService, run: Run, blocks: list[Block], folder: Path) -> str:
    """Where blocks, Dockerfiles and executed notebooks are, and how to open them."""
    lines = [f"blocks, in {office.status()['registry']}"]
    for block in blocks:
        path = folder / f"{block.spec.name}.Dockerfile"
        path.write_text(office.dockerfile(block.reference), encoding="utf-8")
        lines += [f"  {block.reference}  {block.digest}", f"  its Dockerfile  {path}"]
    lines.append("executed notebooks; open one with")
    lines += [
        f"  jupyter lab {shlex.quote(str(executed_notebook(office, run.id, one.task.name)))}" for one in run.tasks
    ]
    lines += ["the notebooks themselves, to change one and repeat", f"  jupyter lab {shlex.quote(str(folder))}"]
    return "\n".join(lines)
