"""Blobs and manifests as bytes: read in chunks, hashed, their references and media types. Pure but for reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Conflict, Unavailable

CHUNK_BYTES = 1 << 20
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX)


def digest_of(body: bytes) -> str:
    """``sha256:…`` of some bytes."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


@contextmanager
def chunks_of(source: Path | bytes, start: int = 0) -> Iterator[Iterator[bytes]]:
    """The bytes of a file or a value from `start` on, in chunks of at most 1 MiB.

    Raises
    ------
    Unavailable
        If the file cannot be read; the message names it.
    """
    if isinstance(source, bytes):
        yield (source[at : at + CHUNK_BYTES] for at in range(start, len(source), CHUNK_BYTES))
        return
    try:
        stream = source.open("rb")
        stream.seek(start)
    except OSError as error:
        raise _unreadable(source, error) from error
    with stream:
        yield _read(source, stream.read)


def _read(source: Path, read: object) -> Iterator[bytes]:
    while True:
        try:
            chunk: bytes = read(CHUNK_BYTES)  # type: ignore[operator]  # bound method of an open file
        except OSError as error:
            raise _unreadable(source, error) from error
        if not chunk:
            return
        yield chunk


def _unreadable(source: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{source} cannot be read ({error.strerror}).", "Check that it exists and may be read.")


def size_of(source: Path | bytes) -> int:
    """Length in bytes. Raises Unavailable if the file is not there."""
    if isinstance(source, bytes):
        return len(source)
    try:
        return source.stat().st_size
    except OSError as error:
        raise _unreadable(source, error) from error


def changed(digest: str) -> Conflict:
    """The error for bytes that are not what their digest says."""
    return Conflict(f"The bytes sent as {digest} are other bytes.", "A file changed meanwhile; try again.")


def manifest_document(body: bytes) -> dict[str, object] | None:
    """A manifest's or index's document; None if the bytes are neither."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        return None
    return document if {"layers", "manifests", "config"} & set(document) else None


def media_type_of(document: dict[str, object]) -> str:
    """What a manifest or index calls itself, else what its shape says."""
    named = document.get("mediaType")
    if isinstance(named, str) and named:
        return named
    return OCI_INDEX if "manifests" in document else OCI_MANIFEST


def referenced_digests(document: dict[str, object]) -> list[str]:
    """Digests a registry must hold before this manifest or index; layers that live elsewhere (``urls``) excepted."""
    found: list[str] = []
    for field in ("config", "layers", "manifests"):
        value = document.get(field)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and not one.get("urls") and isinstance(one.get("digest"), str):
                found.append(one["digest"])
    return found
