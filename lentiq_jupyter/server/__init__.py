"""The face for browsers and kernels: a Jupyter Server extension with REST routes under ``/lentiq/``."""

from .extension import LentiqExtension

__all__ = ["LentiqExtension"]
