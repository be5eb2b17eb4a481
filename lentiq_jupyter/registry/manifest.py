"""Image manifests of blocks: from an image and its annotations, and back to a Block. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import BadInput, Invalid
from ..model import (
    ANNOTATION_AUTHOR,
    ANNOTATION_COMPLETE,
    ANNOTATION_CREATED,
    ANNOTATION_PROVENANCE,
    ANNOTATION_VERIFICATION,
    ANNOTATION_VERSION,
    LABEL_BASE_LAYERS,
    LABEL_SPEC,
    Block,
    BlockSpec,
    Descriptor,
    Image,
    Provenance,
    Verification,
    decode,
    encode,
)
from .content import DOCKER_CONFIG, DOCKER_LAYER, OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST, digest_of

# The same bytes under either name: a manifest is of one family throughout.
_OCI_NAMES = {DOCKER_LAYER: OCI_LAYER_GZIP, DOCKER_CONFIG: OCI_CONFIG}
_LOG_LIMIT = 8192  # characters; a registry takes manifests of 4 MiB at most


def image_manifest(image: Image, annotations: Mapping[str, str] | None = None) -> bytes:
    """The OCI manifest of an image, the same bytes for the same values."""
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(image.config),
        "layers": [_descriptor(one) for one in image.layers],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def block_annotations(
    image: Image,
    *,
    version: str,
    author: str,
    verification: Verification,
    created: datetime,
    provenance: Provenance = Provenance(),  # noqa: B008  # frozen
) -> dict[str, str]:
    """What differs between two registrations of one image."""
    kept = dataclasses.replace(verification, log=verification.log[-_LOG_LIMIT:])
    known = {ANNOTATION_PROVENANCE: json.dumps(encode(provenance), sort_keys=True)}
    return {
        **(known if provenance != Provenance() else {}),
        ANNOTATION_VERSION: version,
        ANNOTATION_CREATED: created.isoformat(),
        ANNOTATION_AUTHOR: author,
        ANNOTATION_COMPLETE: "true" if image.complete else "false",
        ANNOTATION_VERIFICATION: json.dumps(encode(kept), sort_keys=True),
    }


def config_labels(config: bytes) -> dict[str, str]:
    """Labels of an image configuration; empty if it has none. Raises Invalid if it is no JSON object."""
    try:
        document = json.loads(config)
    except ValueError as error:
        raise Invalid("Not an image configuration", ("document: not JSON",)) from error
    inner = document.get("config") if isinstance(document, dict) else None
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}


def spec_of(labels: Mapping[str, str]) -> BlockSpec | None:
    """The description in an image's labels; None if it is no block. Raises Invalid if it is damaged."""
    text = labels.get(LABEL_SPEC)
    if text is None:
        return None
    try:
        return decode(BlockSpec, json.loads(text))
    except ValueError as error:
        raise Invalid(f"Not a block's description ({LABEL_SPEC})", ("document: not JSON",)) from error


def block_of(manifest: bytes, config: bytes) -> Block | None:
    """The block a registered manifest and its configuration describe; None if it is none.

    Raises
    ------
    Invalid
        If it is one, but damaged.
    """
    labels = config_labels(config)
    spec = spec_of(labels)
    if spec is None:
        return None
    document = json.loads(manifest)
    annotations = document.get("annotations") or {}
    if ANNOTATION_VERSION not in annotations:
        return None  # a built image that was never registered
    try:
        base_layers = int(labels.get(LABEL_BASE_LAYERS, "0"))
        return Block(
            spec=spec,
            version=annotations[ANNOTATION_VERSION],
            image=f"{spec.name}@{digest_of(manifest)}",
            digest=digest_of(manifest),
            image_id=document["config"]["digest"],
            created=datetime.fromisoformat(annotations[ANNOTATION_CREATED]),
            author=annotations.get(ANNOTATION_AUTHOR, ""),
            complete=annotations.get(ANNOTATION_COMPLETE) != "false",
            size=sum(one["size"] for one in own_layers(document, base_layers)),
            verification=decode(Verification, json.loads(annotations.get(ANNOTATION_VERIFICATION, "{}"))),
            provenance=decode(Provenance, json.loads(annotations.get(ANNOTATION_PROVENANCE, "{}"))),
        )
    except (BadInput, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid("Not a registered block", (f"{type(error).__name__}: {error}",)) from error


def with_reason(block: Block, reason: str | None) -> Block:
    """The block, deprecated for that reason; None: not."""
    return block if reason is None else dataclasses.replace(block, deprecated=reason)


def own_layers(document: Mapping[str, Any], base_layers: int) -> list[dict[str, Any]]:
    """The layers a block adds to its base.

    An incomplete block lacks its base's layers, so that none of those it has is the base's.
    """
    layers: list[dict[str, Any]] = document["layers"]
    complete = (document.get("annotations") or {}).get(ANNOTATION_COMPLETE) != "false"
    return layers[base_layers:] if complete else layers


def _descriptor(one: Descriptor) -> dict[str, object]:
    return {"mediaType": _OCI_NAMES.get(one.media_type, one.media_type), "digest": one.digest, "size": one.size}
