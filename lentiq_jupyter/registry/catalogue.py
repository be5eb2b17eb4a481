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
from typing import Any

from ..errors import BadInput, BuildFailed, Conflict, Denied, Invalid, NotFound, Unavailable
from ..interfaces import Registry
from ..model import LABEL_BASE_LAYERS, ROOT, Block, BlockSpec, Image, Verification, check_name, check_version
from .cache import Cache
from .content import OCI_MANIFEST, digest_of
from .layers import find_file, unpack
from .manifest import block_annotations, block_of, config_labels, image_manifest, own_layers, spec_of

_log = logging.getLogger(__name__)
_LATEST = "latest"
_PARALLEL = 8
_BLOCK_LAYERS = 4
_TRIES = 100
_TRUST_S = 60.0
_CONFIG_LIMIT = 16 << 20


class Catalogue:
    """Blocks of one registry.

    Parameters
    ----------
    registry : Registry
    clock : callable
        The time now, aware.
    cache : Path or None
        A folder for what never changes, shared by processes; None keeps it in memory. With it, a list
        of N blocks costs N lists of tags; within a minute nothing is asked twice beyond those.
    """

    def __init__(self, registry: Registry, clock: Callable[[], datetime], cache: Path | None = None) -> None:
        self.registry = registry
        self._clock = clock
        self._cache = Cache(cache, registry.location)
        self._confirmed: dict[tuple[str, str], tuple[str, float]] = {}
        self._warned: set[str] = set()

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
    ) -> Block:
        """Make an image whose blobs are in the registry a version of the block `spec` names.

        Parameters
        ----------
        version : str or None
            None: the next whole number.

        Raises
        ------
        Conflict
            If that version exists.
        BuildFailed
            If the image does not carry the description of this block.
        Unavailable, Denied
            From the registry; no version is visible then.
        """
        name = spec.name
        config = self._config(name, image.config.digest)
        described = spec_of(config_labels(config))
        if described is None or described.name != name:
            raise BuildFailed(f"The image does not describe itself as block {name}.", "Build it again.")
        for attempt in range(_TRIES):
            chosen = check_version(version) if version is not None else _next(self.registry.tags(name))
            annotations = block_annotations(
                image, version=chosen, author=author, verification=verification, created=self._clock()
            )
            body = image_manifest(image, annotations)
            try:
                digest = self.registry.put_manifest(name, chosen, OCI_MANIFEST, body, new=True)
            except Conflict as error:
                if version is not None:
                    raise Conflict(
                        f"Version {chosen} of block {name} exists already.", "Choose another, or leave it out."
                    ) from error
                if attempt == _TRIES - 1:
                    raise
                continue
            break
        self._cache.keep_document(digest, body)
        self._forget(name, chosen)  # what an earlier version of that name was
        try:
            self.registry.put_manifest(name, _LATEST, OCI_MANIFEST, body)
        except (Unavailable, Denied) as error:  # say, where no tag may ever move; the version stands all the same
            _log.warning("Block %s@%s is registered, but not as %s: %s", name, chosen, _LATEST, error)
        block = block_of(body, config)
        if block is None:
            raise AssertionError("a manifest with a version and a description is a block")
        return block

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
            digest = self._resolve(name, version)
        self.registry.delete_tag(name, version)
        self._forget(name, version)
        left = self._versions(name)
        with suppress(NotFound):
            if self.registry.get_manifest(name, _LATEST)[0].digest == digest:
                if left:
                    body = self._manifest(name, left[0].digest)
                    self.registry.put_manifest(name, _LATEST, OCI_MANIFEST, body)
                else:
                    self.registry.delete_tag(name, _LATEST)

    # listing
    def blocks(self) -> list[Block]:
        """The newest version of every block, by name. One that is damaged is left out, with a warning in the log."""
        names = [one for one in self.registry.repositories() if _is_name(one)]
        with ThreadPoolExecutor(_PARALLEL) as pool:
            found = list(pool.map(self._newest, names))
        return [one for one in found if one is not None]

    def versions(self, name: str) -> list[Block]:
        """All versions, newest first.

        Raises
        ------
        NotFound
            If there is no such block.
        """
        self._newest(check_name(name, "block name"))
        found = self._versions(name)
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
            digest = self._resolve(name, check_version(version))
            found = self._load(name, digest)
        except NotFound:
            found = None
        if found is None or found.version != version or found.spec.name != name:
            others = ", ".join(one.version for one in self.versions(name))
            raise NotFound(f"Block {name} has no version {version}.", f"It has: {others}.")
        return found

    # reading
    def read_file(self, block: Block, path: str) -> bytes:
        """One file of the block's last layers, as in ``opt/lentiq/block/Dockerfile``.

        What Docker built has the block's folder spread over its last four.

        Raises
        ------
        NotFound
            If it has no such file.
        """
        document = json.loads(self._manifest(block.spec.name, block.digest))
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
        document = json.loads(self._manifest(block.spec.name, block.digest))
        for layer in own_layers(document, self._base_layers(block)):
            with self.registry.open_blob(block.spec.name, layer["digest"]) as stream:
                unpack(stream, layer["mediaType"], top, into)
                while stream.read(1 << 20):  # to its end, where the digest is verified
                    pass

    def _base_layers(self, block: Block) -> int:
        text = config_labels(self._config(block.spec.name, block.image_id)).get(LABEL_BASE_LAYERS, "0")
        return int(text) if text.isdigit() else 0

    # what is known
    def _newest(self, name: str) -> Block | None:
        """The newest version, certain to be what its tag names now or a minute ago; None if there is none."""
        for _ in range(2):
            found = self._versions(name)
            if not found:
                return None
            newest = found[0]
            digest, at = self._confirmed.get((name, newest.version), ("", 0.0))
            if digest == newest.digest and time.monotonic() - at < _TRUST_S:
                return newest
            with suppress(NotFound):
                if self._resolve(name, newest.version) == newest.digest:
                    return newest
            # The version was made anew behind our back; others of it may have been, too.
            self._cache.keep_versions(name, {})
        return next(iter(self._versions(name)), None)

    def _versions(self, name: str) -> list[Block]:
        """All versions, newest first; only those not seen before are asked for."""
        tags = [one for one in self.registry.tags(name) if _is_version(one)]
        known = self._cache.versions(name)
        unknown = [tag for tag in tags if tag not in known]
        if len(unknown) > 1:
            with ThreadPoolExecutor(_PARALLEL) as pool:
                resolved = list(pool.map(lambda tag: self._resolved(name, tag), unknown))
        else:
            resolved = [self._resolved(name, tag) for tag in unknown]
        known.update({tag: digest for tag, digest in zip(unknown, resolved, strict=True) if digest})
        current = {tag: known[tag] for tag in tags if tag in known}
        self._cache.keep_versions(name, current)
        found = []
        for tag, digest in current.items():
            block = self._load_or_warn(name, tag, digest)
            if block is not None and block.version == tag and block.spec.name == name:
                found.append(block)
        return sorted(found, key=_age, reverse=True)

    def _resolved(self, name: str, tag: str) -> str | None:
        try:
            return self._resolve(name, tag)
        except NotFound:  # removed between the list and now
            return None

    def _resolve(self, name: str, tag: str) -> str:
        """The digest a tag names now; its manifest is kept. Raises NotFound."""
        described, body = self.registry.get_manifest(name, tag)
        self._cache.keep_document(described.digest, body)
        self._confirmed[name, tag] = described.digest, time.monotonic()
        return described.digest

    def _forget(self, name: str, version: str) -> None:
        self._confirmed.pop((name, version), None)
        known = self._cache.versions(name)
        known.pop(version, None)
        self._cache.keep_versions(name, known)

    def _load_or_warn(self, name: str, tag: str, digest: str) -> Block | None:
        try:
            return self._load(name, digest)
        except (Invalid, NotFound) as error:
            if digest not in self._warned:
                self._warned.add(digest)
                _log.warning("Block %s@%s in %s is left out: %s", name, tag, self.registry.location, error)
            return None

    def _load(self, name: str, digest: str) -> Block | None:
        """None if it is no block. Raises Invalid or NotFound if it is a damaged one."""
        body = self._manifest(name, digest)
        document: dict[str, Any] = json.loads(body)
        config = document.get("config")
        if not isinstance(config, dict) or not str(config.get("digest", "")).startswith("sha256:"):
            return None  # an index, or an artifact of another kind
        if "image" not in str(config.get("mediaType", "")):
            return None
        return block_of(body, self._config(name, str(config["digest"])))

    def _manifest(self, name: str, digest: str) -> bytes:
        body = self._cache.document(digest)
        if body is None:
            _, body = self.registry.get_manifest(name, digest)
            self._cache.keep_document(digest, body)
        return body

    def _config(self, name: str, digest: str) -> bytes:
        body = self._cache.document(digest)
        if body is None:
            with self.registry.open_blob(name, digest) as stream:
                body = stream.read(_CONFIG_LIMIT)
            if digest_of(body) != digest:
                raise Invalid("An image configuration is damaged", (digest,), "Publish the block again.")
            self._cache.keep_document(digest, body)
        return body


def _next(tags: list[str]) -> str:
    """The whole number after the greatest among `tags`; "1" if there is none."""
    return str(max((int(one) for one in tags if one.isascii() and one.isdigit()), default=0) + 1)


def _age(block: Block) -> tuple[datetime, int, str]:
    """Sorts by creation; within one instant by number."""
    number = int(block.version) if block.version.isascii() and block.version.isdigit() else 0
    return block.created, number, block.version


def _is_name(repository: str) -> bool:
    try:
        check_name(repository)
    except BadInput:
        return False
    return True


def _is_version(tag: str) -> bool:
    try:
        check_version(tag)
    except BadInput:
        return False
    return True
