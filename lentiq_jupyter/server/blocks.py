"""``blocks``: what the registry holds."""

from __future__ import annotations

from ..model import Block, BlockDiff, BlockQuery, ImageRequest, Json
from .call import Call
from .documents import Blocks, BlockUsers, Deprecation, Dockerfile, ProposedResources, Readme


def list_blocks(
    call: Call,
    words: str = "",
    owner: str = "",
    input: str = "",  # noqa: A002
    deprecated: bool = True,
) -> Blocks:
    """The newest version of every block that all of these match; empty ones match all."""
    query = BlockQuery(words=words, owner=owner, input=input, deprecated=deprecated)
    return Blocks(blocks=tuple(call.service.blocks(query)))


def make_block_from_image(call: Call, body: ImageRequest) -> Block:
    """Make a block of an existing image, pinned by its digest; nothing is copied or run."""
    return call.service.block_from_image(body)


def diff_blocks(call: Call, old: str, new: str) -> BlockDiff:
    """What differs between two versions (``name@version`` each), of one block or of two."""
    return call.service.diff_blocks(old, new)


def list_block_versions(call: Call, name: str) -> Blocks:
    """All versions of one block, newest first."""
    return Blocks(blocks=tuple(call.service.block_versions(name)))


def list_block_users(call: Call, name: str) -> BlockUsers:
    """Tasks of saved workflows that use any version of a block."""
    return BlockUsers(users=tuple(call.service.block_users(name)))


def get_block(call: Call, name: str, version: str) -> Block:
    """One version of a block."""
    return call.service.block(f"{name}@{version}")


def get_dockerfile(call: Call, name: str, version: str) -> Dockerfile:
    """The Dockerfile of one version."""
    return Dockerfile(dockerfile=call.service.dockerfile(f"{name}@{version}"))


def get_readme(call: Call, name: str, version: str) -> Readme:
    """What one version says of itself, in Markdown by a stranger."""
    return Readme(readme=call.service.readme(f"{name}@{version}"))


def get_sbom(call: Call, name: str, version: str) -> dict[str, Json]:
    """The list of packages of one version, a CycloneDX document."""
    return call.service.sbom(f"{name}@{version}")


def list_version_users(call: Call, name: str, version: str) -> BlockUsers:
    """Tasks of saved workflows that use one version."""
    return BlockUsers(users=tuple(call.service.block_users(f"{name}@{version}")))


def propose_resources(call: Call, name: str, version: str) -> ProposedResources:
    """CPU and memory that past runs of one version suggest."""
    return ProposedResources(resources=call.service.propose_resources(f"{name}@{version}"))


def deprecate_block(call: Call, name: str, version: str, body: Deprecation) -> Block:
    """Say why one version should not be used any more, or take that back; runs and workflows go on."""
    return call.service.deprecate_block(f"{name}@{version}", body.reason)


def remove_block(call: Call, name: str, version: str, force: bool = False) -> None:
    """Remove one version; a conflict while a workflow uses it, unless `force`."""
    call.service.remove_block(f"{name}@{version}", force=force)
