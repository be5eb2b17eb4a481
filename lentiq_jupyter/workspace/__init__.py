"""Use cases and wiring: what the faces call, and the only place that knows every room."""

from .settings import Settings, load_settings
from .workflow_file import read_workflow, write_workflow
from .workspace import Workspace

__all__ = ["Settings", "Workspace", "load_settings", "read_workflow", "write_workflow"]
