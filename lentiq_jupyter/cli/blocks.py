"""``lentiq block``: what is in the registry."""

from __future__ import annotations

from pathlib import Path

import click

from ..model import BlockQuery
from . import present
from .from_image import from_image
from .plain import plain
from .shell import Command, Group, print_json, service, wants_json

_UNNAMED = "should not be used any more"


@click.group(cls=Group)
def block() -> None:
    """List, search, show, compare, deprecate and remove blocks; see their Dockerfiles; make them of images."""


block.add_command(from_image)


@block.command("list", cls=Command, as_json=True)
@click.option("--search", metavar="WORDS", default="", help="Only blocks that have all these words somewhere.")
@click.option("--owner", metavar="AUTHOR", default="", help="Only blocks that this author published.")
@click.option("--input", "input_name", metavar="NAME", default="", help="Only blocks with an input of this name.")
@click.option("--no-deprecated", is_flag=True, help="Without blocks whose newest version is deprecated.")
@click.pass_context
def list_blocks(ctx: click.Context, search: str, owner: str, input_name: str, no_deprecated: bool) -> None:
    """List the newest version of every block, or of those that match.

    Words are looked for in names, descriptions, authors, inputs, outputs and packages, whatever their case.

    \b
    Examples:
      lentiq block list --registry registry.example.org/team
      lentiq block list --search "sales pandas" --owner ana --no-deprecated
    """
    query = BlockQuery(words=search, owner=owner, input=input_name, deprecated=not no_deprecated)
    found = service(ctx).blocks(query)
    if wants_json(ctx):
        print_json(found)
    elif query == BlockQuery():
        click.echo(present.blocks(found))
    else:
        click.echo(present.blocks(found, "No block matches. See all with: lentiq block list"))


@block.command(cls=Command, as_json=True)
@click.argument("reference", metavar="BLOCK[@VERSION]")
@click.option("--readme", is_flag=True, help="Print what the block says of itself instead, in Markdown.")
@click.option("--sbom", is_flag=True, help="Print the list of its packages instead, a CycloneDX document.")
@click.pass_context
def show(ctx: click.Context, reference: str, readme: bool, sbom: bool) -> None:
    """Show a block: where it comes from, inputs, outputs, proof, who uses it, packages, versions.

    \b
    Examples:
      lentiq block show clean-sales
      lentiq block show clean-sales@3 --json
      lentiq block show clean-sales@3 --sbom > sbom.cdx.json
    """
    if readme and sbom:
        raise click.UsageError("--readme and --sbom exclude each other. Give one of them.", ctx)
    office = service(ctx)
    if sbom:
        print_json(office.sbom(reference))
        return
    if readme:
        _show_readme(ctx, reference, office.readme(reference))
        return
    found = office.block(reference)
    if wants_json(ctx):
        print_json(found)
    else:
        versions, users = office.block_versions(found.spec.name), office.block_users(found.reference)
        click.echo(present.block(found, versions, users))


def _show_readme(ctx: click.Context, reference: str, text: str) -> None:
    if wants_json(ctx):
        print_json({"readme": text})
    elif text.strip():
        click.echo(plain(text).rstrip())
    else:
        click.echo(f"{reference} has no README.md and no text above its first code cell.", err=True)


@block.command("resources", cls=Command, as_json=True)
@click.argument("reference", metavar="BLOCK[@VERSION]")
@click.pass_context
def show_resources(ctx: click.Context, reference: str) -> None:
    """Show what CPU and memory a block asks for, and what its past runs suggest.

    \b
    Examples:
      lentiq block resources clean-sales
      lentiq block resources clean-sales@3 --json
    """
    office = service(ctx)
    found = office.block(reference)
    proposed = office.propose_resources(found.reference)
    if wants_json(ctx):
        print_json({"block": found.reference, "asked": found.spec.resources, "proposed": proposed})
        return
    click.echo(f"{found.reference} asks for {found.spec.resources} unless a task says otherwise.")
    if proposed is None:
        click.echo("No run of it was measured yet. Run it once, and ask again.")
    else:
        click.echo(f"Past runs suggest {proposed}.")


@block.command(cls=Command, as_json=True)
@click.argument("old", metavar="BLOCK@VERSION")
@click.argument("new", metavar="BLOCK[@VERSION]")
@click.pass_context
def diff(ctx: click.Context, old: str, new: str) -> None:
    """Show what differs between two versions of a block, or between two blocks.

    \b
    Examples:
      lentiq block diff clean-sales@1 clean-sales@2
      lentiq block diff clean-sales@2 clean-sales --json
    """
    found = service(ctx).diff_blocks(old, new)
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(present.block_diff(found))


@block.command(cls=Command, as_json=True)
@click.argument("notebook", metavar="NOTEBOOK")
@click.option("--packages", is_flag=True, help="Ask the kernel too which packages would be pinned otherwise.")
@click.option("--kernel", metavar="NAME", help="Ask this kernel's environment. Default: the notebook's own.")
@click.pass_context
def drift(ctx: click.Context, notebook: str, packages: bool, kernel: str | None) -> None:
    """Show what differs between a notebook and the block that was made of it.

    \b
    Examples:
      lentiq block drift sales.ipynb
      lentiq block drift sales.ipynb --packages --json
    """
    found = service(ctx).drift(notebook, packages=packages or kernel is not None, kernel=kernel)
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(present.drift(found, notebook))


@block.command(cls=Command, as_json=True)
@click.argument("reference", metavar="BLOCK@VERSION")
@click.option("--reason", metavar="TEXT", help="Why, and what to use instead.")
@click.option("--undo", is_flag=True, help="Take it back.")
@click.pass_context
def deprecate(ctx: click.Context, reference: str, reason: str | None, undo: bool) -> None:
    """Say that a version should not be used any more. Runs and workflows that use it go on.

    \b
    Examples:
      lentiq block deprecate clean-sales@2 --reason "drops rows of December; use 3"
      lentiq block deprecate clean-sales@2 --undo
    """
    if undo and reason is not None:
        raise click.UsageError("--reason and --undo exclude each other. Give one of them.", ctx)
    _one_version(ctx, reference, "deprecate")
    found = service(ctx).deprecate_block(reference, None if undo else reason or _UNNAMED)
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(f"{found.reference} is {'not deprecated any more' if undo else 'deprecated'}.")


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
@click.option("--force", is_flag=True, help="Also while workflows use it; their next runs fail then.")
@click.pass_context
def remove(ctx: click.Context, reference: str, force: bool) -> None:
    """Remove one version of a block that no workflow uses.

    \b
    Examples:
      lentiq block remove clean-sales@2
      lentiq block remove clean-sales@2 --force
    """
    _one_version(ctx, reference, "remove")
    office = service(ctx)
    users = office.block_users(reference) if force else []
    office.remove_block(reference, force=force)
    click.echo(f"Removed {reference}.")
    for use in users:
        click.echo(f"Workflow {use.project}/{use.workflow} uses it in task {use.task}: its next run fails.", err=True)


def _one_version(ctx: click.Context, reference: str, verb: str) -> None:
    if "@" not in reference:
        raise click.UsageError(f"Name the version to {verb}, as in {reference}@1.", ctx)
