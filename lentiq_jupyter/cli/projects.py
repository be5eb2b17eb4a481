"""``lentiq project``: quotas."""

from __future__ import annotations

import click

from ..errors import Conflict, NotFound
from ..model import Project, Resources, decode, parse_cpu, parse_memory
from . import present
from .shell import Command, Group, LocalService, print_json, service, wants_json

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
    """Show a project's quota and who holds how much of it.

    \b
    Example:
      lentiq project show team-a
    """
    office = service(ctx)
    found, used = _find(office, name)
    if wants_json(ctx):
        print_json({"project": found, "used": used})
        return
    click.echo(f"project {found.name}\nquota   {found.quota}\nused    {used}")
    for run in office.runs(project=name):
        for one in run.tasks:
            if one.state.holds_resources:
                click.echo(f"  {one.task.resources}  {one.task.name} of {run.workflow.name}, run {run.id}")


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
