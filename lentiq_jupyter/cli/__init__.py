"""The command line: parses words, calls the workspace, prints. Importing it loads nothing heavy."""

from .app import app, main
from .shell import service

__all__ = ["app", "main", "service"]
