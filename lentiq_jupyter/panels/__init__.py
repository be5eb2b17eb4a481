"""The face inside notebooks: panels that compose workflows, run blocks and follow runs."""

try:
    from .block import BlockPanel
    from .run import RunPanel
    from .workflow import WorkflowPanel
except ImportError as error:
    if error.name not in ("anywidget", "ipywidgets", "traitlets"):
        raise
    # A kernel's environment has them only where panels are wanted.
    raise ImportError(f"Panels need {error.name}: %pip install anywidget ipywidgets", name=error.name) from error

__all__ = ["BlockPanel", "RunPanel", "WorkflowPanel"]
