"""Manifests and tags of one repository on a registry server, request by request.

Section names in comments are those of the Distribution specification 1.1.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import httpx

from ..errors import Conflict, Denied, NotFound, Unavailable
from ..model import Descriptor
from .content import MANIFEST_TYPES, OCI_MANIFEST, digest_of, manifest_document, media_type_of
from .reference import is_digest, shown_host
from .referrers import EMPTY, bare_manifest
from .transport import RETRY_DELAYS_S, Interrupted, Transport, error_codes, error_words, jittered
from .uploads import put_blob

_PAGE = 1000
_ACCEPT = {"Accept": ", ".join(MANIFEST_TYPES)}
_BLOB_MISSING = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})
# Distribution 2 writes a blob's link in place: who has a manifest checked while another sends a blob of it
# once more may find the link empty, which is then called an invalid digest.
_BLOB_IN_WRITING = "DIGEST_INVALID"
_LINK_DELAYS_S = (0.02, 0.05, 0.1, 0.3, 1.0)
_GONE = frozenset({200, 202})
_FAILED = frozenset({500, 502, 503, 504})
_DELETE_ANSWERS = frozenset({200, 202, 400, 404, 405, 415})


class RemoteRepository:
    """One repository of a server (`claims.Tags`).

    Parameters
    ----------
    transport : Transport
    name : str
        In full, with the registry's prefix.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self._name = name
        self._shown = f"{shown_host(transport.host)}/{name}"
        self._manifests = f"/v2/{name}/manifests/"

    def get(self, reference: str) -> tuple[Descriptor, bytes]:
        """A manifest by tag or digest. Raises NotFound."""
        response = self._transport.send(
            "GET", self._manifests + reference, frozenset({200, 404}), repository=self._name, headers=_ACCEPT
        )
        if response.status_code == 404:
            mark = "@" if is_digest(reference) else ":"
            raise NotFound(f"There is no {self._shown}{mark}{reference}.", "Look at the list of blocks.")
        body = response.content
        document = manifest_document(body)
        if document is None or (is_digest(reference) and digest_of(body) != reference):
            raise Unavailable(
                f"Registry {self._transport.host} gave something that is no manifest.", "Check its address."
            )
        given = response.headers.get("Content-Type", "").partition(";")[0].strip()
        media_type = given if given in MANIFEST_TYPES else media_type_of(document)
        return Descriptor(media_type=media_type, digest=digest_of(body), size=len(body)), body

    def digest(self, tag: str) -> str | None:
        """What a tag names now, without reading it; None if there is no such tag."""
        response = self._transport.send(
            "HEAD", self._manifests + tag, frozenset({200, 404}), repository=self._name, headers=_ACCEPT
        )
        if response.status_code == 404:
            return None
        # "Pulling manifests": most registries say it.
        return response.headers.get("Docker-Content-Digest") or self.get(tag)[0].digest

    def put(self, reference: str, media_type: str, body: bytes) -> httpx.Response:
        """Store a manifest under a tag or its digest.

        Raises
        ------
        NotFound
            If one of its blobs is missing.
        Conflict
            If the registry does not let that tag move.
        """
        host = self._transport.host
        for delay in (*_LINK_DELAYS_S, None):
            response = self._transport.send(
                "PUT",
                self._manifests + reference,
                frozenset({200, 201, 202, 400, 404, 409, 412}),
                repository=self._name,
                right="push",
                headers={"Content-Type": media_type},
                content=body,
            )
            if response.status_code < 400:
                return response
            if delay is None or _BLOB_IN_WRITING not in error_codes(response):
                break
            time.sleep(jittered(delay))
        said = error_words(response)
        if response.status_code in (409, 412):
            raise Conflict(f"Registry {host} keeps {self._name}:{reference} as it is: {said}.", "Choose another name.")
        if _BLOB_MISSING & set(error_codes(response)):
            raise NotFound(f"Blob of the manifest is not in {host}/{self._name}: {said}.", "Send it first.")
        raise Unavailable(f"Registry {host} refused a manifest of {self._name}: {said}.", "Ask its owner.")

    def write(self, tag: str, media_type: str, body: bytes) -> None:
        """`put`, also of a manifest of nothing, whose one blob the repository may not have yet."""
        try:
            self.put(tag, media_type, body)
        except NotFound:
            put_blob(self._transport, self._name, EMPTY, digest_of(EMPTY))
            self.put(tag, media_type, body)

    # tags
    def list(self) -> list[str]:
        """All tags; empty if the repository does not exist ("Listing Tags")."""
        found: list[str] = []
        for response in pages(self._transport, f"/v2/{self._name}/tags/list?n={_PAGE}", self._name):
            if response.status_code != 200:
                break
            found.extend(items(response, "tags", self._transport.host))
        return found

    def now_s(self) -> float:
        """The registry's time, in seconds since the epoch; a registry that does not tell has this machine's."""
        if self._transport.now_s() is None:
            self._transport.send("HEAD", f"/v2/{self._name}/tags/list", frozenset(range(200, 600)), retry=False)
        return self._transport.now_s() or time.time()

    # deletion
    def can_delete(self) -> bool:
        """Whether this registry deletes at all, and lets us: asked by deleting what cannot be there."""
        try:
            return self._delete(digest_of(uuid.uuid4().bytes)) == 404
        except Denied:
            return False

    def erase(self, tag: str, media_type: str, body: bytes) -> None:
        """Delete a tag and the manifest `body`, which it alone names.

        Distribution 2 deletes the manifest before it looks for its tags, and fails at that while another tag
        is being written: then the tag is left, naming nothing. So what failed is written and deleted again.

        Raises
        ------
        Denied, Interrupted
            If it stays.
        """
        for delay in (*RETRY_DELAYS_S, None):
            status = self._delete(digest_of(body), fails=True)
            if status in _GONE:
                return
            if delay is None or status not in (404, *_FAILED):
                break
            time.sleep(jittered(delay))
            self.write(tag, media_type, body)
        if status in _FAILED:
            raise Interrupted(f"Registry {self._transport.host} fails to delete in {self._name}.", "Try again later.")
        raise self._undeletable()

    def delete_tag(self, tag: str) -> None:
        """Forget one tag; the manifest stays readable by digest.

        Registries of specification 1.1 delete tags ("Deleting tags"). Others delete manifests with all
        their tags only: there the tag is first moved to a manifest of its own, which is then deleted
        with it. Where nothing may be deleted at all, the tag is left as it was: Denied.
        """
        before, body = self.get(tag)
        if self._delete(tag) in _GONE:
            return
        if self._delete(digest_of(uuid.uuid4().bytes)) != 404:
            raise self._undeletable()
        stand_in = bare_manifest({"io.lentiq.deleted": uuid.uuid4().hex})
        self.write(tag, OCI_MANIFEST, stand_in)
        try:
            self.erase(tag, OCI_MANIFEST, stand_in)
        except Denied:
            self.put(tag, before.media_type, body)
            raise

    def _delete(self, reference: str, *, fails: bool = False) -> int:
        """The answer's status; with `fails`, 5xx are answers too."""
        response = self._transport.send(
            "DELETE",
            self._manifests + reference,
            _DELETE_ANSWERS | _FAILED if fails else _DELETE_ANSWERS,
            repository=self._name,
            right="delete",
        )
        return response.status_code

    def _undeletable(self) -> Denied:
        return Denied(
            f"Registry {self._transport.host} does not allow to delete in {self._name}.",
            "Ask its owner to enable deletion (REGISTRY_STORAGE_DELETE_ENABLED=true).",
        )


def pages(transport: Transport, address: str, name: str) -> Iterator[httpx.Response]:
    """A list's answers, page by page; the next one is named by a ``Link`` header (RFC 8288)."""
    seen: set[str] = set()
    while address and address not in seen:
        seen.add(address)
        response = transport.send("GET", address, frozenset({200, 404, 405}), repository=name)
        yield response
        following = response.links.get("next", {}).get("url", "")
        # Pages are the registry's own: whatever host the link names, it is this one that is asked.
        address = httpx.URL(f"http://x{address}").join(following).raw_path.decode() if following else ""


def items(response: httpx.Response, field: str, host: str) -> list[str]:
    """One page of a list."""
    try:
        return [str(one) for one in response.json().get(field) or []]
    except (ValueError, AttributeError) as error:
        raise Unavailable(f"What answers at {host} is no registry.", "Check its address.") from error
