"""Where blocks live: any OCI registry, a folder or a server, and the catalogue that is read from it."""

from .layout import LayoutRegistry
from .reference import parse_reference

__all__ = ["LayoutRegistry", "parse_reference"]
