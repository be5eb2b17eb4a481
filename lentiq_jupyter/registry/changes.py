"""How a reader of the catalogue learns, by one question, that nothing has changed.

A layout folder tells it by the state of its index file. In a registry server, whoever registers, removes
or deprecates says so in a manifest of the repository ``lentiq.changes``, tag ``now``: its annotation
lists the last changes, each by a random mark and the block's name. That is a hint, not a record: it may be
impossible to write, and of two who write at one instant one is lost. So readers look at everything
themselves once a minute.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..errors import Denied, LentiqError, NotFound
from ..interfaces import Registry
from .content import OCI_MANIFEST, digest_of
from .referrers import EMPTY, bare_manifest

_log = logging.getLogger(__name__)
REPOSITORY = "lentiq.changes"  # no block's name has a dot
TAG = "now"
ANNOTATION_CHANGES = "io.lentiq.changes"
_KEPT = 100
_TRIES = 3


@runtime_checkable
class Stateful(Protocol):
    """A registry that knows by itself when anything changed (the layout folder)."""

    def state(self) -> str:
        """Differs whenever any tag has changed."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What was last said of changes.

    `state` is equal as long as nothing was said; `entries` are marks and block names, oldest first; `exact`
    is True where nothing can change unsaid.
    """

    state: str
    entries: tuple[tuple[str, str], ...] = ()
    exact: bool = False

    def since(self, state: str) -> set[str] | None:
        """Blocks that changed after a reader saw `state`; None if that is not known."""
        if state == self.state:
            return set()
        marks = [mark for mark, _ in self.entries]
        return {name for _, name in self.entries[marks.index(state) + 1 :]} if state in marks else None


def read_hint(registry: Registry) -> Hint:
    """What `registry` says now; an empty hint where nobody ever said anything, or where it may not be read."""
    if isinstance(registry, Stateful):
        return Hint(registry.state(), exact=True)
    try:
        _, body = registry.get_manifest(REPOSITORY, TAG)
    except (NotFound, Denied):
        return Hint("")
    try:
        entries = json.loads(json.loads(body)["annotations"][ANNOTATION_CHANGES])
        known = tuple((str(mark), str(name)) for mark, name in entries)
    except (ValueError, KeyError, TypeError):
        known = ()
    return Hint(known[-1][0] if known else digest_of(body), known)


def say_changed(registry: Registry, name: str) -> None:
    """Tell readers that block `name` has changed. What goes wrong is ignored: they find out within a minute."""
    if isinstance(registry, Stateful):
        return
    mark = uuid.uuid4().hex[:12]
    try:
        for _ in range(_TRIES):
            entries = read_hint(registry).entries
            if any(one == mark for one, _ in entries):
                return
            told = json.dumps([*entries, (mark, name)][-_KEPT:], separators=(",", ":"))
            write_bare(registry, REPOSITORY, TAG, bare_manifest({ANNOTATION_CHANGES: told}))
    except LentiqError as error:
        _log.debug("Readers of %s are not told of a change: %s", registry.location, error)


def write_bare(registry: Registry, repository: str, tag: str, body: bytes) -> None:
    """Let a tag name a manifest of nothing, with the one blob it needs."""
    try:
        registry.put_manifest(repository, tag, OCI_MANIFEST, body)
    except NotFound:
        registry.put_blob(repository, EMPTY, digest_of(EMPTY))
        registry.put_manifest(repository, tag, OCI_MANIFEST, body)
