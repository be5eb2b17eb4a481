"""``lentiq block``: what is in the registry."""

from __future__ import annotations

from pathlib import Path

import click

from . import present
from .shell import Command, Group, print_json, service, wants_json


@click.group(cls=Group)
def block() -> None:
    """List, show and remove blocks; see their Dockerfiles."""


@block.command("list", cls=Command, as_json=True)
@click.pass_context
def list_blocks(ctx: click.Context) -> None:
    """List the newest version of every block.

    \b
    Example:
      lentiq block list --registry registry.example.org/team
    """
    found = service(ctx).blocks()
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(present.blocks(found))


@block.command(cls=Command, as_json=True)
@click.argument("reference", metavar="BLOCK[@VERSION]")
@click.pass_context
def show(ctx: click.Context, reference: str) -> None:
    """Show a block: inputs, outputs, proof, packages, versions.

    \b
    Examples:
      lentiq block show clean-sales
      lentiq block show clean-sales@3 --json
    """
    office = service(ctx)
    found = office.block(reference)
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(present.block(found, office.block_versions(found.spec.name)))


@block.command(cls=Command)
@click.argument("reference", metavar="BLOCK[@VERSION]")
@click.option(
    "--context",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the Dockerfile and all that `docker build` needs into this new folder.",
)
@click.pass_context
def dockerfile(ctx: click.Context, reference: str, context: Path | None) -> None:
    """Print the Dockerfile of a block.

    \b
    Examples:
      lentiq block dockerfile clean-sales
      lentiq block dockerfile clean-sales@3 --context build/ && docker build build/
    """
    if context is None:
        click.echo(service(ctx).dockerfile(reference), nl=False)
        return
    service(ctx).build_context(reference, context)
    click.echo(f"Wrote {context / 'Dockerfile'} and what it needs. Build it with: docker build {context}")


@block.command(cls=Command)
@click.argument("reference", metavar="BLOCK@VERSION")
@click.pass_context
def remove(ctx: click.Context, reference: str) -> None:
    """Remove one version of a block that no workflow uses.

    \b
    Example:
      lentiq block remove clean-sales@2
    """
    if "@" not in reference:
        raise click.UsageError(f"Name the version to remove, as in {reference}@1.", ctx)
    service(ctx).remove_block(reference)
    click.echo(f"Removed {reference}.")
