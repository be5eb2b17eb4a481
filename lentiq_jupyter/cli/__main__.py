"""``python -m lentiq_jupyter.cli``: the command ``lentiq`` where its script is not on PATH."""

from .app import main

main()
