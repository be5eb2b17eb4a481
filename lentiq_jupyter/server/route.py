"""A route: verb, path and function. Everything else is read from the function's signature.

Path parameters stand in braces in the path, a parameter `body` is the request's JSON document (with a
default: it may be left out), any other is a query parameter; the return annotation is the answer (None:
204, bytes: a notebook, str: figures as Prometheus reads them).
Handlers, document and tests all read these same facts, so they cannot differ.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

_BRACES = re.compile(r"\{(\w+)\}")
_MEDIA: dict[type, str] = {bytes: "application/x-ipynb+json", str: "text/plain; version=0.0.4; charset=utf-8"}


@dataclass(frozen=True)
class Query:
    """One query parameter; `default` None means it may be missing without one."""

    name: str
    kind: type
    default: object
    required: bool = False


@dataclass(frozen=True)
class Route:
    """One verb of one path under ``/lentiq/``.

    `function` takes a `Call` and its parameters. Plain functions may block (they run in the thread
    pool), coroutine functions run on the event loop. `status` is the code of success.
    """

    verb: str
    path: str
    function: Callable[..., Any]
    status: int = 200

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.function)

    @property
    def name(self) -> str:
        """The operation's name."""
        return self.function.__name__

    @property
    def summary(self) -> str:
        """First line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the path parameters, in order."""
        return tuple(_BRACES.findall(self.path))

    @property
    def pattern(self) -> str:
        """Regular expression of the path; parameters are checked later, for a better message than 404."""
        return _BRACES.sub(r"(?P<\1>[^/]+)", self.path)

    @property
    def body(self) -> type | None:
        """Record of the request's document; None without a body."""
        return self._hints.get("body")

    @property
    def body_required(self) -> bool:
        """Whether a request must have a document."""
        given = inspect.signature(self.function).parameters.get("body")
        return given is not None and given.default is given.empty

    @property
    def answer(self) -> type | None:
        """Record of the answer, bytes for a notebook, str for text, None for no content."""
        found = self._hints["return"]
        return None if found is type(None) else found

    @property
    def media(self) -> str:
        """What the answer is, as the Content-Type header says it; "application/json" for a record."""
        return _MEDIA.get(self.answer, "application/json") if self.answer else ""

    @property
    def query(self) -> tuple[Query, ...]:
        """The query parameters."""
        taken = {"call", "body", *self.parameters}
        return tuple(
            Query(
                one.name,
                _plain(self._hints[one.name]),
                None if one.default is one.empty else one.default,
                one.default is one.empty,
            )
            for one in inspect.signature(self.function).parameters.values()
            if one.name not in taken
        )


def _plain(kind: Any) -> type:
    """``str`` of ``str | None``."""
    found: type = next((one for one in getattr(kind, "__args__", ()) if one is not type(None)), kind)
    return found
