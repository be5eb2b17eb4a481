"""A block around an existing image: a small manifest that describes the block and names the image.

Its configuration carries the description as any block's does (`LABEL_SPEC`). Its one layer is OCI's empty
one (image specification 1.1, "Guidelines for artifact usage"), since registries ask for a layer; it
counts as the base's, so that the block has no layers of its own. Nothing of the image is copied.
"""

from __future__ import annotations

import json

from ..errors import NotFound
from ..model import LABEL_BASE_LAYERS, LABEL_SPEC, Block, BlockSpec, Descriptor, Image, Provenance, Verification, encode
from .catalogue import Catalogue
from .content import OCI_CONFIG, OCI_EMPTY, digest_of

_EMPTY = b"{}"
_LABEL_TITLE = "org.opencontainers.image.title"
_LABEL_DESCRIPTION = "org.opencontainers.image.description"
_EVIDENCE = "an existing image is taken as it is"


def register_image_block(
    catalogue: Catalogue,
    spec: BlockSpec,
    *,
    version: str | None = None,
    author: str = "",
    provenance: Provenance = Provenance(),  # noqa: B008  # frozen
) -> Block:
    """Make that description a version of the block it names, unless the version asked for, or the newest, is the same.

    Parameters
    ----------
    version : str or None
        None: the next whole number.

    Raises
    ------
    Conflict
        If that version exists and is another.
    Unavailable, Denied
        From the registry; no version is visible then.
    """
    config = image_config(spec)
    try:
        known = catalogue.block(spec.name, version)
    except NotFound:
        known = None
    if known is not None and known.image_id == digest_of(config):
        return known
    registry, blobs = catalogue.registry, (config, _EMPTY)
    sent = sum(registry.put_blob(spec.name, body, digest_of(body)) for body in blobs)
    image = Image(
        repository=spec.name,
        config=Descriptor(media_type=OCI_CONFIG, digest=digest_of(config), size=len(config)),
        layers=(Descriptor(media_type=OCI_EMPTY, digest=digest_of(_EMPTY), size=len(_EMPTY)),),
        base_layers=1,
        complete=True,
        bytes_sent=sent,
        bytes_total=sum(len(body) for body in blobs),
    )
    return catalogue.register(
        image,
        spec,
        version=version,
        author=author,
        verification=Verification(evidence=_EVIDENCE),
        provenance=provenance,
    )


def image_config(spec: BlockSpec) -> bytes:
    """The configuration blob: a function of the description alone."""
    document = {
        # Nothing that could be run; other tools write attestations the same way.
        "architecture": "unknown",
        "os": "unknown",
        "config": {
            "Labels": {
                LABEL_SPEC: json.dumps(encode(spec), sort_keys=True, separators=(",", ":")),
                LABEL_BASE_LAYERS: "1",
                _LABEL_TITLE: spec.name,
                _LABEL_DESCRIPTION: " ".join(spec.description.split()),
            }
        },
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
