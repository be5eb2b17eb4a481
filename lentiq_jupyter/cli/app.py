"""The root of the command line: which commands there are."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

import click

from .. import __version__
from .blocks import block
from .demo import demo
from .notebooks import inspect, publish
from .projects import project
from .prune import prune
from .runs import run, runs
from .secret import secret
from .shell import App, show_unexpected
from .standing import scheduler, status
from .workflows import workflow

# jsonschema loads these where they are installed, for formats that no notebook has; the first alone takes a second.
_FORMATS = ("rfc3987_syntax", "rfc3987", "isoduration", "fqdn", "webcolors", "uri_template")


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lentiq")
def app() -> None:
    """Turn notebooks into reusable container blocks and scheduled workflows.

    Options may stand before or after a command's name. All state lies in one folder, --home or LENTIQ_HOME.

    \b
    Examples:
      lentiq demo
      lentiq publish sales.ipynb
      lentiq run sales -i country=RO
      lentiq workflow apply nightly.yaml
    """


for one in (inspect, publish, block, run, workflow, runs, project, secret, prune, scheduler, status, demo):
    app.add_command(one)


def main() -> None:
    """The console script ``lentiq``."""
    sys.excepthook = show_unexpected
    for grammar in _FORMATS:
        sys.modules.setdefault(grammar, cast(ModuleType, None))
    app(prog_name="lentiq")
