"""Programs that end with whoever started them, even where that was killed. Standard library only."""

from __future__ import annotations

import os
import shutil
from functools import cache

__all__ = ["mortal"]


def mortal(command: list[str]) -> list[str]:
    """The command that does the same and gets SIGKILL when the thread that started it is gone.

    By setpriv of util-linux, which asks the kernel for that and becomes the program. Where it is missing the
    command stays as it is: uv then ends a little later, with its work. So it does if there is no such program,
    whose absence the caller is to find.
    """
    setpriv = _setpriv()
    if not setpriv or shutil.which(command[0]) is None:
        return command
    return [setpriv, "--pdeathsig", "KILL", "--", *command]


@cache
def _setpriv() -> str | None:
    found = shutil.which("setpriv")
    # BusyBox has one that does not know this option.
    return found if found and os.path.basename(os.path.realpath(found)) == "setpriv" else None
