"""Reading a notebook: what it imports, needs, takes and gives. Code is read here, never executed."""

from .analyse import analyse, secret_literals
from .data import LARGE_BYTES, large_file
from .notebook import notebook_python
from .system import package_of_program
from .taking import without_secrets

__all__ = [
    "LARGE_BYTES",
    "analyse",
    "large_file",
    "notebook_python",
    "package_of_program",
    "secret_literals",
    "without_secrets",
]
