"""Many blocks in one file that is quick to read: a cache, which only this package writes.

Reading a block by `model.decode` takes a millisecond, since it checks every value; a thousand of them
should take a tenth of that. What is in the file was checked before it was written, so it is
rebuilt without checks, and a checksum tells whether it is what was written. The same pinned packages are in
most blocks; each is written once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from ..model import Block, PinnedPackage, encode
from ..model.values import Json

_UNIONS = (Union, types.UnionType)
_PLAIN = (str, int, float, bool)


class Compactor:
    """Turns blocks into documents and back, with one table of packages."""

    def __init__(self, packages: list[list[str]] | None = None) -> None:
        self.packages: list[list[str]] = packages or []
        self._numbers = {tuple(one): number for number, one in enumerate(self.packages)}
        self._records = [PinnedPackage(name=name, version=version, witness=by) for name, version, by in self.packages]

    def pack(self, block: Block) -> dict[str, Any]:
        """The document of a block, its packages as numbers."""
        numbers = [self._number(one) for one in block.spec.packages]
        bare = dataclasses.replace(block, spec=dataclasses.replace(block.spec, packages=()))
        document = cast("dict[str, Any]", encode(bare))
        document["spec"]["packages"] = numbers
        return document

    def unpack(self, document: Mapping[str, Any]) -> Block:
        """The block of such a document, which is not changed."""
        spec = {**document["spec"], "packages": ()}
        block: Block = _builder(Block)({**document, "spec": spec})
        packages = tuple(self._records[number] for number in document["spec"]["packages"])
        object.__setattr__(block.spec, "packages", packages)  # nobody else has it yet
        return block

    def _number(self, package: PinnedPackage) -> int:
        key = (package.name, package.version, package.witness)
        if key not in self._numbers:
            self._numbers[key] = len(self.packages)
            self.packages.append(list(key))
            self._records.append(package)
        return self._numbers[key]


def write_checked(document: Json) -> bytes:
    """A document with its checksum before it."""
    text = json.dumps([_shape(Block), document], separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def read_checked(body: bytes) -> Any | None:
    """What `write_checked` was given; None for anything else, a file of another release included."""
    checksum, _, text = body.partition(b"\n")
    if hashlib.sha256(text).hexdigest().encode() != checksum:
        return None
    shape, document = json.loads(text)
    return document if shape == _shape(Block) else None


@cache
def _shape(kind: Any) -> str:
    """A text that differs if a record has other fields."""
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return str([f"{one.name}:{_shape(hints[one.name])}" for one in dataclasses.fields(kind)])
    args = get_args(kind)
    return f"[{','.join(map(_shape, args))}]" if args else getattr(kind, "__name__", str(kind))


@cache
def _builder(kind: Any) -> Callable[[Any], Any]:
    """What makes a value of type `kind` of its document."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in _UNIONS and type(None) in args and len(args) == 2:
        inner = _builder(next(arg for arg in args if arg is not type(None)))
        return lambda given: None if given is None else inner(given)
    if dataclasses.is_dataclass(kind):
        return _record_builder(kind)
    if origin is tuple:
        if args[0] in _PLAIN:
            return tuple
        inner = _builder(args[0])
        return lambda given: tuple(map(inner, given))
    if kind is datetime:
        return datetime.fromisoformat
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return lambda given: given


def _record_builder(cls: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(cls)
    special = [
        (one.name, _builder(hints[one.name])) for one in dataclasses.fields(cls) if hints[one.name] not in _PLAIN
    ]
    names = [one.name for one in dataclasses.fields(cls)]
    new, put = cls.__new__, object.__setattr__

    def build(given: Mapping[str, Any]) -> Any:
        values = dict(given)
        for name, make in special:
            values[name] = make(values[name])
        made = new(cls)
        for name in names:
            put(made, name, values[name])
        return made

    return build
