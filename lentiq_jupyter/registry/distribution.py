"""Any registry that speaks OCI Distribution (specification 1.1) over HTTP.

Section names in comments are the specification's. What a registry may leave out (listing
repositories, deleting tags) is said plainly where it is missing.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote

import httpx

from ..errors import Conflict, Denied, LentiqError, NotFound, Unavailable
from ..model import Descriptor
from .content import (
    MANIFEST_TYPES,
    OCI_EMPTY,
    OCI_MANIFEST,
    changed,
    chunks_of,
    digest_of,
    manifest_document,
    media_type_of,
    size_of,
)
from .credentials import find_credential
from .reference import (
    DOCKER_HUB,
    check_digest,
    check_reference,
    check_repository,
    check_tag,
    is_digest,
    is_loopback,
    split_location,
)
from .transport import RETRY_DELAYS_S, Interrupted, Transport, error_codes, error_words

_PAGE = 1000
_ACCEPT = {"Accept": ", ".join(MANIFEST_TYPES)}
_BLOB_MISSING = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})


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
        shown = "docker.io" if host == DOCKER_HUB else host
        self.location = f"{shown}/{prefix}" if prefix else shown
        loopback = is_loopback(host)
        plain = plain_http if plain_http is not None else scheme == "http" or (scheme is None and loopback)
        self._transport = Transport(
            host,
            plain_http=plain,
            look_up=lambda: find_credential(host, docker_config),
            loopback=loopback,
            ca_file=ca_file,
        )

    def __repr__(self) -> str:
        return f"DistributionRegistry({self.location!r})"

    def pull_reference(self, repository: str, digest: str) -> str | None:
        """``host/prefix/repository@sha256:…``."""
        return f"{self.location}/{check_repository(repository)}@{check_digest(digest)}"

    # blobs
    def has_blob(self, repository: str, digest: str) -> bool:
        name = self._name(repository)
        address = f"/v2/{name}/blobs/{check_digest(digest)}"
        return self._transport.send("HEAD", address, frozenset({200, 404}), repository=name).status_code == 200

    def put_blob(
        self,
        repository: str,
        source: Path | bytes,
        digest: str,
        *,
        mount_from: str | None = None,
        report: Callable[[int], None] | None = None,
    ) -> int:
        """As the interface says; after a broken connection the blob is sent, and reported, from its start again."""
        name = self._name(repository)
        if self.has_blob(repository, digest):
            return 0
        size = size_of(source)
        start = None
        if mount_from is not None and check_repository(mount_from) != name:
            start = self._mount(name, digest, mount_from)
            if start is None:
                return 0
        for delay in (*RETRY_DELAYS_S, None):
            try:
                self._upload(name, source, size, digest, start, report)
            except Interrupted:
                if delay is None:
                    raise
                time.sleep(delay)
                start = None
            else:
                return size
        raise AssertionError("unreachable")

    def _mount(self, name: str, digest: str, mount_from: str) -> str | None:
        """None if the blob is now there ("Mounting a blob from another repository"), else where to send it, or ""."""
        address = f"/v2/{name}/blobs/uploads/?mount={quote(digest)}&from={quote(mount_from, safe='')}"
        response = self._transport.send(
            "POST", address, frozenset({201, 202, 401, 403, 404, 405}), repository=name, right="push",
            also_pull=mount_from,
        )  # fmt: skip
        if response.status_code == 201:
            return None
        # A registry that will not mount may have begun an ordinary upload instead.
        return response.headers.get("Location", "") if response.status_code == 202 else ""

    def _upload(
        self,
        name: str,
        source: Path | bytes,
        size: int,
        digest: str,
        start: str | None,
        report: Callable[[int], None] | None,
    ) -> None:
        """One POST and one PUT of the whole ("Pushing a blob monolithically", POST then PUT)."""
        if not start:
            opened = self._transport.send(
                "POST",
                f"/v2/{name}/blobs/uploads/",
                frozenset({202}),
                repository=name,
                right="push",
                content=b"",
                retry=False,
            )
            start = opened.headers.get("Location", "")
        address = f"{start}{'&' if '?' in start else '?'}digest={quote(digest)}"

        def chunks() -> Iterator[bytes]:
            left = size
            with chunks_of(source) as parts:
                for part in parts:
                    left -= len(part)
                    if left < 0:
                        break
                    yield part
                    if report is not None:
                        report(len(part))
            if left:  # the request announced another length
                raise changed(digest)

        try:
            response = self._transport.send(
                "PUT",
                address,
                frozenset({201, 400}),
                repository=name,
                right="push",
                headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
                content=chunks,
                retry=False,
            )
        except LentiqError:
            with suppress(LentiqError):  # what the registry kept of it is of no use; it would forget it by itself
                self._transport.send(
                    "DELETE", start, frozenset({202, 204, 404}), repository=name, right="push", retry=False
                )
            raise
        if response.status_code == 400:
            if "DIGEST_INVALID" in error_codes(response):
                raise changed(digest)
            raise Unavailable(f"Registry {self.host} refused a blob: {error_words(response)}.", "Ask its owner.")

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
        name = self._name(repository)
        address = f"/v2/{name}/manifests/{check_reference(reference)}"
        response = self._transport.send("GET", address, frozenset({200, 404}), repository=name, headers=_ACCEPT)
        if response.status_code == 404:
            mark = "@" if is_digest(reference) else ":"
            raise NotFound(f"There is no {self.location}/{repository}{mark}{reference}.", "Look at the list of blocks.")
        body = response.content
        document = manifest_document(body)
        if document is None or (is_digest(reference) and digest_of(body) != reference):
            raise Unavailable(f"Registry {self.host} gave something that is no manifest.", "Check its address.")
        given = response.headers.get("Content-Type", "").partition(";")[0].strip()
        media_type = given if given in MANIFEST_TYPES else media_type_of(document)
        return Descriptor(media_type=media_type, digest=digest_of(body), size=len(body)), body

    def put_manifest(self, repository: str, tag: str | None, media_type: str, body: bytes, *, new: bool = False) -> str:
        name = self._name(repository)
        digest = digest_of(body)
        if new and tag is not None and self._has_manifest(name, check_tag(tag)):
            raise Conflict(f"{repository}:{tag} exists already in {self.location}.", "Choose another version.")
        self._put(name, check_tag(tag) if tag is not None else digest, media_type, body)
        return digest

    def _put(self, name: str, reference: str, media_type: str, body: bytes) -> None:
        response = self._transport.send(
            "PUT",
            f"/v2/{name}/manifests/{reference}",
            frozenset({200, 201, 202, 400, 404}),
            repository=name,
            right="push",
            headers={"Content-Type": media_type},
            content=body,
        )
        if response.status_code not in (400, 404):
            return
        said = error_words(response)
        if _BLOB_MISSING & set(error_codes(response)):
            raise NotFound(f"Blob of the manifest is not in {self.host}/{name}: {said}.", "Send it first.")
        raise Unavailable(f"Registry {self.host} refused a manifest of {name}: {said}.", "Ask its owner.")

    def _has_manifest(self, name: str, reference: str) -> bool:
        address = f"/v2/{name}/manifests/{reference}"
        response = self._transport.send("HEAD", address, frozenset({200, 404}), repository=name, headers=_ACCEPT)
        return response.status_code == 200

    # names
    def tags(self, repository: str) -> list[str]:
        name = self._name(repository)
        return self._listed(f"/v2/{name}/tags/list?n={_PAGE}", "tags", name)

    def repositories(self) -> list[str]:
        """As the interface says. Raises Denied where the registry has no list of them (Docker Hub, GitHub)."""
        below = f"{self.prefix}/" if self.prefix else ""
        found = self._listed(f"/v2/_catalog?n={_PAGE}", "repositories", "")
        return sorted(one.removeprefix(below) for one in found if one.startswith(below))

    def _listed(self, address: str, field: str, name: str) -> list[str]:
        """All pages of a list; the next one is named by a ``Link`` header (RFC 8288, "Listing Tags")."""
        found: list[str] = []
        seen: set[str] = set()
        while address and address not in seen:
            seen.add(address)
            response = self._transport.send("GET", address, frozenset({200, 404, 405}), repository=name)
            if response.status_code != 200:
                if name:
                    return found
                raise Denied(
                    f"Registry {self.host} does not list its repositories.",
                    "Use a registry that does, or name the block you mean.",
                )
            try:
                items = response.json().get(field) or []
            except (ValueError, AttributeError) as error:
                raise Unavailable(f"What answers at {self.host} is no registry.", "Check its address.") from error
            found.extend(str(one) for one in items)
            following = response.links.get("next", {}).get("url", "")
            # Pages are the registry's own: whatever host the link names, it is this one that is asked.
            address = httpx.URL(f"http://x{address}").join(following).raw_path.decode() if following else ""
        return found

    def delete_tag(self, repository: str, tag: str) -> None:
        """Forget one tag; the manifest stays readable by digest, so that running tasks keep what they were given.

        Registries of specification 1.1 delete tags ("Deleting tags"). Others delete manifests with all
        their tags only: there the tag is first moved to an empty manifest of its own, which is then
        deleted with it. Where nothing may be deleted at all, the tag is left as it was: Denied.
        """
        name = self._name(repository)
        before, body = self.get_manifest(repository, check_tag(tag))
        if self._delete(name, tag) in (200, 202):
            return
        if self._delete(name, digest_of(uuid.uuid4().bytes)) != 404:
            raise self._undeletable(name)
        empty = b"{}"
        self.put_blob(repository, empty, digest_of(empty))
        config = {"mediaType": OCI_EMPTY, "digest": digest_of(empty), "size": len(empty)}
        stand_in = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": config,
                "layers": [config],
                "annotations": {"io.lentiq.deleted": uuid.uuid4().hex},
            }
        ).encode()
        self._put(name, tag, OCI_MANIFEST, stand_in)
        if self._delete(name, digest_of(stand_in)) not in (200, 202):
            self._put(name, tag, before.media_type, body)
            raise self._undeletable(name)

    def _delete(self, name: str, reference: str) -> int:
        response = self._transport.send(
            "DELETE",
            f"/v2/{name}/manifests/{reference}",
            frozenset({200, 202, 400, 404, 405, 415}),
            repository=name,
            right="delete",
        )
        return response.status_code

    def _undeletable(self, name: str) -> Denied:
        return Denied(
            f"Registry {self.host} does not allow to delete in {name}.",
            "Ask its owner to enable deletion (REGISTRY_STORAGE_DELETE_ENABLED=true).",
        )

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
