"""The face inside notebooks: panels that compose workflows and run blocks."""

from .block import BlockPanel
from .workflow import WorkflowPanel

__all__ = ["BlockPanel", "WorkflowPanel"]
