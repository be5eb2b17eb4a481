"""Where tasks run: processes of this machine, or containers of a Docker Engine."""

from .docker import DockerExecutor
from .process import ProcessExecutor

__all__ = ["DockerExecutor", "ProcessExecutor"]
