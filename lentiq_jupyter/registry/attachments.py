"""Adds documents to manifests on a registry server, and finds them; see `referrers` for their form.

Section names in comments are those of the Distribution specification 1.1.
"""

from __future__ import annotations

import random
import time
from urllib.parse import quote

from ..errors import Conflict, NotFound
from .content import OCI_INDEX, OCI_MANIFEST, digest_of
from .referrers import referrers_in, referrers_tag, with_referrer
from .remote import RemoteRepository, pages
from .transport import Transport

_TRIES = 20


def put_referrer(
    remote: RemoteRepository, subject: str, artifact_type: str, manifest: bytes, *, alone: bool = False
) -> None:
    """Store an attachment's manifest, its blobs being there, and have it listed with the digest `subject`.

    Where the registry keeps no list itself, the index that the subject's tag names is rewritten. Nothing
    locks a tag: of two who read one index and write theirs, the first is lost. So each looks again, after
    twice the time its own reading and writing took, and adds itself once more if need be. `alone`: nobody
    else does it now.

    Raises
    ------
    NotFound
        If a blob that the manifest names is missing.
    """
    answer = remote.put(digest_of(manifest), OCI_MANIFEST, manifest)
    if answer.headers.get("OCI-Subject"):  # "Pushing Manifests with Subject"
        return
    tag = referrers_tag(subject)
    for _ in range(_TRIES):
        began = time.monotonic()
        index = with_referrer(_tagged(remote, tag), artifact_type, manifest)
        if index is None:
            return
        remote.put(tag, OCI_INDEX, index)
        if alone:
            return
        time.sleep((time.monotonic() - began) * random.uniform(2.0, 3.0))  # noqa: S311  # spreads writers
    raise Conflict(f"Too many add documents to {subject} at once.", "Try again in a minute.")


def referrers(transport: Transport, remote: RemoteRepository, name: str, digest: str, artifact_type: str) -> list[str]:
    """Digests of the manifests of that type that refer to `digest` in the repository `name`."""
    address = f"/v2/{name}/referrers/{digest}?artifactType={quote(artifact_type, safe='')}"
    found: list[str] = []
    for response in pages(transport, address, name):
        if response.status_code != 200:  # "Listing Referrers": it has no such list
            index = _tagged(remote, referrers_tag(digest))
            return referrers_in(index, artifact_type) if index is not None else []
        found.extend(referrers_in(response.content, artifact_type))
    return found


def _tagged(remote: RemoteRepository, tag: str) -> bytes | None:
    try:
        return remote.get(tag)[1]
    except NotFound:
        return None
