"""From imports to pinned distributions: what the kernel has installed first, uv's resolver for the rest."""

from .installed import Distribution, Installed
from .kernels import python_of
from .live import ask_kernel
from .naming import Naming, Need, name_distributions
from .probe import probe
from .resolve import Resolution, resolve

__all__ = [
    "Distribution",
    "Installed",
    "Naming",
    "Need",
    "Resolution",
    "ask_kernel",
    "name_distributions",
    "probe",
    "python_of",
    "resolve",
]
