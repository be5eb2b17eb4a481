"""Manifests and configurations as a registry has them, the last ones asked for kept in memory. They never change."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ..errors import Invalid
from ..interfaces import Registry
from .content import digest_of

_KEPT = 512
_CONFIG_LIMIT = 16 << 20


class Documents:
    """Documents of one registry, by digest; for any number of threads."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, digest: str, body: bytes) -> None:
        """Keep one for later; its digest must be right."""
        with self._lock:
            self._kept[digest] = body
            self._kept.move_to_end(digest)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def resolve(self, repository: str, tag: str) -> tuple[str, bytes]:
        """The digest a tag names now, and its manifest. Raises NotFound."""
        described, body = self._registry.get_manifest(repository, tag)
        self.keep(described.digest, body)
        return described.digest, body

    def manifest(self, repository: str, digest: str) -> bytes:
        """Raises NotFound."""
        body = self._find(digest)
        if body is None:
            _, body = self._registry.get_manifest(repository, digest)
            self.keep(digest, body)
        return body

    def config(self, repository: str, digest: str) -> bytes:
        """Raises NotFound, and Invalid if it is damaged."""
        body = self._find(digest)
        if body is None:
            with self._registry.open_blob(repository, digest) as stream:
                body = stream.read(_CONFIG_LIMIT)
            if digest_of(body) != digest:
                raise Invalid("An image configuration is damaged", (digest,), "Publish the block again.")
            self.keep(digest, body)
        return body

    def _find(self, digest: str) -> bytes | None:
        with self._lock:
            return self._kept.get(digest)
