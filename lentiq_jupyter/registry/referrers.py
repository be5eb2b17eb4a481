"""Documents added to a manifest: referrers of the Distribution specification 1.1. Pure.

A document is a blob; its manifest names what it belongs to as ``subject``. A registry that knows
referrers lists them itself. For others, and in a layout folder, the tag ``sha256-HEX`` of the subject's
repository names an index of them ("Referrers Tag Schema"), which whoever adds one rewrites.
"""

from __future__ import annotations

import json
from typing import Any

from ..errors import Invalid
from ..model import Descriptor
from .content import OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, digest_of
from .reference import check_digest, is_digest

EMPTY = b"{}"
EMPTY_CONFIG = {"mediaType": OCI_EMPTY, "digest": digest_of(EMPTY), "size": len(EMPTY)}
_TAG_MARK = "sha256-"
_TAG_LENGTH = len(_TAG_MARK) + 64


def bare_manifest(annotations: dict[str, str]) -> bytes:
    """A manifest of nothing but annotations ("Guidelines for Artifact Usage" of the Image specification)."""
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": EMPTY_CONFIG,
        "layers": [EMPTY_CONFIG],
        "annotations": annotations,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def referrers_tag(digest: str) -> str:
    """The tag under which what refers to `digest` is listed."""
    return check_digest(digest).replace(":", "-")


def subject_of_tag(tag: str) -> str | None:
    """The digest that such a tag is about; None for any other tag."""
    digest = tag.replace("-", ":", 1)
    return digest if len(tag) == _TAG_LENGTH and tag.startswith(_TAG_MARK) and is_digest(digest) else None


def attachment_manifest(subject: Descriptor, artifact_type: str, document: Descriptor) -> bytes:
    """The manifest that adds one document to `subject`; the same bytes for the same values."""
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": EMPTY_CONFIG,
        "layers": [{"mediaType": document.media_type, "digest": document.digest, "size": document.size}],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def with_referrer(index: bytes | None, artifact_type: str, manifest: bytes) -> bytes | None:
    """The index with one more manifest at its end; None if it lists it already. `index` None: there is none yet.

    Raises
    ------
    Invalid
        If the index is damaged.
    """
    empty = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    document: dict[str, Any] = _index(index) if index is not None else empty
    entries = document["manifests"]
    digest = digest_of(manifest)
    if any(one.get("digest") == digest for one in entries):
        return None
    entry = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(manifest), "artifactType": artifact_type}
    return json.dumps({**document, "manifests": [*entries, entry]}, sort_keys=True, separators=(",", ":")).encode()


def referrers_in(index: bytes, artifact_type: str) -> list[str]:
    """Digests of the manifests an index lists for that type, in its order. Raises Invalid if it is damaged."""
    found = [
        str(one.get("digest", "")) for one in _index(index)["manifests"] if one.get("artifactType") == artifact_type
    ]
    return [check_digest(digest) for digest in found]


def attached_document(manifest: bytes) -> str | None:
    """The digest of the document that an attachment's manifest carries; None if it carries none."""
    layers = json.loads(manifest).get("layers")
    first = layers[0] if isinstance(layers, list) and layers else None
    digest = first.get("digest") if isinstance(first, dict) else None
    return digest if isinstance(digest, str) and is_digest(digest) else None


def _index(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
        entries = document["manifests"]
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid("Not a list of referrers", ("document: no index",), "Remove its tag.") from error
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise Invalid("Not a list of referrers", ("manifests: no list",), "Remove its tag.")
    return dict(document)
