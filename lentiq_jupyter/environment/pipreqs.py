"""pipreqs, the last witness: a second table of import names, for what nothing else explains.

It runs in an environment of its own that uv makes, because its pins (an old IPython, Python before
3.13) must never reach the user's. Only its table is asked: its command would look every name up at
an index of its own choosing, and stops altogether where that one does not answer. Whatever goes wrong
with it, nothing is lost.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable

import uv
from packaging.utils import canonicalize_name

from ..mortal import mortal
from ..scratch import scratch_folder
from .uv_compile import UV_SETTINGS

WORK = "lentiq-pipreqs-"
_TIMEOUT_S = 120.0
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCRIPT = """import json, sys
from pipreqs.pipreqs import get_pkg_names
print(json.dumps({name: get_pkg_names([name]) for name in sys.argv[1:]}))"""


def ask_pipreqs(modules: Iterable[str]) -> dict[str, str]:
    """Distribution names by top-level import, as far as pipreqs knows other ones; empty if it cannot run."""
    asked = [module for module in modules if _IDENTIFIER.fullmatch(module)]
    if not asked:
        return {}
    command = [uv.find_uv_bin(), "run", "--no-project", "--isolated", "--python", ">=3.9,<3.13"]
    command += ["--no-python-downloads", "--with", "pipreqs>=0.5,<0.6", "--", "python", "-I", "-c", _SCRIPT, *asked]
    try:
        with scratch_folder(WORK) as folder:
            done = subprocess.run(
                mortal(command),
                capture_output=True,
                encoding="utf-8",
                timeout=_TIMEOUT_S,
                env={"UV_HTTP_RETRIES": "1", **os.environ, **UV_SETTINGS.get()},
                cwd=folder,
                check=True,
            )
        answers = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    names = {module: canonicalize_name(named[0]) for module, named in answers.items() if len(named) == 1}
    return {module: name for module, name in names.items() if name != canonicalize_name(module)}
