"""``lentiq inspect`` and ``lentiq publish``."""

from __future__ import annotations

import os.path
import re
import shutil
import sys

import click

from ..errors import BadInput
from ..model import Inspection, PublishRequest, PublishResult, Reporter, Resources, Witness, parse_cpu, parse_memory
from . import present
from .follow import StepLines
from .inspection import inspection
from .shell import Command, LocalService, interruptible, print_json, service, wants_json


@click.command(cls=Command, as_json=True)
@click.argument("notebook", type=click.Path())
@click.option("--kernel", metavar="NAME", help="Ask this kernel's environment. Default: the notebook's own.")
@click.option(
    "--no-kernel",
    is_flag=True,
    help="Ask no kernel: what the notebook needs by itself, each in the newest version of the package index.",
)
@click.option("--add", metavar="REQUIREMENT", multiple=True, help="A package to add, as in pyarrow>=15. Repeatable.")
@click.option("--remove", metavar="NAME", multiple=True, help="A package or import to leave out. Repeatable.")
@click.option("--all", "everything", is_flag=True, help="List the packages that others need, and every import.")
@click.option("--requirements", is_flag=True, help="Print nothing but the pinned requirement lines.")
@click.pass_context
def inspect(
    ctx: click.Context,
    notebook: str,
    kernel: str | None,
    no_kernel: bool,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    everything: bool,
    requirements: bool,
) -> None:
    """Show what packaging a NOTEBOOK would find, with the evidence. None of its code is run.

    \b
    Examples:
      lentiq inspect sales.ipynb
      lentiq inspect sales.ipynb --add "pyarrow>=15" --remove torch
      lentiq inspect sales.ipynb --requirements > requirements.txt
      lentiq inspect sales.ipynb --no-kernel --json
    """
    _one_kernel(kernel, no_kernel)
    found = service(ctx).inspect(notebook, kernel=kernel, no_kernel=no_kernel, add=add, remove=remove)
    if wants_json(ctx):
        print_json(found)
    elif requirements:
        click.echo(_requirements(found), nl=False)
    else:
        click.echo(inspection(found, width=_width(), everything=everything))


@click.command(cls=Command, as_json=True)
@click.argument("notebook", type=click.Path())
@click.option("--name", metavar="N", help="The block's name. Default: from the file's name.")
@click.option("--version", metavar="V", help="The block's version. Default: the next number.")
@click.option("--description", metavar="TEXT", default="", help="One line about what the block does.")
@click.option("--builder", type=click.Choice(["layers", "docker"]), help="Packed layers without Docker, or Docker.")
@click.option("--base", metavar="IMAGE", help="Base image; it needs the kernel's Python version.")
@click.option("--platform", metavar="P", help="Platform to build for, as in linux/arm64. Default: this machine's.")
@click.option(
    "--dockerfile-line",
    metavar="LINE",
    multiple=True,
    help="An instruction for the Dockerfile, as in 'RUN apt-get …', run before packages are installed. Repeatable.",
)
@click.option("--dockerfile", type=click.Path(), help="A Dockerfile of your own that makes the base (its last stage).")
@click.option("--kernel", metavar="NAME", help="Take package versions from this kernel. Default: the notebook's own.")
@click.option("--no-kernel", is_flag=True, help="Ask no kernel; the newest versions of the package index are taken.")
@click.option("--add", metavar="REQUIREMENT", multiple=True, help="A package to add, as in pyarrow>=15. Repeatable.")
@click.option("--remove", metavar="NAME", multiple=True, help="A package or import to leave out. Repeatable.")
@click.option("--include", metavar="FILE", multiple=True, help="A large file that shall go in. Repeatable.")
@click.option("--exclude", metavar="FILE", multiple=True, help="A file to leave out. Repeatable.")
@click.option("--add-system", metavar="PACKAGE", multiple=True, help="A Debian package to add. Repeatable.")
@click.option("--remove-system", metavar="PACKAGE", multiple=True, help="A Debian package to leave out. Repeatable.")
@click.option(
    "--secret", metavar="NAME", multiple=True, help="A secret in a cell that becomes a secret input. Repeatable."
)
@click.option("--cpu", metavar="AMOUNT", help="Default CPU of its tasks, as in 500m or 2.")
@click.option("--memory", metavar="AMOUNT", help="Default memory of its tasks, as in 1Gi.")
@click.option(
    "--proof",
    type=click.Choice(["run", "import"]),
    help="Prove the block by running it, or by its imports only. Default: what its last execution suggests.",
)
@click.option("--no-verify", is_flag=True, help="Do not start the block to prove it; it is marked as not proven.")
@click.pass_context
def publish(
    ctx: click.Context,
    notebook: str,
    name: str | None,
    version: str | None,
    description: str,
    builder: str | None,
    base: str | None,
    platform: str | None,
    dockerfile_line: tuple[str, ...],
    dockerfile: str | None,
    kernel: str | None,
    no_kernel: bool,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    add_system: tuple[str, ...],
    remove_system: tuple[str, ...],
    secret: tuple[str, ...],
    cpu: str | None,
    memory: str | None,
    proof: str | None,
    no_verify: bool,
) -> None:
    """Make a reusable block of a NOTEBOOK and register it.

    \b
    Examples:
      lentiq publish sales.ipynb
      lentiq publish sales.ipynb --name clean-sales --version 1.0 --cpu 2 --memory 2Gi
      lentiq publish sales.ipynb --add pandas==2.1.4 --remove torch --add-system graphviz
      lentiq publish sales.ipynb --include data/history.csv --secret API_KEY --proof import
      lentiq publish sales.ipynb --platform linux/arm64 --dockerfile-line "RUN apt-get update"
      lentiq publish sales.ipynb --registry registry.example.org/team --builder docker
    """
    _one_kernel(kernel, no_kernel)
    if base and dockerfile:
        raise BadInput("--base and --dockerfile exclude each other.", "Give one of them.")
    if proof and no_verify:
        raise BadInput("--proof and --no-verify exclude each other.", "Give one of them.")
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
        include_files=include,
        exclude_files=exclude,
        add_system=add_system,
        remove_system=remove_system,
        secrets=secret,
        resources=resources(cpu, memory),
        verify=not no_verify,
        proof=proof,
        platform=platform,
        dockerfile_lines=dockerfile_line,
        dockerfile=os.path.abspath(dockerfile) if dockerfile else None,
    )
    result = publish_shown(service(ctx), request)
    if wants_json(ctx):
        print_json(result)
    else:
        click.echo(present.publish_result(result))


def _requirements(found: Inspection) -> str:
    """The lock's lines; without a kernel those of the notebook's own needs, as nobody has resolved theirs."""
    if found.lock is None:
        return ""
    if found.python_executable:
        return found.lock.requirements
    others = {one.name for one in found.lock.packages if one.witness is Witness.DEPENDENCY}
    lines = found.lock.requirements.splitlines(keepends=True)
    return "".join(line for line in lines if re.split(r"==| @ |\n", line, maxsplit=1)[0] not in others)


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


def _width() -> int:
    """Columns to wrap sentences at; 0 where no terminal shows them, so that a line stays a line."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
