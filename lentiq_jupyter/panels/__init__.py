"""The face inside notebooks: panels that compose workflows, run blocks and follow runs."""

from .block import BlockPanel
from .run import RunPanel
from .workflow import WorkflowPanel

__all__ = ["BlockPanel", "RunPanel", "WorkflowPanel"]
