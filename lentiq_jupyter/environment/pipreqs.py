"""pipreqs, the last witness: a second table of import names, for what nothing else explains.

It runs in an environment of its own that uv makes, because its pins (an old IPython, Python before
3.13) must never reach the user's. Whatever goes wrong with it, nothing is lost.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import uv
from packaging.utils import canonicalize_name

_TIMEOUT_S = 120.0
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def ask_pipreqs(modules: Iterable[str]) -> dict[str, str]:
    """Distribution names by top-level import, as far as pipreqs knows them; empty if it cannot run.

    Each import is asked for alone, since pipreqs does not say which name explains which import.
    """
    found: dict[str, str] = {}
    for module in filter(_IDENTIFIER.fullmatch, modules):
        with tempfile.TemporaryDirectory(prefix="lentiq-pipreqs-") as folder:
            Path(folder, "imports.py").write_text(f"import {module}\n", encoding="utf-8")
            command = [uv.find_uv_bin(), "tool", "run", "--python", ">=3.9,<3.13", "--no-python-downloads"]
            command += ["--from", "pipreqs>=0.5,<0.6", "pipreqs", "--print", "--mode", "no-pin", folder]
            try:
                done = subprocess.run(
                    command,
                    capture_output=True,
                    encoding="utf-8",
                    timeout=_TIMEOUT_S,
                    env={"UV_HTTP_RETRIES": "1", **os.environ},
                    cwd=folder,
                    check=True,
                )
            except (OSError, subprocess.SubprocessError):
                return found
        names = [line.strip() for line in done.stdout.splitlines() if _NAME.fullmatch(line.strip())]
        if len(names) == 1:
            found[module] = canonicalize_name(names[0])
    return found
