"""What may follow in a ``%lentiq`` line: verbs, options, and names that the service knows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable

from ..errors import LentiqError
from .words import build_parser, verbs_of

if TYPE_CHECKING:
    from ..interfaces import Service

# Names are asked for again after that many seconds: a key press must not wait for the network each time.
_KEPT_S = 10.0
# What the first word after a verb names.
_NAMED = {
    "show": "blocks",
    "run": "blocks",
    "compose": "workflows",
    "start": "workflows",
    "logs": "runs",
    "watch": "runs",
    "runs": "runs",
}


class Completer:
    """A completer of IPython for the magic.

    Parameters
    ----------
    service : callable giving the Service; whatever keeps it from answering completes nothing
    """

    def __init__(self, service: Callable[[], Service], clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._kept: dict[str, tuple[float, list[str]]] = {}

    def __call__(self, shell: Any, event: Any) -> list[str]:
        """Words that may stand where the cursor is; `event` has `line` (up to there) and `symbol` (the word begun)."""
        before = event.line[: len(event.line) - len(event.symbol)].split()[1:]
        return [one for one in self.words(before) if one.startswith(event.symbol)]

    def words(self, before: list[str]) -> list[str]:
        """Words that may follow those, the magic's name left out."""
        verbs = verbs_of(build_parser())
        if not before:
            return list(verbs)
        parser = verbs.get(before[0])
        if parser is None:
            return []
        options = {option: one for one in parser._actions for option in one.option_strings}
        last = options.get(before[-1])
        if last is not None and last.nargs != 0:
            return [str(one) for one in last.choices or ()]
        given = any(not word.startswith("-") for word in before[1:])
        named = [] if given or before[0] not in _NAMED else self._names(_NAMED[before[0]])
        return [*named, *(one for one in options if one.startswith("--"))]

    def _names(self, kind: str) -> list[str]:
        now = self._clock()
        if kind in self._kept and now - self._kept[kind][0] < _KEPT_S:
            return self._kept[kind][1]
        try:
            found = self._ask(kind)
        except LentiqError:
            found = []
        self._kept[kind] = (now, found)
        return found

    def _ask(self, kind: str) -> list[str]:
        service = self._service()
        if kind == "blocks":
            return [one.spec.name for one in service.blocks()]
        if kind == "runs":
            return [one.id for one in service.runs(limit=20)]
        rows: Any = service.workflows()
        return [str(one["workflow"]["name"]) for one in rows]
