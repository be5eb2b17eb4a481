"""What the catalogue has read once: manifests and configurations by digest, and which digest a version is.

The first never change. The second may, if a version is removed and made again, so whoever relies on
one asks the registry. Losing this folder costs requests, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from .content import digest_of

_log = logging.getLogger(__name__)


class Cache:
    """Documents and digests of one registry.

    Parameters
    ----------
    folder : Path or None
        Shared by registries and processes; None keeps to memory.
    location : str
        The registry, since two may have blocks of one name.
    """

    def __init__(self, folder: Path | None, location: str) -> None:
        self._folder = folder
        self._key = hashlib.sha256(location.encode()).hexdigest()[:16]
        self._documents: dict[str, bytes] = {}
        self._versions: dict[str, dict[str, str]] = {}

    def document(self, digest: str) -> bytes | None:
        """A manifest or configuration; None if it is not known."""
        known = self._documents.get(digest)
        if known is None and self._folder is not None:
            with suppress(OSError):
                read = self._document_path(self._folder, digest).read_bytes()
                if digest_of(read) == digest:
                    known = self._documents[digest] = read
        return known

    def keep_document(self, digest: str, body: bytes) -> None:
        """Keep one for later; its digest must be right."""
        self._documents[digest] = body
        if self._folder is not None:
            _write(self._document_path(self._folder, digest), body)

    def versions(self, repository: str) -> dict[str, str]:
        """Digests by version, as far as known."""
        if repository not in self._versions:
            found: object = None
            if self._folder is not None:
                with suppress(OSError, ValueError):
                    found = json.loads(self._versions_path(self._folder, repository).read_bytes())
            self._versions[repository] = (
                {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
            )
        return dict(self._versions[repository])

    def keep_versions(self, repository: str, digests: dict[str, str]) -> None:
        """Replace what is known of a repository."""
        if self.versions(repository) != digests:
            self._versions[repository] = dict(digests)
            if self._folder is not None:
                _write(self._versions_path(self._folder, repository), json.dumps(digests).encode())

    def _document_path(self, folder: Path, digest: str) -> Path:
        return folder / "documents" / digest.removeprefix("sha256:")

    def _versions_path(self, folder: Path, repository: str) -> Path:
        return folder / "versions" / self._key / f"{repository}.json"


def _write(path: Path, body: bytes) -> None:
    """In one step; a folder that cannot be written costs only time, so it is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        with open(descriptor, "wb") as stream:
            stream.write(body)
        os.replace(name, path)
    except OSError as error:
        _log.debug("%s cannot be kept (%s).", path, error.strerror)
