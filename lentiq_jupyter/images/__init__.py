"""From a recipe to an image: the recipe itself, its Dockerfile, and two builders of it."""

from .context import write_context
from .docker import DockerBuilder, docker_answers
from .dockerfile import dockerfile
from .installing import find_interpreter, find_uv
from .layers import LayersBuilder
from .recipe import make_recipe, recipe_documents

__all__ = [
    "DockerBuilder",
    "LayersBuilder",
    "docker_answers",
    "dockerfile",
    "find_interpreter",
    "find_uv",
    "make_recipe",
    "recipe_documents",
    "write_context",
]
