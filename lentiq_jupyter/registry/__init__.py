"""Where blocks live: any OCI registry, a folder or a server, and the catalogue that is read from it."""

from .catalogue import Catalogue
from .distribution import DistributionRegistry
from .layout import LayoutRegistry
from .opening import open_registry
from .reference import parse_reference

__all__ = ["Catalogue", "DistributionRegistry", "LayoutRegistry", "open_registry", "parse_reference"]
