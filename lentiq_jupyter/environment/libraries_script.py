"""Runs under the kernel's interpreter, alone: standard library only, Python 3.9 and later.

Standard input brings a JSON list of distributions; prints ``{distribution: [shared object, …]}`` with
absolute paths. Nothing is imported.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import site
import sys

SHARED = re.compile(r"\.so(\.[0-9a-z]+)*$")


def main() -> None:
    """Print the document."""
    # As `probe_script`: isolated mode hides the user's own packages, which the kernel sees.
    user = site.getusersitepackages()
    if sys.prefix == sys.base_prefix and os.path.isdir(user) and user not in sys.path:
        sys.path.append(user)
    found = {}
    for name in json.load(sys.stdin):
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if (distribution.read_text("INSTALLER") or "").strip() == "conda":
            continue  # conda's files need conda's libraries; the image gets the index's wheels
        paths = [path for path in distribution.files or () if SHARED.search(path.name)]
        found[name] = [str(distribution.locate_file(path)) for path in paths]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
