"""Reading a notebook: what it imports, needs, takes and gives. Code is read here, never executed."""

from .analyse import analyse
from .notebook import notebook_python
from .system import package_of_program

__all__ = ["analyse", "notebook_python", "package_of_program"]
