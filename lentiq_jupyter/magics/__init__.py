"""The face on one line of a notebook: ``%lentiq inspect``, ``publish``, ``blocks``, ``compose``, ``run`` and more."""

from .magic import LentiqMagic, register

__all__ = ["LentiqMagic", "register"]
