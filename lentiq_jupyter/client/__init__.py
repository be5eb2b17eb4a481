"""The HTTP twin of the workspace: the same methods, over the server extension's routes. Standard library only."""

from .client import Client

__all__ = ["Client"]
