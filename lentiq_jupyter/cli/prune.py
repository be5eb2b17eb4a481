"""``lentiq prune``: free disk space of what nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..errors import BadInput, Unavailable
from . import present
from .shell import Command, print_json, service, wants_json

if TYPE_CHECKING:
    from ..workspace.pruning import Pruning


@click.command(cls=Command, as_json=True)
@click.option("--dry-run", is_flag=True, help="Show what would be removed; change nothing.")
@click.option("--keep-days", type=float, metavar="N", help="Keep what was used within so many days. Default: 14.")
@click.option("--all", "everything", is_flag=True, help="Keep only what is in use at this moment.")
@click.option("--docker", is_flag=True, help="Also images of blocks in the Docker engine that no container uses.")
@click.pass_context
def prune(ctx: click.Context, dry_run: bool, keep_days: float | None, everything: bool, docker: bool) -> None:
    """Remove what nothing uses: old runs and layers, unpacked blocks, caches, what killed publishes left.

    Runs go with their results by the settings keep_days and keep_runs. Blocks, secrets and workflows stay.
    What else it removes comes back when it is needed, and only takes time then.

    \b
    Examples:
      lentiq prune --dry-run
      lentiq prune --keep-days 3
      lentiq prune --all --docker
    """
    if everything and keep_days is not None:
        raise BadInput("--all and --keep-days exclude each other.", "Give one of them.")
    found = service(ctx).prune(dry_run=dry_run, keep_days=0.0 if everything else keep_days, docker=docker)
    if wants_json(ctx):
        print_json(found)
    else:
        click.echo(shown(found))
    if found.problems:
        raise Unavailable(" ".join(found.problems), "The rest was looked at.")


def shown(found: Pruning) -> str:
    """One line a kind, what was left alone, and the sum."""
    header = (
        "kind",
        "before",
        "after",
        "would free" if found.dry_run else "freed",
        "removes" if found.dry_run else "removed",
    )
    rows = [
        (
            one.kind,
            present.size(one.bytes_before),
            present.size(one.bytes_after),
            present.size(one.bytes_freed),
            str(one.count),
        )
        for one in found.kinds
    ]
    lines = [present.table(header, rows, "")]
    lines += [f"! {sentence}" for one in found.kinds for sentence in one.left]
    total = present.size(found.bytes_freed)
    lines.append(f"{total} would be freed; nothing was changed." if found.dry_run else f"{total} freed.")
    return "\n".join(lines)
