"""``python -m lentiq_jupyter.runner``: the entry point of every block's image.

Exit codes: 0 done, 1 a cell failed, 2 bad inputs, 3 the kernel died or could not start, 143 SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ..errors import BadInput, LentiqError
from ..model import ENV_INPUTS, ROOT, BlockSpec, Json, decode, parse_value
from .cells import inputs_source, secret_variables, wished_imports
from .execute import BAD_INPUT, TERMINATED, execute, prepare
from .kernel import Kernel, kernel_environment, sockets_folder
from .results import is_writable, open_results

ENV_ROOT = "LENTIQ_ROOT"
ENV_MODE = "LENTIQ_MODE"
ENV_IMPORTS = "LENTIQ_IMPORTS"
# Who says that a distribution is needed without an import: its modules are tried too.
_UNSEEN = ("rule", "loaded in the kernel", "found missing when run", "user")


def main(words: list[str] | None = None) -> int:
    """Run the block; returns the exit code."""
    parser = argparse.ArgumentParser(prog="lentiq-runner", description="Run this block.")
    parser.add_argument("-i", "--input", action="append", default=[], metavar="NAME=VALUE", help="an input's value")
    parser.add_argument("--import-only", action="store_true", help="only try the notebook's imports")
    options = parser.parse_args(words)
    root = Path(os.environ.get(ENV_ROOT) or ROOT)
    # Until the kernel runs, and in a container where nothing else gives the signal a meaning.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    _settle_home()
    try:
        spec = _spec(root)
        if options.import_only or os.environ.get(ENV_MODE) == "import":
            return _import_only(root, spec)
        values = _inputs(spec, options.input)
    except LentiqError as error:
        print(error, file=sys.stderr, flush=True)
        return BAD_INPUT
    return _run(root, spec, values)


def _spec(root: Path) -> BlockSpec:
    path = root / "block" / "block.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} does not describe a block: {error}.", "Publish the block again.") from error
    return decode(BlockSpec, document)


def _inputs(spec: BlockSpec, words: list[str]) -> dict[str, Json]:
    try:
        given = json.loads(os.environ.get(ENV_INPUTS) or "{}")
    except ValueError as error:
        raise BadInput(f"{ENV_INPUTS} is not JSON: {error}.", "Give an object of input values.") from error
    if not isinstance(given, dict):
        raise BadInput(f"{ENV_INPUTS} is not an object.", "Give an object of input values.")
    known = {one.name: one for one in spec.inputs}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise BadInput(f"{word!r} is not NAME=VALUE.", "Write -i rows=100.")
        given[name] = parse_value(known[name], text) if name in known else text
    for one in spec.inputs:
        if one.secret and one.name in os.environ:
            given.setdefault(one.name, parse_value(one, os.environ[one.name]))
    values = spec.fill(given)
    for one in spec.inputs:
        if one.secret and one.name not in given:
            if one.required:
                raise BadInput(f"The secret {one.name} is missing.", "Give it as an environment variable.")
            del values[one.name]
    return values


def _run(root: Path, spec: BlockSpec, values: dict[str, Json]) -> int:
    secret = frozenset(one.name for one in spec.inputs if one.secret)
    plain = {name: value for name, value in values.items() if name in secret and isinstance(value, str)}
    results = open_results(tuple(plain.values()))
    # Who runs a block outside of its image says where it is; in the image, the control group is the job's own.
    contained = not os.environ.get(ENV_ROOT)
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lentiq-")))
        # The block itself stays as it is: notebooks write beside themselves.
        folder = temporary / "work"
        shutil.copytree(root / "block", folder, symlinks=True, copy_function=shutil.copyfile)
        path = folder / spec.notebook
        sockets = stack.enter_context(sockets_folder(temporary))
        environment = kernel_environment(root, {**secret_variables(values, secret), **plain})
        kernel = Kernel(root, path.parent, sockets, environment)
        stack.callback(kernel.kill)
        return execute(kernel, prepare(path, inputs_source(values, secret)), results, contained=contained)


def _import_only(root: Path, spec: BlockSpec) -> int:
    """Import in the block's environment what the notebook and its local modules import, and what no import shows.

    ``LENTIQ_IMPORTS`` (a JSON list of ``{"module", "optional", "cell"}``) names the modules; without it
    they are read from the block's files.
    """
    given = os.environ.pop(ENV_IMPORTS, "")
    try:
        wishes = json.loads(given) if given else wished_imports(root / "block", spec.notebook)
    except ValueError as error:
        raise BadInput(f"{ENV_IMPORTS} is not JSON: {error}.", "Give a list of imports.") from error
    wishes += [{"distribution": one.name} for one in spec.packages if one.witness in _UNSEEN]
    results = open_results()
    with tempfile.TemporaryDirectory(prefix="lentiq-") as temporary:
        folder = Path(temporary) / "work"
        shutil.copytree(root / "block", folder, symlinks=True, copy_function=shutil.copyfile)
        done = subprocess.run(
            [str(root / "env/bin/python"), "-m", "lentiq_jupyter.runner.importing", str(results.folder)],
            input=json.dumps(wishes),
            text=True,
            cwd=(folder / spec.notebook).parent,
            env=kernel_environment(root, {}),
            check=False,
        )
    if done.returncode < 0:
        print(f"the imports were killed by signal {-done.returncode}", file=sys.stderr, flush=True)
    return 1 if done.returncode else 0


def _settle_home() -> None:
    """Libraries write under HOME; where it is missing or read-only, a temporary folder takes its place."""
    home = os.environ.get("HOME")
    if not home or not is_writable(home):
        os.environ["HOME"] = tempfile.gettempdir()


if __name__ == "__main__":
    sys.exit(main())
