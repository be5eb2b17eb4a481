"""``lentiq secret``: values that tasks get when they start, and that nothing else shows."""

from __future__ import annotations

import sys

import click

from . import present
from .shell import Command, Group, print_json, service, wants_json

_project = click.option("--project", metavar="P", default="default", show_default=True, help="Whose secret it is.")


@click.group(cls=Group)
def secret() -> None:
    """Set, list and remove the secrets that blocks with secret inputs get when they start."""


@secret.command("set", cls=Command)
@click.argument("name")
@_project
@click.pass_context
def set_secret(ctx: click.Context, name: str, project: str) -> None:
    """Keep a secret. Its value is asked for without echo, or read from standard input.

    \b
    Examples:
      lentiq secret set API_KEY
      lentiq secret set API_KEY --project team-a < key.txt
    """
    if sys.stdin.isatty():
        value = click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True)
    else:
        value = sys.stdin.read().rstrip("\r\n")
    service(ctx).set_secret(name, value, project)
    click.echo(f"Secret {name} of project {project} is set.")


@secret.command("list", cls=Command, as_json=True)
@_project
@click.pass_context
def list_secrets(ctx: click.Context, project: str) -> None:
    """List the names of a project's secrets, never their values.

    \b
    Example:
      lentiq secret list --project team-a
    """
    names = service(ctx).secrets(project)
    if wants_json(ctx):
        print_json({"project": project, "secrets": list(names)})
        return
    click.echo(present.table(("secret",), [(name,) for name in names], f"Project {project} has no secrets."))


@secret.command("remove", cls=Command)
@click.argument("name")
@_project
@click.pass_context
def remove_secret(ctx: click.Context, name: str, project: str) -> None:
    """Forget a secret. Tasks that need it fail until it is set again.

    \b
    Example:
      lentiq secret remove API_KEY
    """
    service(ctx).remove_secret(name, project)
    click.echo(f"Secret {name} of project {project} is removed.")
