"""Records to JSON documents and back, with all faults of a document reported at once.

Own code rather than cattrs, because it runs in kernels that get the standard library only. Times are
ISO 8601 with offset; tuples are arrays; unknown fields are faults, so that a typing error in a
document is never silently ignored.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache, partial
from typing import Any, Optional, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from ..errors import BadInput, Invalid
from .values import Json

T = TypeVar("T")
_PLAIN = frozenset({str, int, float, bool, type(None)})
_UNIONS = (Union, getattr(types, "UnionType", Union))
# Where a value stands in its document: the path of what holds it, and its name or number there; None is the document.
_Path = Optional[tuple[Any, Union[str, int]]]
_Decoder = Callable[[Any, _Path, list[str]], object]


def encode(value: object) -> Json:
    """The JSON document of a record (or of a tuple, mapping, enum, time, plain value)."""
    kind = type(value)
    if kind in _PLAIN:
        return cast(Json, value)
    if dataclasses.is_dataclass(kind):
        return {name: encode(getattr(value, name)) for name in _names(kind)}
    if isinstance(value, Enum):
        return cast(str, value.value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [encode(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return cast(Json, value)


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(one.name for one in dataclasses.fields(cls))


def decode(cls: type[T], document: object) -> T:
    """The record of type `cls` that `document` describes; fields with defaults may be missing.

    Raises
    ------
    Invalid
        With every fault of the document, each beginning with its path.
    """
    faults: list[str] = []
    value = _decoder(cast(Any, cls))(document, None, faults)
    if faults:
        raise Invalid(f"Not a valid {cls.__name__.lower()}", tuple(faults))
    return cast(T, value)


@cache
def _decoder(kind: Any) -> _Decoder:
    """What reads a value of one type; made once a type, because asking what a type is costs more than reading it."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any or kind is object or (origin in _UNIONS and set(args) >= {bool, int, str}):
        return lambda given, path, faults: given
    if origin in _UNIONS:
        inner = _decoder(next(arg for arg in args if arg is not type(None)))
        if type(None) not in args:
            return inner
        return lambda given, path, faults: None if given is None else inner(given, path, faults)
    if dataclasses.is_dataclass(kind):
        return partial(_decode_record, cast(type, kind))
    if origin in (tuple, list, frozenset):
        return partial(_decode_list, origin, _decoder(args[0]))
    if origin is dict:
        return partial(_decode_dict, _decoder(args[1]))
    if kind is datetime:
        return _decode_time
    if issubclass(kind, Enum):
        return partial(_decode_enum, kind)
    return partial(_decode_plain, kind)


def _decode_list(origin: type, inner: _Decoder, given: object, path: _Path, faults: list[str]) -> object:
    if not isinstance(given, list):
        return _fault(faults, path, "a list", given)
    return origin([inner(item, (path, number), faults) for number, item in enumerate(given)])


def _decode_dict(inner: _Decoder, given: object, path: _Path, faults: list[str]) -> object:
    if not isinstance(given, dict):
        return _fault(faults, path, "an object", given)
    return {key: inner(item, (path, str(key)), faults) for key, item in given.items()}


def _decode_time(given: object, path: _Path, faults: list[str]) -> object:
    try:
        when = datetime.fromisoformat(str(given).replace("Z", "+00:00"))
    except ValueError:
        return _fault(faults, path, "a time like 2026-12-01T02:00+02:00", given)
    return when if when.tzinfo else _fault(faults, path, "a time with an offset", given)


def _decode_enum(kind: type[Enum], given: object, path: _Path, faults: list[str]) -> object:
    try:
        return kind(given)
    except ValueError:
        return _fault(faults, path, "one of " + ", ".join(str(one.value) for one in kind), given)


def _decode_plain(kind: type, given: object, path: _Path, faults: list[str]) -> object:
    if kind is float and isinstance(given, int) and not isinstance(given, bool):
        return float(given)
    if not isinstance(given, kind) or (kind is int and isinstance(given, bool)):
        words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        return _fault(faults, path, words.get(kind, kind.__name__), given)
    return given


def _decode_record(cls: type, given: object, path: _Path, faults: list[str]) -> object:
    if not isinstance(given, dict):
        return _fault(faults, path, "an object", given)
    known = _fields(cls)
    before = len(faults)
    for name in given:
        if name not in known:
            faults.append(f"{_words((path, str(name)))}: unknown; known are {', '.join(known)}")
    values = {}
    for name, (decoder, required) in known.items():
        if name in given:
            values[name] = decoder(given[name], (path, name), faults)
        elif required:
            faults.append(f"{_words((path, name))}: missing")
    if len(faults) > before:
        return None
    try:
        return cls(**values)
    except BadInput as error:
        faults.append(f"{_words(path) or cls.__name__.lower()}: {error}")
        return None


@cache
def _fields(cls: type) -> dict[str, tuple[_Decoder, bool]]:
    """What reads it and whether it must be given, by field."""
    hints = get_type_hints(cls)
    missing = dataclasses.MISSING
    return {
        one.name: (_decoder(hints[one.name]), one.default is missing and one.default_factory is missing)
        for one in dataclasses.fields(cls)
    }


def _words(path: _Path) -> str:
    """The path of a part: `tasks[0].name`; put in words only for a fault."""
    if path is None:
        return ""
    parent, step = path
    before = _words(parent)
    if isinstance(step, int):
        return f"{before}[{step}]"
    return f"{before}.{step}" if before else step


def _fault(faults: list[str], path: _Path, expected: str, given: object) -> object:
    shown = repr(given)
    faults.append(f"{_words(path) or 'document'}: expected {expected}, not {shown[:60]}")
    return None
