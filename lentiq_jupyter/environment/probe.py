"""Asks an interpreter what is installed for it, by running `probe_script` under it in isolated mode."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ..errors import NotFound, Unavailable
from .installed import Distribution, Installed, origin

_SCRIPT = Path(__file__).with_name("probe_script.py")


def probe(python: Path, timeout_s: float = 120.0) -> Installed:
    """What is installed for `python`. Nothing installed is imported, no user code runs.

    Parameters
    ----------
    timeout_s : float
        Seconds to wait; environments on slow network disks take a while.

    Raises
    ------
    NotFound
        If there is no such interpreter.
    Unavailable
        If it does not answer.
    """
    try:
        done = subprocess.run(
            [str(python), "-I", str(_SCRIPT)], capture_output=True, timeout=timeout_s, check=True, encoding="utf-8"
        )
        document = json.loads(done.stdout)
    except FileNotFoundError as error:
        raise NotFound(f"There is no interpreter {python}.", "Use --kernel NAME or --no-kernel.") from error
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, "stderr", None) or str(error)
        last = str(said).strip().splitlines()[-1:] or ["no answer"]
        raise Unavailable(
            f"{python} does not say what is installed ({last[0]}).", "Check that the kernel starts, or use --no-kernel."
        ) from error
    return _installed(document)


def _installed(document: dict[str, object]) -> Installed:
    """The probe's document as a record."""
    given = document["distributions"]
    found = []
    for one in given if isinstance(given, list) else []:
        url, local = origin(one["direct_url"], one["installer"])
        found.append(
            Distribution(
                name=one["name"],
                version=one["version"],
                requires=tuple(one["requires"]),
                modules=tuple(one["modules"]),
                url=url,
                local=local,
            )
        )
    markers, stdlib = document["markers"], document["stdlib"]
    return Installed(
        python=str(document["python"]),
        markers=dict(markers) if isinstance(markers, dict) else {},
        # Python 3.9 does not know its own list; ours differs from it by a few retired modules only.
        stdlib=frozenset(stdlib if isinstance(stdlib, list) and stdlib else sys.stdlib_module_names),
        distributions=tuple(found),
    )
