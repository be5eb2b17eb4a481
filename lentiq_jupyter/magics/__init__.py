"""The face on one line of a notebook: ``%lentiq publish | blocks | compose | run | runs | workflows | status``."""

from .magic import LentiqMagic, register

__all__ = ["LentiqMagic", "register"]
