"""The words of ``%lentiq``: a parser that raises instead of leaving the kernel."""

from __future__ import annotations

import argparse
import difflib
import shlex
from typing import NoReturn

from ..errors import BadInput


class Parser(argparse.ArgumentParser):
    """`argparse`, whose faults are BadInput and whose help is an answer."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{self.prog}: {message}.", f"{self.prog} -h lists what it takes.")


def build_parser() -> Parser:
    """The parser of the whole line; ``verb`` is None for an empty one."""
    top = Parser("%lentiq", description="Blocks, workflows and runs of your data pool.", add_help=False)
    _help(top)
    verbs = top.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)

    def verb(name: str, text: str) -> Parser:
        made: Parser = verbs.add_parser(name, help=text, description=text, add_help=False)
        _help(made)
        return made

    inspect = verb("inspect", "What packaging this notebook, as it was saved last, would find; nothing is run.")
    _notebook(inspect)
    publish = verb("publish", "Make this notebook, as it was saved last, a block.")
    _notebook(publish)
    publish.add_argument("--name", metavar="N", help="the block's name; else the notebook's")
    publish.add_argument("--version", metavar="V", help="the block's version; else the next number")
    publish.add_argument("--description", default="", metavar="TEXT", help="one sentence for the list of blocks")
    publish.add_argument("--builder", choices=("layers", "docker"), help="what builds the image")
    publish.add_argument("--base", metavar="IMAGE", help="base image")
    for option, name, text in (
        ("--include", "FILE", "a large file that shall go in; repeatable"),
        ("--exclude", "FILE", "a file to leave out; repeatable"),
        ("--add-system", "PACKAGE", "a Debian package to add; repeatable"),
        ("--remove-system", "PACKAGE", "a Debian package to leave out; repeatable"),
        ("--secret", "NAME", "a secret in a cell that becomes a secret input; repeatable"),
    ):
        publish.add_argument(option, action="append", default=[], metavar=name, help=text)
    publish.add_argument("--cpu", metavar="C", help="default CPU of its tasks, as 500m or 2")
    publish.add_argument("--memory", metavar="M", help="default memory of its tasks, as 512Mi or 4Gi")
    proof = publish.add_mutually_exclusive_group()
    proof.add_argument("--proof", choices=("run", "import"), help="prove it by running it, or by its imports only")
    proof.add_argument("--no-verify", action="store_true", help="do not prove that the block runs")
    blocks = verb("blocks", "The newest version of every block, or of those that match.")
    blocks.add_argument("words", nargs="*", metavar="WORD", help="each occurs in its texts, inputs or packages")
    blocks.add_argument("--owner", default="", metavar="AUTHOR", help="who published it")
    blocks.add_argument("--input", default="", metavar="NAME", help="an input that it has")
    blocks.add_argument("--no-deprecated", action="store_true", help="without those that should not be used any more")
    show = verb("show", "One version of a block: its inputs, outputs, proof.")
    show.add_argument("block", metavar="BLOCK[@VERSION]")
    drift = verb("drift", "What differs between this notebook, as it was saved last, and the block made of it.")
    _notebook_name(drift)
    drift.add_argument("--packages", action="store_true", help="and which packages would be pinned otherwise")
    compose = verb("compose", "A panel that composes a workflow.")
    compose.add_argument("workflow", nargs="?", metavar="WORKFLOW", help="a saved workflow; else a new one")
    compose.add_argument("--project", default="default", metavar="P", help="the workflow's project")
    run = verb("run", "Run a block and follow it; interrupting the kernel cancels it.")
    run.add_argument("block", metavar="BLOCK[@VERSION]")
    run.add_argument("-i", "--input", action="append", default=[], metavar="NAME=VALUE", help="an input's value")
    run.add_argument("--cpu", metavar="C", help="as 500m or 2; else the block's own")
    run.add_argument("--memory", metavar="M", help="as 512Mi or 4Gi; else the block's own")
    run.add_argument("--project", default="default", metavar="P", help="whose quota it takes from")
    run.add_argument("--no-wait", action="store_true", help="start it and come back")
    workflow = verb("workflow", "Save the workflow that the cell below describes in YAML: %%lentiq workflow NAME.")
    workflow.add_argument("name", nargs="?", metavar="NAME", help="its name, where the cell does not say it")
    workflow.add_argument("--project", default="default", metavar="P", help="its project, where the cell names none")
    workflow.add_argument("--start", action="store_true", help="and start it now")
    start = verb("start", "Start a saved workflow now.")
    start.add_argument("workflow", metavar="WORKFLOW")
    start.add_argument("--project", default="default", metavar="P", help="the workflow's project")
    listing = verb("workflows", "Workflows with their next start.")
    listing.add_argument("--project", metavar="P", help="only of this project")
    runs = verb("runs", "The newest runs, or one of them.")
    runs.add_argument("run", nargs="?", metavar="RUN", help="the id of one run")
    runs.add_argument("--project", metavar="P", help="only of this project")
    watch = verb("watch", "A panel that shows a run as it goes.")
    watch.add_argument("run", metavar="RUN", help="its id")
    logs = verb("logs", "What the tasks of a run have printed.")
    logs.add_argument("run", metavar="RUN", help="its id")
    logs.add_argument("task", nargs="?", metavar="TASK", help="only of this task: train, train.3, train@1")
    logs.add_argument("--follow", action="store_true", help="go on until the run ends")
    verb("status", "What is up, what is not, what to do.")
    return top


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each verb, by its name."""
    for one in parser._actions:
        if isinstance(one, argparse._SubParsersAction):
            return dict(one.choices)
    return {}


def parse(line: str) -> argparse.Namespace:
    """The words of one line.

    Raises
    ------
    BadInput
        If a quote is open, or a word is unknown or missing.
    HelpWanted
        If help was asked for, or the line is empty.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadInput(f"%lentiq: {error}.", "Close the quote.") from error
    parser = build_parser()
    verbs = verbs_of(parser)
    if words and not words[0].startswith("-") and words[0] not in verbs:
        near = difflib.get_close_matches(words[0], verbs, n=1)
        hint = f"Did you mean {near[0]}?" if near else "%lentiq -h lists what it takes."
        raise BadInput(f"%lentiq has no verb {words[0]!r}.", hint)
    found = parser.parse_args(words)
    if found.verb is None:
        raise HelpWanted(parser.format_help())
    return found


class HelpWanted(Exception):
    """Help was asked for; its text is the argument. Not an error."""


class _Help(argparse.Action):
    """Gives the help text instead of printing it and leaving."""

    def __call__(
        self, parser: argparse.ArgumentParser, found: argparse.Namespace, values: object, option: object = None
    ) -> None:
        raise HelpWanted(parser.format_help())


def _notebook_name(parser: Parser) -> None:
    parser.add_argument("notebook", nargs="?", metavar="NOTEBOOK", help="another notebook than this one")


def _notebook(parser: Parser) -> None:
    _notebook_name(parser)
    kernel = parser.add_mutually_exclusive_group()
    kernel.add_argument("--kernel", metavar="NAME", help="take versions from this kernel; else the notebook's own")
    kernel.add_argument("--no-kernel", action="store_true", help="ask no kernel; the package index says versions")
    parser.add_argument(
        "--add", action="append", default=[], metavar="REQUIREMENT", help="a package to add, as pyarrow>=15; repeatable"
    )
    parser.add_argument(
        "--remove", action="append", default=[], metavar="NAME", help="a package or import to leave out; repeatable"
    )


def _help(parser: Parser) -> None:
    parser.add_argument("-h", "--help", action=_Help, nargs=0, default=argparse.SUPPRESS, help="this text")
