"""The registry is the catalogue: blocks are registered in it, listed from it and read from it.

A block is an image whose configuration carries `LABEL_SPEC`; its version is a tag, and an annotation
of the same text. Anything else in the registry is passed over. There is no second list.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..errors import BadInput, BuildFailed, Conflict, Denied, Invalid, NotFound, Unavailable
from ..interfaces import Registry
from ..model import (
    LABEL_BASE_LAYERS,
    ROOT,
    Block,
    BlockSpec,
    Descriptor,
    Image,
    Provenance,
    Verification,
    check_name,
    check_version,
)
from .changes import say_changed, write_bare
from .claims import PATIENCE_S, Claimed
from .content import OCI_MANIFEST, digest_of
from .layers import find_file, unpack
from .listing import Listing, is_block_name
from .manifest import block_annotations, block_of, config_labels, image_manifest, own_layers, spec_of, with_reason
from .referrers import referrers_tag
from .shelf import deprecation_manifest, orphans
from .tags import LATEST, check_new_version, deprecation_tag, next_version

_log = logging.getLogger(__name__)
_PARALLEL = 8
_BLOCK_LAYERS = 4
_TRIES = 100
_REASON_LIMIT = 2000  # characters


@runtime_checkable
class Sweeping(Protocol):
    """A registry in which claims of the dead may lie (a server)."""

    def sweep(self, repository: str) -> list[str]: ...


class Catalogue:
    """Blocks of one registry.

    Parameters
    ----------
    registry : Registry
    clock : callable
        The time now, aware.
    cache : Path or None
        A folder for what is known, shared by processes; None keeps it in memory. Within a minute, a list of
        blocks costs one request if nothing changed, and one or two more for each block that did.
    """

    def __init__(self, registry: Registry, clock: Callable[[], datetime], cache: Path | None = None) -> None:
        self.registry = registry
        self._clock = clock
        self._listing = Listing(registry, cache)

    # writing
    def manifest(self, image: Image) -> tuple[str, bytes]:
        """Media type and bytes of the image's own manifest: a function of the recipe, without annotations."""
        return OCI_MANIFEST, image_manifest(image)

    def register(
        self,
        image: Image,
        spec: BlockSpec,
        *,
        version: str | None = None,
        author: str = "",
        verification: Verification = Verification(),  # noqa: B008  # frozen
        provenance: Provenance = Provenance(),  # noqa: B008  # frozen
        visible: Callable[[Descriptor], None] | None = None,
    ) -> Block:
        """Make an image whose blobs are in the registry a version of the block `spec` names.

        Parameters
        ----------
        version : str or None
            None: the next whole number.
        visible : callable or None
            Called with the registered manifest as soon as the version is there, while the rest is settled.

        Raises
        ------
        Conflict
            If that version exists, or somebody else is just making it.
        BuildFailed
            If the image does not carry the description of this block.
        Unavailable, Denied
            From the registry; no version is visible then.
        """
        name = spec.name
        if image.config_text and digest_of(image.config_text.encode()) == image.config.digest:
            self._listing.documents.keep(image.config.digest, image.config_text.encode())
        config = self._listing.documents.config(name, image.config.digest)
        described = spec_of(config_labels(config))
        if described is None or described.name != name:
            raise BuildFailed(f"The image does not describe itself as block {name}.", "Build it again.")

        def body_of(chosen: str) -> bytes:
            annotations = block_annotations(
                image,
                version=chosen,
                author=author,
                verification=verification,
                created=self._clock(),
                provenance=provenance,
            )
            return image_manifest(image, annotations)

        chosen, digest, body = self._put_new(name, version, body_of)
        self._listing.learn(name, chosen, digest, body)
        if visible is not None:
            visible(Descriptor(media_type=OCI_MANIFEST, digest=digest, size=len(body)))
        with ThreadPoolExecutor(1) as pool:  # leaving the block waits for it
            pool.submit(say_changed, self.registry, name)
            try:
                self._settle_latest(name, digest, body)
            except (Unavailable, Denied, Conflict) as error:  # say, where no tag may move; the version stands
                _log.warning("Block %s@%s is registered, but not as %s: %s", name, chosen, LATEST, error)
        block = block_of(body, config)
        if block is None:
            raise AssertionError("a manifest with a version and a description is a block")
        return block

    def _put_new(self, name: str, version: str | None, body_of: Callable[[str], bytes]) -> tuple[str, str, bytes]:
        """Version, digest and bytes of a manifest under a version that nobody else has."""
        if version is not None:
            body = body_of(check_new_version(version))
            try:
                return version, self.registry.put_manifest(name, version, OCI_MANIFEST, body, new=True), body
            except Claimed:
                raise
            except Conflict as error:
                raise Conflict(
                    f"Version {version} of block {name} exists already.", "Choose another, or leave it out."
                ) from error
        passed: list[str] = []
        for attempt in range(_TRIES):
            chosen = next_version(self.registry.tags(name) + passed, time.time(), PATIENCE_S)
            body = body_of(chosen)
            try:
                return chosen, self.registry.put_manifest(name, chosen, OCI_MANIFEST, body, new=True), body
            except Claimed:
                passed.append(chosen)
            except Conflict:
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _settle_latest(self, name: str, digest: str, body: bytes) -> None:
        """Let ``latest`` name the newest version, `body` as far as is known.

        Whoever writes it looks at the versions afterwards, and writes again if a newer one is there. So of
        any number at once, the one that writes last has seen nothing newer, and what is newer yet was made
        by somebody who will write after that.
        """
        for _ in range(_TRIES):
            self.registry.put_manifest(name, LATEST, OCI_MANIFEST, body)
            newest = self._listing.newest_digest(name)
            if newest is None or newest[1] == digest:
                return
            digest = newest[1]
            body = self._listing.documents.manifest(name, digest)
        raise Conflict(f"Too many register block {name} at once.", "The next one to register it puts that right.")

    def remove(self, name: str, version: str) -> None:
        """Forget one version; ``latest`` moves to the newest that is left. What runs of it goes on.

        Raises
        ------
        NotFound
            If there is no such version.
        """
        try:
            digest = self.block(name, version).digest
        except Invalid:  # a damaged one must be removable, too
            digest, _ = self._listing.documents.resolve(name, version)
        self.registry.delete_tag(name, version)
        self._listing.forget(name)
        for tag in (deprecation_tag(version), referrers_tag(digest)):  # what was said of it and added to it
            with suppress(NotFound):
                self.registry.delete_tag(name, tag)
        with suppress(NotFound):
            if self.registry.get_manifest(name, LATEST)[0].digest == digest:
                left = self._listing.newest_digest(name)
                if left is not None:
                    self._settle_latest(name, left[1], self._listing.documents.manifest(name, left[1]))
                else:
                    self.registry.delete_tag(name, LATEST)
        say_changed(self.registry, name)

    def deprecate(self, name: str, version: str, reason: str | None) -> Block:
        """Say why a version should not be used any more; None takes that back. What runs of it goes on.

        Raises
        ------
        NotFound
            If there is no such version.
        BadInput
            If the reason is longer than a page.
        """
        if reason is not None and len(reason) > _REASON_LIMIT:
            raise BadInput(f"The reason has {len(reason)} characters.", f"Use {_REASON_LIMIT} at most.")
        block = self.block(name, version)
        tag = deprecation_tag(version)
        if reason is None:
            with suppress(NotFound):
                self.registry.delete_tag(name, tag)
        else:
            write_bare(self.registry, name, tag, deprecation_manifest(block.digest, reason))
        self._listing.forget(name)
        say_changed(self.registry, name)
        return self.block(name, version)

    def tidy(self) -> list[str]:
        """Remove what publishers that died left: old claims, deprecations of versions that are gone.

        Returns
        -------
        list of str
            ``name:tag`` of what was removed.
        """
        names = [one for one in self.registry.repositories() if is_block_name(one)]
        with ThreadPoolExecutor(_PARALLEL) as pool:
            return [one for found in pool.map(self._tidy_one, names) for one in found]

    def _tidy_one(self, name: str) -> list[str]:
        removed = self.registry.sweep(name) if isinstance(self.registry, Sweeping) else []
        for tag in orphans(self.registry.tags(name)):
            with suppress(NotFound, Denied):
                self.registry.delete_tag(name, tag)
                removed.append(tag)
        return [f"{name}:{tag}" for tag in removed]

    # listing
    def blocks(self) -> list[Block]:
        """The newest version of every block, by name. One that is damaged is left out, with a warning in the log.

        What people with this package changed is in it; what another tool changed, within a minute.
        """
        return self._listing.blocks()

    def versions(self, name: str) -> list[Block]:
        """All versions, newest first.

        Raises
        ------
        NotFound
            If there is no such block.
        """
        found = self._listing.versions(check_name(name, "block name"))
        if not found:
            raise NotFound(f"There is no block {name} in {self.registry.location}.", "Look at the list of blocks.")
        return found

    def block(self, name: str, version: str | None = None) -> Block:
        """One version; None is the newest.

        Raises
        ------
        NotFound
            If there is none; the message lists those there are.
        Invalid
            If it is damaged.
        """
        if version is None:
            return self.versions(name)[0]
        check_name(name, "block name")
        try:
            digest, _ = self._listing.documents.resolve(name, check_version(version))
            found = self._listing.load(name, digest)
        except NotFound:
            found = None
        if found is None or found.version != version or found.spec.name != name:
            others = ", ".join(one.version for one in self.versions(name))
            raise NotFound(f"Block {name} has no version {version}.", f"It has: {others}.")
        return with_reason(found, self._listing.reason(name, version, digest))

    # reading
    def read_file(self, block: Block, path: str) -> bytes:
        """One file of the block's last layers, as in ``opt/lentiq/block/Dockerfile``.

        What Docker built has the block's folder spread over its last four.

        Raises
        ------
        NotFound
            If it has no such file.
        """
        document = json.loads(self._listing.documents.manifest(block.spec.name, block.digest))
        for layer in own_layers(document, self._base_layers(block))[: -_BLOCK_LAYERS - 1 : -1]:
            with self.registry.open_blob(block.spec.name, layer["digest"]) as stream:
                found = find_file(stream, layer["mediaType"], path.lstrip("/"))
            if found is not None:
                return found
        raise NotFound(f"Block {block.reference} has no file {path}.", "Publish it again with this release.")

    def extract_folder(self, block: Block, prefix: str, into: Path) -> None:
        """Write the files below ``/opt/lentiq/<prefix>`` of the block's own layers into a folder.

        Parameters
        ----------
        prefix : str
            ``env``, ``runner``, ``block``; "" gives all of them, each in a folder of its name.

        Notes
        -----
        Links that lead out of the folder are left out, the interpreter's of an environment among them.
        """
        top = "/".join(part for part in (ROOT.strip("/"), prefix.strip("/")) if part)
        document = json.loads(self._listing.documents.manifest(block.spec.name, block.digest))
        for layer in own_layers(document, self._base_layers(block)):
            with self.registry.open_blob(block.spec.name, layer["digest"]) as stream:
                unpack(stream, layer["mediaType"], top, into)
                while stream.read(1 << 20):  # to its end, where the digest is verified
                    pass

    def layers(self, block: Block) -> tuple[Descriptor, ...]:
        """The layers a block adds to its base, in order; none for a block around an image."""
        document = json.loads(self._listing.documents.manifest(block.spec.name, block.digest))
        return tuple(
            Descriptor(media_type=str(one["mediaType"]), digest=str(one["digest"]), size=int(one["size"]))
            for one in own_layers(document, self._base_layers(block))
        )

    def _base_layers(self, block: Block) -> int:
        text = config_labels(self._listing.documents.config(block.spec.name, block.image_id)).get(
            LABEL_BASE_LAYERS, "0"
        )
        return int(text) if text.isdigit() else 0
