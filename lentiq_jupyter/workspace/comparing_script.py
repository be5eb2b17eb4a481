"""What differs between two notebooks, cell by cell, as nbdime says it.

A program of its own, so that it can be stopped: some notebooks take nbdime longer than anybody waits. It
reads a JSON array of the old and the new notebook and writes text.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Compare what comes on standard input."""
    # Loaded by jsonschema where it is there, for a format that no notebook has; it takes seconds.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    import nbformat
    from nbdime import diff_notebooks
    from nbdime.prettyprint import PrettyPrintConfig, pretty_print_diff

    old, new = (nbformat.from_dict(one) for one in json.load(sys.stdin))
    config = PrettyPrintConfig(out=sys.stdout, use_git=False, use_diff=False, use_color=False)
    config.id = config.details = config.outputs = False
    pretty_print_diff(old, diff_notebooks(old, new), "", config)


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    main()
