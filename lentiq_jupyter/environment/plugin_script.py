"""Runs under the kernel's interpreter, alone: standard library only, Python 3.9 and later.

Prints a JSON list of all entry points there: ``[distribution, group, name]``. Nothing is imported.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import site
import sys


def main() -> None:
    """Print the list."""
    # As `probe_script`: isolated mode hides the user's own packages, which the kernel sees.
    user = site.getusersitepackages()
    if sys.prefix == sys.base_prefix and os.path.isdir(user) and user not in sys.path:
        sys.path.append(user)
    found = [
        [distribution.metadata["Name"], point.group, point.name]
        for distribution in importlib.metadata.distributions()
        for point in distribution.entry_points
    ]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
