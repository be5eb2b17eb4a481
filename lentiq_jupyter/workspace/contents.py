"""What lies in a block's own folder, read from its last layers without writing a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import field

from ..errors import Invalid, NotFound
from ..interfaces import Registry
from ..model import BLOCK_FOLDER, Block, BlockKind, record
from ..registry.layers import files_below

# Docker spreads the folder over its last layers; `layers` puts it into the last one. This file is in the first of them.
_FIRST = "block.json"
_LAYERS = 4
_FILES_LIMIT = 50_000
_BYTES_LIMIT = 16 << 30
_KEPT_LIMIT = 16 << 20
_CHUNK = 1 << 20


@record
class Contents:
    """A block's folder: SHA-256 and size in bytes of each file by its path there, and the bytes of those asked for."""

    files: dict[str, tuple[str, int]] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)


def read_contents(registry: Registry, block: Block, keep: Collection[str] = ()) -> Contents:
    """The files of a block's folder; none for a block around an image.

    Parameters
    ----------
    keep : paths whose bytes are wanted, where they have 16 MiB at most

    Raises
    ------
    Invalid
        If a layer is damaged, or has more in it than anybody would put into a block.
    """
    found = Contents()
    if block.spec.kind is BlockKind.IMAGE:
        return found
    _, manifest = registry.get_manifest(block.spec.name, block.digest)
    left = _BYTES_LIMIT
    for layer in json.loads(manifest)["layers"][: -_LAYERS - 1 : -1]:
        with registry.open_blob(block.spec.name, layer["digest"]) as stream:
            for path, size, content in files_below(stream, layer["mediaType"], BLOCK_FOLDER.lstrip("/")):
                left -= size
                if left < 0 or len(found.files) >= _FILES_LIMIT:
                    raise Invalid(f"Block {block.reference} holds too much to be read", (path[:200],))
                if path in found.files:  # a later layer has it
                    continue
                hasher = hashlib.sha256()
                parts = []
                while chunk := content.read(_CHUNK):
                    hasher.update(chunk)
                    if path in keep and size <= _KEPT_LIMIT:
                        parts.append(chunk)
                found.files[path] = hasher.hexdigest(), size
                if path in keep and size <= _KEPT_LIMIT:
                    found.kept[path] = b"".join(parts)
            while stream.read(_CHUNK):  # to its end, where the digest is verified
                pass
        if _FIRST in found.files:
            return found
    raise NotFound(f"Block {block.reference} has no folder of its own.", "Publish it again with this release.")
