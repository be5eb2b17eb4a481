"""Imports modules one by one and says how each went: ``python -m lentiq_jupyter.runner.importing RESULTS``.

Runs under the block's own interpreter: Python 3.9, standard library only. Standard input brings a JSON
list of ``{"module": …, "optional": …, "cell": …}`` and ``{"distribution": …}``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
import traceback
from pathlib import Path
from typing import Any, Optional

from .results import Results

_NO_MODULES = frozenset(("benchmarks", "doc", "docs", "examples", "setup", "test", "tests", "tools"))


def main() -> int:
    """Import everything; 1 at the first that is needed and fails, with its traceback."""
    for wish in json.load(sys.stdin):
        names = [wish["module"]] if "module" in wish else modules_of(wish["distribution"])
        failed = [error for error in map(attempt, names) if error is not None]
        # Of a distribution that no import names, one of its modules is enough.
        if not failed or wish.get("optional") or ("distribution" in wish and len(failed) < len(names)):
            continue
        error = failed[0]
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        print(trace, file=sys.stderr, flush=True)
        Results(Path(sys.argv[1])).error(type(error).__name__, str(error), None, trace, wish.get("cell"))
        return 1
    return 0


def attempt(name: str) -> Optional[BaseException]:
    """Import one module; the error if that fails, whatever it is."""
    try:
        load(name)
    except BaseException as error:  # noqa: BLE001  a module may do anything when it is imported, even exit
        print(f"import {name}: {type(error).__name__}", flush=True)
        return error
    print(f"import {name}: ok", flush=True)
    return None


def load(name: str) -> Any:
    """The module of that dotted name; its last part may be something that the module above it defines."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        above, _, last = name.rpartition(".")
        if not above or error.name not in (name, above):
            raise
        found = load(above)
        if not hasattr(found, last):
            raise
        return getattr(found, last)


def modules_of(distribution: str) -> list[str]:
    """The packages and modules that a distribution installs at the top; none if it is not installed."""
    try:
        files = importlib.metadata.distribution(distribution).files or []
    except importlib.metadata.PackageNotFoundError:
        return []
    tops = {path.parts[0] for path in files if path.name == "__init__.py" and len(path.parts) == 2}
    tops |= {path.stem for path in files if len(path.parts) == 1 and path.suffix == ".py"}
    return sorted(name for name in tops if name.isidentifier() and name[0] != "_" and name not in _NO_MODULES)


if __name__ == "__main__":
    sys.exit(main())
