"""From a recipe to an image: the recipe itself, its Dockerfile, and two builders of it."""

from .context import write_context
from .docker import DockerBuilder
from .dockerfile import dockerfile
from .layers import LayersBuilder
from .recipe import make_recipe, recipe_documents

__all__ = ["DockerBuilder", "LayersBuilder", "dockerfile", "make_recipe", "recipe_documents", "write_context"]
