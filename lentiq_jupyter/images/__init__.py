"""From a recipe to an image: the recipe itself, its Dockerfile, and two builders of it.

What needs Docker's library stands in `docker` and `docker_engine`, and is imported from there: building layers
does not wait for it.
"""

from .context import write_context
from .dockerfile import dockerfile
from .installing import find_interpreter, find_uv
from .instructions import base_of
from .layers import LayersBuilder
from .network import Network, uv_variables
from .recipe import make_recipe, recipe_documents

__all__ = [
    "LayersBuilder",
    "Network",
    "base_of",
    "dockerfile",
    "find_interpreter",
    "find_uv",
    "make_recipe",
    "recipe_documents",
    "uv_variables",
    "write_context",
]
