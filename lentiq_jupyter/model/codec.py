"""Records to JSON documents and back, with all faults of a document reported at once.

Own code rather than cattrs, because it runs in kernels that get the standard library only. Times are
ISO 8601 with offset; tuples are arrays; unknown fields are faults, so that a typing error in a
document is never silently ignored.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from ..errors import BadInput, Invalid
from .values import Json

T = TypeVar("T")
_UNIONS = (Union, getattr(types, "UnionType", Union))


def encode(value: object) -> Json:
    """The JSON document of a record (or of a tuple, mapping, enum, time, plain value)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: encode(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return cast(str, value.value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [encode(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return cast(Json, value)


def decode(cls: type[T], document: object) -> T:
    """The record of type `cls` that `document` describes; fields with defaults may be missing.

    Raises
    ------
    Invalid
        With every fault of the document, each beginning with its path.
    """
    faults: list[str] = []
    value = _decode(cls, document, "", faults)
    if faults:
        raise Invalid(f"Not a valid {cls.__name__.lower()}", tuple(faults))
    return cast(T, value)


def _decode(kind: Any, given: Any, path: str, faults: list[str]) -> object:
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any or kind is object or (origin in _UNIONS and set(args) >= {bool, int, str}):
        return given
    if origin in _UNIONS:
        if given is None and type(None) in args:
            return None
        return _decode(next(arg for arg in args if arg is not type(None)), given, path, faults)
    if dataclasses.is_dataclass(kind):
        return _decode_record(cast(type, kind), given, path, faults)
    if origin in (tuple, list, frozenset):
        if not isinstance(given, list):
            return _fault(faults, path, "a list", given)
        items = [_decode(args[0], item, f"{path}[{number}]", faults) for number, item in enumerate(given)]
        return cast(type, origin)(items)
    if origin is dict:
        if not isinstance(given, dict):
            return _fault(faults, path, "an object", given)
        return {key: _decode(args[1], item, f"{path}.{key}", faults) for key, item in given.items()}
    return _decode_plain(kind, given, path, faults)


def _decode_plain(kind: type, given: object, path: str, faults: list[str]) -> object:
    if kind is datetime:
        try:
            when = datetime.fromisoformat(str(given).replace("Z", "+00:00"))
        except ValueError:
            return _fault(faults, path, "a time like 2026-12-01T02:00+02:00", given)
        return when if when.tzinfo else _fault(faults, path, "a time with an offset", given)
    if issubclass(kind, Enum):
        try:
            return kind(given)
        except ValueError:
            return _fault(faults, path, "one of " + ", ".join(str(one.value) for one in kind), given)
    if kind is float and isinstance(given, int) and not isinstance(given, bool):
        return float(given)
    if not isinstance(given, kind) or (kind is int and isinstance(given, bool)):
        words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        return _fault(faults, path, words.get(kind, kind.__name__), given)
    return given


def _decode_record(cls: type, given: object, path: str, faults: list[str]) -> object:
    if not isinstance(given, dict):
        return _fault(faults, path, "an object", given)
    hints = get_type_hints(cls)
    known = {one.name: one for one in dataclasses.fields(cls)}
    before = len(faults)
    for name in given:
        if name not in known:
            faults.append(f"{_join(path, str(name))}: unknown; known are {', '.join(known)}")
    values = {}
    for name, one in known.items():
        if name in given:
            values[name] = _decode(hints[name], given[name], _join(path, name), faults)
        elif one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
            faults.append(f"{_join(path, name)}: missing")
    if len(faults) > before:
        return None
    try:
        return cls(**values)
    except BadInput as error:
        faults.append(f"{path or cls.__name__.lower()}: {error}")
        return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _fault(faults: list[str], path: str, expected: str, given: object) -> object:
    shown = repr(given)
    faults.append(f"{path or 'document'}: expected {expected}, not {shown[:60]}")
    return None
