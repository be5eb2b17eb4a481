"""The use cases about notebooks and blocks: look at one, publish, list, compare, deprecate, remove.

What only one of them needs is imported by it: commands start quickly.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ..errors import BadInput, Conflict, NotFound
from ..model import (
    BLOCK_FOLDER,
    Block,
    BlockDiff,
    BlockKind,
    BlockQuery,
    BlockUse,
    Drift,
    ImageRequest,
    Inspection,
    Json,
    LiveKernel,
    PublishRequest,
    PublishResult,
    Reporter,
    split_reference,
)
from . import cataloguing, drifting, sbom
from .parts import Parts
from .settings import Settings

Notify = Callable[[str, str, str], None]

# Notebooks of blocks that are kept in memory.
_NOTEBOOKS_KEPT = 16


class BlockCases(Parts):
    """The part of `Workspace` that needs no scheduler; parameters as there."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        notify: Notify | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(settings, clock=clock)
        self._notify: Notify = notify or (lambda kind, name, state: None)
        self._notebooks: dict[str, bytes] = {}

    def inspect(
        self,
        path: str,
        *,
        kernel: str | None = None,
        no_kernel: bool = False,
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
        live: LiveKernel | None = None,
    ) -> Inspection:
        """See `Service.inspect`."""
        from .inspecting import inspect_notebook

        return inspect_notebook(
            Path(path).absolute(),
            cache=self.settings.folder / "cache",
            proof_limit_s=self.settings.proof_limit_s,
            large_bytes=self.settings.large_bytes,
            uv=self.uv_variables,
            kernel=kernel,
            no_kernel=no_kernel,
            add=add,
            remove=remove,
            live=live,
        )

    def drift(
        self, path: str, *, packages: bool = False, kernel: str | None = None, live: LiveKernel | None = None
    ) -> Drift:
        """See `Service.drift`."""
        file = Path(path).absolute()
        return drifting.drift(
            file,
            drifting.published(self.catalogue.blocks(), file, self.settings.author),
            stored=self._stored_notebook,
            inspect=(lambda: self.inspect(path, kernel=kernel, live=live)) if packages else None,
        )

    def _stored_notebook(self, block: Block) -> bytes:
        """A block's notebook; the last few are kept, as an open notebook is compared at every save."""
        if block.digest not in self._notebooks:
            while len(self._notebooks) >= _NOTEBOOKS_KEPT:
                self._notebooks.pop(next(iter(self._notebooks)), None)
            self._notebooks[block.digest] = self.catalogue.read_file(block, f"{BLOCK_FOLDER}/{block.spec.notebook}")
        return self._notebooks[block.digest]

    def prepare(self) -> None:
        """Learn what any inspection needs to know: the tables, and the default kernel's environment.

        Raises
        ------
        LentiqError
            As `inspect`, if there is no default kernel.
        """
        with tempfile.TemporaryDirectory(prefix="lentiq-prepare-") as folder:
            path = Path(folder) / "none.ipynb"
            cells = [{"cell_type": "code", "source": "import os", "metadata": {}, "outputs": []}]
            path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}))
            self.inspect(str(path))

    def publish(self, request: PublishRequest, report: Reporter | None = None) -> PublishResult:
        """See `Service.publish`."""
        result = self.publisher.publish(request, report or Reporter())
        self._notify("blocks", result.block.reference, "published")
        return result

    def block_from_image(self, request: ImageRequest) -> Block:
        """See `Service.block_from_image`."""
        from .from_image import block_from_image

        author = self.settings.author
        block = block_from_image(request, catalogue=self.catalogue, open_remote=self._remote, author=author)
        self._notify("blocks", block.reference, "published")
        return block

    def blocks(self, query: BlockQuery = BlockQuery()) -> list[Block]:  # noqa: B008  # frozen
        """See `Service.blocks`."""
        return cataloguing.matching(self.catalogue.blocks(), query)

    def block_versions(self, name: str) -> list[Block]:
        """See `Service.block_versions`."""
        return self.catalogue.versions(name)

    def block(self, reference: str) -> Block:
        """See `Service.block`."""
        return self.catalogue.block(*split_reference(reference))

    def dockerfile(self, reference: str) -> str:
        """See `Service.dockerfile`."""
        block = self._built(reference)
        return self.catalogue.read_file(block, f"{BLOCK_FOLDER}/Dockerfile".lstrip("/")).decode()

    def build_context(self, reference: str, folder: Path) -> None:
        """Write the Dockerfile of a block and all that its ``docker build`` needs into an empty or new folder.

        Raises
        ------
        BadInput
            If the folder has something in it already.
        """
        if folder.exists() and any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty.", "Name a new folder.")
        block = self._built(reference)
        self.catalogue.extract_folder(block, "block", folder / "block")
        self.catalogue.extract_folder(block, "runner/lentiq", folder / "lentiq")
        (folder / "block" / "Dockerfile").rename(folder / "Dockerfile")

    def _built(self, reference: str) -> Block:
        """A block that was made from a notebook. Raises NotFound for one that is an existing image."""
        block = self.block(reference)
        if block.spec.kind is BlockKind.IMAGE:
            raise NotFound(
                f"Block {block.reference} has no Dockerfile: it is an image as it was found.",
                f"Ask whoever made {block.spec.base}.",
            )
        return block

    def readme(self, reference: str) -> str:
        """See `Service.readme`."""
        from .contents import read_contents

        block = self.block(reference)
        names = (cataloguing.README, block.spec.notebook)
        kept = read_contents(self.registry, block, keep=names).kept
        if cataloguing.README in kept:
            return cataloguing.shortened(kept[cataloguing.README].decode(errors="replace"))
        return cataloguing.introduction(kept.get(block.spec.notebook, b""))

    def sbom(self, reference: str) -> dict[str, Json]:
        """See `Service.sbom`."""
        block = self.block(reference)
        found = sbom.read(self.registry, block)
        if found is None:
            raise NotFound(f"Block {block.reference} has no list of packages.", "Publish it again with this release.")
        return found

    def diff_blocks(self, old: str, new: str) -> BlockDiff:
        """See `Service.diff_blocks`."""
        from .diffing import diff_blocks

        return diff_blocks(
            self.catalogue,
            self.block(old),
            self.block(new),
            system=lambda block: sbom.system_packages(sbom.read(self.registry, block) or {}),
        )

    def block_users(self, reference: str) -> list[BlockUse]:
        """See `Service.block_users`."""
        name, version = split_reference(reference)
        return cataloguing.users((workflow for workflow, _ in self.store.workflows()), name, version)

    def deprecate_block(self, reference: str, reason: str | None) -> Block:
        """See `Service.deprecate_block`."""
        name, version = _one_version(reference)
        block = self.catalogue.deprecate(name, version, reason)
        self._notify("blocks", block.reference, "deprecated" if reason is not None else "published")
        return block

    def remove_block(self, reference: str, *, force: bool = False) -> None:
        """See `Service.remove_block`."""
        name, version = _one_version(reference)
        used = [] if force else self.block_users(reference)
        if used:
            names = ", ".join(dict.fromkeys(f"{one.project}/{one.workflow}" for one in used))
            raise Conflict(
                f"{reference} is used by {names}.",
                "Change or delete these first, or remove it by force: their next runs fail then.",
            )
        self.catalogue.remove(name, version)
        self._notify("blocks", reference, "removed")


def _one_version(reference: str) -> tuple[str, str]:
    """Name and version. Raises BadInput without a version: what is newest may be another one a moment later."""
    name, version = split_reference(reference)
    if version is None:
        raise BadInput(f"{reference} names no version.", f"Write {reference}@VERSION.")
    return name, version
