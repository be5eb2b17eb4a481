"""Where blocks live: any OCI registry, a folder or a server, and the catalogue that is read from it."""

from .distribution import DistributionRegistry
from .layout import LayoutRegistry
from .opening import open_registry
from .reference import parse_reference

__all__ = ["DistributionRegistry", "LayoutRegistry", "open_registry", "parse_reference"]
