"""`record`: the decorator of every value in this package. Standard library only."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from enum import StrEnum as StrEnum
    from typing import dataclass_transform
else:

    class StrEnum(str, Enum):
        """`enum.StrEnum` of Python 3.11, for the 3.9 and 3.10 inside images."""

        def __str__(self) -> str:
            return str(self.value)

    def dataclass_transform(**_: object):
        """`typing.dataclass_transform` of Python 3.11: a hint to type checkers, nothing at run time."""
        return lambda decorator: decorator


T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make `cls` a frozen, slotted, keyword-only dataclass.

    Python 3.9 knows neither slots nor keyword-only: there the class is only frozen, so fields
    without a default must come first.
    """
    extras = {"slots": True, "kw_only": True} if sys.version_info >= (3, 10) else {}
    return dataclass(frozen=True, **extras)(cls)
