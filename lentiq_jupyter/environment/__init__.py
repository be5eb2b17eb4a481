"""From imports to pinned distributions: what the kernel has installed first, uv's resolver for the rest."""

from .installed import Distribution, Installed
from .kernels import python_of
from .live import ask_kernel
from .naming import Naming, Need, name_distributions
from .probe import probe
from .providers import KERNEL, Provider, Providers
from .resolve import Resolution, resolve
from .system import SystemNeeds, package_of_library, system_needs
from .uv_compile import uv_settings

__all__ = [
    "KERNEL",
    "Distribution",
    "Installed",
    "Naming",
    "Need",
    "Provider",
    "Providers",
    "Resolution",
    "SystemNeeds",
    "ask_kernel",
    "name_distributions",
    "package_of_library",
    "probe",
    "python_of",
    "resolve",
    "system_needs",
    "uv_settings",
]
