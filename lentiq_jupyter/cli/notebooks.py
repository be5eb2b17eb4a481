"""``lentiq inspect`` and ``lentiq publish``."""

from __future__ import annotations

import click

from ..errors import BadInput
from ..model import PublishRequest, PublishResult, Reporter, Resources, parse_cpu, parse_memory
from . import present
from .follow import StepLines
from .shell import Command, LocalService, interruptible, print_json, service, wants_json


@click.command(cls=Command, as_json=True)
@click.argument("notebook", type=click.Path())
@click.option("--kernel", metavar="NAME", help="Ask this kernel's environment. Default: the notebook's own.")
@click.option("--no-kernel", is_flag=True, help="Ask no kernel; the package index says which versions there are.")
@click.option("--requirements", is_flag=True, help="Print nothing but the pinned requirement lines.")
@click.pass_context
def inspect(ctx: click.Context, notebook: str, kernel: str | None, no_kernel: bool, requirements: bool) -> None:
    """Show what packaging a NOTEBOOK would find. None of its code is run.

    \b
    Examples:
      lentiq inspect sales.ipynb
      lentiq inspect sales.ipynb --requirements > requirements.txt
      lentiq inspect sales.ipynb --no-kernel --json
    """
    _one_kernel(kernel, no_kernel)
    found = service(ctx).inspect(notebook, kernel=kernel, no_kernel=no_kernel)
    if wants_json(ctx):
        print_json(found)
    elif requirements:
        click.echo(found.lock.requirements.rstrip("\n") if found.lock else "")
    else:
        click.echo(present.inspection(found))


@click.command(cls=Command, as_json=True)
@click.argument("notebook", type=click.Path())
@click.option("--name", metavar="N", help="The block's name. Default: from the file's name.")
@click.option("--version", metavar="V", help="The block's version. Default: the next number.")
@click.option("--description", metavar="TEXT", default="", help="One line about what the block does.")
@click.option("--builder", type=click.Choice(["layers", "docker"]), help="Packed layers without Docker, or Docker.")
@click.option("--base", metavar="IMAGE", help="Base image; it needs the kernel's Python version.")
@click.option("--kernel", metavar="NAME", help="Take package versions from this kernel. Default: the notebook's own.")
@click.option("--no-kernel", is_flag=True, help="Ask no kernel; the newest versions of the package index are taken.")
@click.option("--add", metavar="REQUIREMENT", multiple=True, help="A package to add, as in pyarrow>=15. Repeatable.")
@click.option("--remove", metavar="PACKAGE", multiple=True, help="A package to leave out. Repeatable.")
@click.option("--exclude", metavar="FILE", multiple=True, help="A file to leave out. Repeatable.")
@click.option("--cpu", metavar="AMOUNT", help="Default CPU of its tasks, as in 500m or 2.")
@click.option("--memory", metavar="AMOUNT", help="Default memory of its tasks, as in 1Gi.")
@click.option("--no-verify", is_flag=True, help="Do not run the block to prove it; it is marked as not proven.")
@click.pass_context
def publish(
    ctx: click.Context,
    notebook: str,
    name: str | None,
    version: str | None,
    description: str,
    builder: str | None,
    base: str | None,
    kernel: str | None,
    no_kernel: bool,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    exclude: tuple[str, ...],
    cpu: str | None,
    memory: str | None,
    no_verify: bool,
) -> None:
    """Make a reusable block of a NOTEBOOK and register it.

    \b
    Examples:
      lentiq publish sales.ipynb
      lentiq publish sales.ipynb --name clean-sales --version 1.0 --memory 2Gi
      lentiq publish sales.ipynb --registry registry.example.org/team --builder docker
    """
    _one_kernel(kernel, no_kernel)
    request = PublishRequest(
        path=notebook,
        name=name,
        version=version,
        description=description,
        kernel=kernel,
        no_kernel=no_kernel,
        base=base,
        builder=builder,
        add=add,
        remove=remove,
        exclude_files=exclude,
        resources=resources(cpu, memory),
        verify=not no_verify,
    )
    result = publish_shown(service(ctx), request)
    if wants_json(ctx):
        print_json(result)
    else:
        click.echo(present.publish_result(result))


def publish_shown(office: LocalService, request: PublishRequest) -> PublishResult:
    """Publish, with its progress on stderr; Ctrl-C stops it."""
    lines = StepLines()
    report = Reporter(lines.show)
    try:
        with interruptible(report):
            return office.publish(request, report)
    finally:
        lines.close()


def resources(cpu: str | None, memory: str | None) -> Resources | None:
    """What ``--cpu`` and ``--memory`` say; None where neither is given.

    Raises
    ------
    BadInput
        If one of them is no amount, or stands alone.
    """
    if cpu is None and memory is None:
        return None
    if cpu is None or memory is None:
        raise BadInput("CPU and memory are given together.", "Write both, as in --cpu 500m --memory 1Gi.")
    return Resources(cpu_millicores=parse_cpu(cpu), memory_bytes=parse_memory(memory))


def _one_kernel(kernel: str | None, no_kernel: bool) -> None:
    if kernel and no_kernel:
        raise BadInput("--kernel and --no-kernel exclude each other.", "Give one of them.")
