"""Any registry that speaks OCI Distribution (specification 1.1) over HTTP.

Section names in comments are the specification's. What a registry may leave out (listing
repositories, deleting tags) is said plainly where it is missing.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import httpx

from ..errors import Conflict, Denied, NotFound, Unavailable
from ..model import Descriptor
from .attachments import put_referrer, referrers
from .claims import Claimed, sweep_claims, write_and_look, write_once
from .content import digest_of
from .credentials import find_credential
from .reference import (
    check_digest,
    check_reference,
    check_repository,
    check_tag,
    is_loopback,
    shown_host,
    split_location,
)
from .referrers import EMPTY, attached_document, attachment_manifest
from .remote import RemoteRepository, items, pages
from .transport import Transport
from .uploads import has_blob, put_blob

_PAGE = 1000


class DistributionRegistry:
    """A registry server (interfaces.Registry).

    Parameters
    ----------
    location : str
        ``[scheme://]host[:port][/prefix]``; repositories are taken below the prefix. Without a scheme,
        plain HTTP is spoken to this very machine only.
    plain_http : bool or None
        Overrides that; None leaves it.
    ca_file : Path or None
        Certificates to trust beside the system's.
    docker_config : Path or None
        Folder of Docker's ``config.json``; None: where Docker has it.

    Notes
    -----
    `mount_from` of `put_blob` is a full repository name on the host, not below the prefix: base images
    are elsewhere than blocks.
    """

    def __init__(
        self,
        location: str,
        *,
        plain_http: bool | None = None,
        ca_file: Path | None = None,
        docker_config: Path | None = None,
    ) -> None:
        scheme, host, prefix = split_location(location)
        self.host = host
        self.prefix = prefix
        self.location = f"{shown_host(host)}/{prefix}" if prefix else shown_host(host)
        loopback = is_loopback(host)
        plain = plain_http if plain_http is not None else scheme == "http" or (scheme is None and loopback)
        self._transport = Transport(
            host,
            plain_http=plain,
            look_up=lambda: find_credential(host, docker_config),
            loopback=loopback,
            ca_file=ca_file,
        )
        self._deletes: dict[str, bool] = {}

    def __repr__(self) -> str:
        return f"DistributionRegistry({self.location!r})"

    def pull_reference(self, repository: str, digest: str) -> str | None:
        """``host/prefix/repository@sha256:…``."""
        return f"{self.location}/{check_repository(repository)}@{check_digest(digest)}"

    # blobs
    def has_blob(self, repository: str, digest: str) -> bool:
        return has_blob(self._transport, self._name(repository), digest)

    def put_blob(
        self,
        repository: str,
        source: Path | bytes,
        digest: str,
        *,
        mount_from: str | None = None,
        ask: bool = True,
        report: Callable[[int], None] | None = None,
    ) -> int:
        """As the interface says; after a break, what the registry has is not sent again where it says how much."""
        name = self._name(repository)
        return put_blob(self._transport, name, source, digest, mount_from=mount_from, ask=ask, report=report)

    @contextmanager
    def open_blob(self, repository: str, digest: str) -> Iterator[BinaryIO]:
        name = self._name(repository)
        address = f"/v2/{name}/blobs/{check_digest(digest)}"
        with self._transport.stream(
            "GET", address, frozenset({200, 404}), repository=name, headers={"Accept-Encoding": "identity"}
        ) as response:
            if response.status_code == 404:
                raise NotFound(f"There is no blob {digest} in {self.location}/{repository}.", "Publish it again.")
            with io.BufferedReader(_Verified(response, digest, self._transport), 1 << 18) as stream:
                yield cast(BinaryIO, stream)

    # manifests
    def get_manifest(self, repository: str, reference: str) -> tuple[Descriptor, bytes]:
        return self._remote(repository).get(check_reference(reference))

    def put_manifest(self, repository: str, tag: str | None, media_type: str, body: bytes, *, new: bool = False) -> str:
        remote = self._remote(repository)
        digest = digest_of(body)
        if not new or tag is None:
            remote.put(check_tag(tag) if tag is not None else digest, media_type, body)
            return digest
        once = write_once if self._can_delete(repository) else write_and_look
        try:
            once(remote, check_tag(tag), media_type, body)
        except Claimed:
            raise
        except Conflict as error:
            raise Conflict(
                f"{repository}:{tag} exists already in {self.location}.", "Choose another version."
            ) from error
        return digest

    def sweep(self, repository: str) -> list[str]:
        """Remove claims on tags whose owners have died; returns the claims' tags."""
        return sweep_claims(self._remote(repository)) if self._can_delete(repository) else []

    # referrers
    def attach(
        self,
        repository: str,
        subject: Descriptor,
        artifact_type: str,
        media_type: str,
        body: bytes,
        *,
        alone: bool = False,
    ) -> str:
        document = Descriptor(media_type=media_type, digest=digest_of(body), size=len(body))
        manifest = attachment_manifest(subject, artifact_type, document)
        remote = self._remote(repository)
        try:
            put_referrer(remote, subject.digest, artifact_type, manifest, alone=alone)
        except NotFound:  # what it names is not there yet
            for blob in (EMPTY, body):
                self.put_blob(repository, blob, digest_of(blob))
            put_referrer(remote, subject.digest, artifact_type, manifest, alone=alone)
        return digest_of(manifest)

    def attached(self, repository: str, digest: str, artifact_type: str) -> list[bytes]:
        remote = self._remote(repository)
        found = []
        for one in referrers(self._transport, remote, self._name(repository), check_digest(digest), artifact_type):
            document = attached_document(remote.get(one)[1])
            if document is not None:
                with self.open_blob(repository, document) as stream:
                    found.append(stream.read())
        return found

    # names
    def tags(self, repository: str) -> list[str]:
        return self._remote(repository).list()

    def repositories(self) -> list[str]:
        """As the interface says. Raises Denied where the registry has no list of them (Docker Hub, GitHub)."""
        below = f"{self.prefix}/" if self.prefix else ""
        found: list[str] = []
        for response in pages(self._transport, f"/v2/_catalog?n={_PAGE}", ""):
            if response.status_code != 200:
                raise Denied(
                    f"Registry {self.host} does not list its repositories.",
                    "Use a registry that does, or name the block you mean.",
                )
            found.extend(items(response, "repositories", self.host))
        return sorted(one.removeprefix(below) for one in found if one.startswith(below))

    def delete_tag(self, repository: str, tag: str) -> None:
        """Forget one tag; the manifest stays readable by digest, so that running tasks keep what they were given.

        Denied, with the tag as it was, where the registry deletes nothing.
        """
        self._remote(repository).delete_tag(check_tag(tag))

    def _can_delete(self, repository: str) -> bool:
        if repository not in self._deletes:
            self._deletes[repository] = self._remote(repository).can_delete()
        return self._deletes[repository]

    def _remote(self, repository: str) -> RemoteRepository:
        return RemoteRepository(self._transport, self._name(repository))

    def _name(self, repository: str) -> str:
        check_repository(repository)
        return f"{self.prefix}/{repository}" if self.prefix else repository


class _Verified(io.RawIOBase):
    """A response's bytes, which must in the end be those of the digest."""

    def __init__(self, response: httpx.Response, digest: str, transport: Transport) -> None:
        self._chunks = response.iter_raw(1 << 18)
        self._digest = digest
        self._transport = transport
        self._hasher = hashlib.sha256()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io's own stub says WriteableBuffer
        if not self._rest:
            try:
                self._rest = next(self._chunks, b"")
            except httpx.TransportError as error:
                raise self._transport.unreachable(error) from error
            self._hasher.update(self._rest)
            if not self._rest and "sha256:" + self._hasher.hexdigest() != self._digest:
                raise Unavailable(f"Blob {self._digest} arrived damaged.", "Try again.")
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)
