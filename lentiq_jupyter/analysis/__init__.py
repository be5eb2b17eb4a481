"""Reading a notebook: what it imports, needs, takes and gives. Code is read here, never executed."""

from .analyse import analyse, secret_literals
from .notebook import notebook_python
from .system import package_of_program
from .taking import without_secrets

__all__ = ["analyse", "notebook_python", "package_of_program", "secret_literals", "without_secrets"]
