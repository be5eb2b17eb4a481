"""Use cases and wiring: what the faces call, and the only place that knows every room."""

from .settings import Settings, load_settings
from .workspace import Workspace

__all__ = ["Settings", "Workspace", "load_settings"]
