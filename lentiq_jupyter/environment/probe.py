"""Asks an interpreter what is installed for it, by running `probe_script` under it in isolated mode.

The answer is kept as long as no folder that was looked into has changed, which every installation does.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from functools import cache as once
from pathlib import Path

from ..errors import NotFound, Unavailable
from .installed import Distribution, Installed, has_credentials, origin
from .keeping import read_json, write_json

_SCRIPT = Path(__file__).with_name("probe_script.py")


def probe(python: Path, timeout_s: float = 120.0, cache: Path | None = None) -> Installed:
    """What is installed for `python`. Nothing installed is imported, no user code runs.

    Parameters
    ----------
    timeout_s : float
        Seconds to wait; environments on slow network disks take a while.
    cache : Path or None
        A folder that keeps answers; None asks each time.

    Raises
    ------
    NotFound
        If there is no such interpreter.
    Unavailable
        If it does not answer.
    """
    added = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(folder)]
    kept = cache / f"{_key(python, added)}.json" if cache else None
    document = read_json(kept)
    if not _is_fresh(document, python):
        document = {**_ask(python, added, timeout_s), "interpreter": _changed(python)}
        write_json(kept, document)
    return _installed(document)


def _ask(python: Path, added: list[str], timeout_s: float) -> dict[str, object]:
    try:
        done = subprocess.run(
            [str(python), "-I", str(_SCRIPT), *added],
            capture_output=True,
            timeout=timeout_s,
            check=True,
            encoding="utf-8",
        )
        document: dict[str, object] = json.loads(done.stdout)
    except FileNotFoundError as error:
        raise NotFound(f"There is no interpreter {python}.", "Use --kernel NAME or --no-kernel.") from error
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, "stderr", None) or str(error)
        last = str(said).strip().splitlines()[-1:] or ["no answer"]
        raise Unavailable(
            f"{python} does not say what is installed ({last[0]}).", "Check that the kernel starts, or use --no-kernel."
        ) from error
    return document


def _key(python: Path, added: list[str]) -> str:
    """A name for the cache: another interpreter, other folders and another script have other answers."""
    return hashlib.sha256("\0".join([str(python), *added, _script_digest()]).encode()).hexdigest()[:32]


@once
def _script_digest() -> str:
    return hashlib.sha256(_SCRIPT.read_bytes()).hexdigest()


def _is_fresh(document: dict[str, object], python: Path) -> bool:
    stamp = document.get("stamp")
    if not isinstance(stamp, list) or document.get("interpreter") != _changed(python):
        return False
    return all(isinstance(one, list) and len(one) == 2 and _time_of(str(one[0])) == one[1] for one in stamp)


def _changed(python: Path) -> list[int | None]:
    """When the interpreter and its environment's settings changed last: an environment may be made anew."""
    return [_time_of(str(path)) for path in (python, python.parent.parent / "pyvenv.cfg")]


def _time_of(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


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
                secret=bool(url) and has_credentials(str((one["direct_url"] or {}).get("url", ""))),
                installer=one["installer"],
                groups=tuple(one["groups"]),
                libraries=tuple(one["libraries"]),
            )
        )
    stdlib = _words(document["stdlib"])
    return Installed(
        python=str(document["python"]),
        markers={key: str(value) for key, value in _mapping(document["markers"]).items()},
        # Python 3.9 does not know its own list; ours differs from it by a few retired modules only.
        stdlib=frozenset(stdlib or sys.stdlib_module_names),
        distributions=tuple(found),
        startup=frozenset(_words(document["startup"])),
        doubled={key: _words(value) for key, value in _mapping(document["doubled"]).items()},
        broken=_words(document["broken"]),
        conda={key: _words(value) for key, value in _mapping(document["conda"]).items()},
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
