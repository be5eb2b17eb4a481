"""``lentiq project``: quotas, and who waits for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import click

from ..errors import Conflict, NotFound
from ..model import Project, Resources, Run, TaskRun, TaskState, decode, parse_cpu, parse_memory
from . import present
from .plain import one_line
from .shell import Command, Group, LocalService, print_json, service, wants_json

ACTIVE_WINDOW = 1000
"""Among how many of the newest runs of a project those that go on are looked for."""
QUEUE_SHOWN = 20

_cpu = click.option("--cpu", metavar="AMOUNT", help="CPU of all its running tasks together, as in 8 or 500m.")
_memory = click.option("--memory", metavar="AMOUNT", help="Memory of all its running tasks together, as in 16Gi.")


@click.group(cls=Group)
def project() -> None:
    """List and make projects, and set their quotas of CPU and memory."""


@project.command("list", cls=Command, as_json=True)
@click.pass_context
def list_projects(ctx: click.Context) -> None:
    """List projects with their quotas and what they use now.

    \b
    Example:
      lentiq project list
    """
    found = service(ctx).projects()
    if wants_json(ctx):
        print_json(found)
        return
    rows = []
    for row in found:
        one, used = decode(Project, row["project"]), decode(Resources, row["used"])
        quota_cpu, quota_memory = present.amount(one.quota.cpu_millicores, one.quota.memory_bytes)
        used_cpu, used_memory = present.amount(used.cpu_millicores, used.memory_bytes)
        rows.append((one.name, f"{used_cpu} of {quota_cpu}", f"{used_memory} of {quota_memory}"))
    click.echo(present.table(("project", "cpu", "memory"), rows, "There are no projects yet."))


@project.command(cls=Command, as_json=True)
@click.argument("name")
@click.pass_context
def show(ctx: click.Context, name: str) -> None:
    """Show a project's quota, who holds how much of it, and who waits for it and why.

    \b
    Examples:
      lentiq project show team-a
      lentiq project show team-a --json
    """
    office = service(ctx)
    found, used = _find(office, name)
    active = [run for run in office.runs(project=name, limit=ACTIVE_WINDOW) if not run.state.ended]
    tasks = [(run, one) for run in active for one in run.tasks if not one.is_group]
    holding = [(run, one) for run, one in tasks if one.holds_resources]
    queue = _queue((run, one) for run, one in tasks if one.state is TaskState.PENDING)
    if wants_json(ctx):
        print_json(
            {
                "project": found,
                "used": used,
                "holding": [_task(run, one) for run, one in holding],
                "queue": [_task(run, one) for run, one in queue],
            }
        )
        return
    click.echo(f"project {found.name}\nquota   {found.quota}\nused    {used}")
    if not used.fits(found.quota):
        click.echo("        more than the quota: nothing is stopped, and nothing starts until it fits again")
    for run, one in holding:
        click.echo(f"  {one.task.resources}  {one.label} of {run.workflow.name}, run {run.id}")
    if queue:
        click.echo(f"queue   {len(queue)} waiting")
    for run, one in queue[:QUEUE_SHOWN]:
        reason = f": {one_line(one.reason)}" if one.reason else ""
        click.echo(f"  {one.task.resources}  {one.label} of {run.workflow.name}, run {run.id}{reason}")
    if len(queue) > QUEUE_SHOWN:
        click.echo(f"  and {len(queue) - QUEUE_SHOWN} more")


def _queue(waiting: Iterable[tuple[Run, TaskRun]]) -> list[tuple[Run, TaskRun]]:
    """By priority, then who has been ready for longest; workflows of one priority take turns besides."""
    last = datetime.max.replace(tzinfo=UTC)
    return sorted(waiting, key=lambda pair: (-pair[0].workflow.priority, pair[1].ready_at or last))


def _task(run: Run, one: TaskRun) -> dict[str, object]:
    return {
        "run": run.id,
        "workflow": run.workflow.name,
        "task": one.label,
        "state": one.state,
        "resources": one.task.resources,
        "ready_at": one.ready_at,
        "reason": one.reason,
    }


def _find(office: LocalService, name: str) -> tuple[Project, Resources]:
    for row in office.projects():
        one = decode(Project, row["project"])
        if one.name == name:
            return one, decode(Resources, row["used"])
    raise NotFound(f"There is no project {name}.", f"Make it with: lentiq project create {name} --cpu 2 --memory 4Gi")


@project.command(cls=Command, as_json=True)
@click.argument("name")
@_cpu
@_memory
@click.pass_context
def create(ctx: click.Context, name: str, cpu: str | None, memory: str | None) -> None:
    """Make a project with a quota.

    \b
    Example:
      lentiq project create team-a --cpu 8 --memory 16Gi
    """
    if cpu is None or memory is None:
        raise click.UsageError("A new project needs --cpu and --memory.", ctx)
    made = Project(name=name, quota=Resources(cpu_millicores=parse_cpu(cpu), memory_bytes=parse_memory(memory)))
    office = service(ctx)
    try:
        _find(office, name)
    except NotFound:
        _said(ctx, office.save_project(made))
        return
    raise Conflict(f"Project {name} exists.", f"Change its quota with: lentiq project set {name}")


@project.command("set", cls=Command, as_json=True)
@click.argument("name")
@_cpu
@_memory
@click.pass_context
def set_quota(ctx: click.Context, name: str, cpu: str | None, memory: str | None) -> None:
    """Change a project's quota; what runs goes on.

    \b
    Example:
      lentiq project set team-a --memory 32Gi
    """
    if cpu is None and memory is None:
        raise click.UsageError("Give --cpu, --memory or both.", ctx)
    office = service(ctx)
    quota = _find(office, name)[0].quota
    changed = Resources(
        cpu_millicores=parse_cpu(cpu) if cpu else quota.cpu_millicores,
        memory_bytes=parse_memory(memory) if memory else quota.memory_bytes,
    )
    _said(ctx, office.save_project(Project(name=name, quota=changed)))


def _said(ctx: click.Context, saved: Project) -> None:
    if wants_json(ctx):
        print_json(saved)
    else:
        click.echo(f"Project {saved.name} has {saved.quota}.")
