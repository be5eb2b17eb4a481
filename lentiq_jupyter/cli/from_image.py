"""``lentiq block from-image``: a block around an existing image."""

from __future__ import annotations

import click

from ..errors import BadInput, NotFound
from ..model import EXIT_CODE, ImageRequest, Input, InputType, Output, parse_value
from . import present
from .notebooks import resources
from .shell import Command, LocalService, print_json, service, wants_json


@click.command("from-image", cls=Command, as_json=True)
@click.argument("image")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--name", metavar="N", required=True, help="The block's name.")
@click.option("--version", metavar="V", help="The block's version. Default: the next number.")
@click.option("--description", metavar="TEXT", default="", help="One line about what the block does.")
@click.option(
    "--input",
    "inputs",
    metavar="NAME[:TYPE][=DEFAULT]",
    multiple=True,
    help="An input: str, int, float, bool or json; without a default it must be given. Repeatable.",
)
@click.option("--secret", metavar="NAME", multiple=True, help="A secret input, set as a variable only. Repeatable.")
@click.option("--env", metavar="NAME=VALUE", multiple=True, help="An environment variable to set. Repeatable.")
@click.option(
    "--output",
    "outputs",
    metavar="NAME[=PATH|=exit-code]",
    multiple=True,
    help="An output: a file that the program writes, by default /lentiq/results/NAME, or the exit code. Repeatable.",
)
@click.option("--cpu", metavar="AMOUNT", help="Default CPU of its tasks, as in 500m or 2.")
@click.option("--memory", metavar="AMOUNT", help="Default memory of its tasks, as in 1Gi.")
@click.pass_context
def from_image(
    ctx: click.Context,
    image: str,
    command: tuple[str, ...],
    name: str,
    version: str | None,
    description: str,
    inputs: tuple[str, ...],
    secret: tuple[str, ...],
    env: tuple[str, ...],
    outputs: tuple[str, ...],
    cpu: str | None,
    memory: str | None,
) -> None:
    """Make a block of an IMAGE in any registry, pinned by its digest; nothing is copied.

    The COMMAND after -- takes the place of the image's own; its entry point stays. In its words and in
    variables, ${{ inputs.NAME }} stands for an input's value, and no shell reads it. An input that is
    named in neither is set as an environment variable: its name in capitals.

    \b
    Examples:
      lentiq block from-image busybox:1.36 --name greet --input whom=world --output text \\
        -- sh -c 'echo "Hello, $WHOM" > /lentiq/results/text'
      lentiq block from-image curlimages/curl:8.10.1 --name fetch --input url --input tries:int=3 \\
        --output code=exit-code --output page=/tmp/page \\
        -- --fail --retry '${{ inputs.tries }}' --output /tmp/page '${{ inputs.url }}'
    """
    request = ImageRequest(
        image=image,
        name=name,
        version=version,
        description=description,
        inputs=(*map(read_input, inputs), *(Input(name=one, required=True, secret=True) for one in secret)),
        outputs=tuple(map(read_output, outputs)),
        command=command,
        environment=read_variables(env),
        resources=resources(cpu, memory),
    )
    office = service(ctx)
    before = _versions(office, name)
    made = office.block_from_image(request)
    if wants_json(ctx):
        print_json(made)
        return
    if made.version in before:
        click.echo(f"Unchanged: {made.reference} is the same.")
    click.echo(present.block(made, office.block_versions(name)))


def read_input(word: str) -> Input:
    """The input in ``name``, ``name:type``, ``name=default`` or ``name:type=default``; text unless said.

    Raises
    ------
    BadInput
        If the name or type is none, or the default is not of that type.
    """
    head, equals, text = word.partition("=")
    name, colon, kind = head.partition(":")
    if colon and kind not in list(InputType):
        raise BadInput(f"{word!r} has no type of an input.", f"Write {name}:TYPE with {', '.join(InputType)}.")
    one = Input(name=name, type=InputType(kind) if colon else InputType.STR, required=True)
    if not equals:
        return one
    return Input(name=name, type=one.type, default=parse_value(one, text))


def read_output(word: str) -> Output:
    """The output in ``name``, ``name=/path`` or ``name=exit-code``. Raises BadInput."""
    name, equals, source = word.partition("=")
    if equals and not source:
        raise BadInput(f"{word!r} says no file.", f"Write {name}=/out/{name}, or {name}={EXIT_CODE}.")
    return Output(name=name, source=source)


def read_variables(words: tuple[str, ...]) -> dict[str, str]:
    """The variables in ``NAME=VALUE`` words.

    Raises
    ------
    BadInput
        If a word has no ``=``, or a name is given twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise BadInput(f"{word!r} is not NAME=VALUE.", "Write for example --env LOG_LEVEL=info.")
        if name in found:
            raise BadInput(f"Variable {name} is given twice.", "Give it once.")
        found[name] = value
    return found


def _versions(office: LocalService, name: str) -> frozenset[str]:
    try:
        return frozenset(one.version for one in office.block_versions(name))
    except NotFound:
        return frozenset()
