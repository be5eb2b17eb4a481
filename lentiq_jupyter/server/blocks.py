"""``blocks``: what the registry holds."""

from __future__ import annotations

from ..model import Block
from .call import Call
from .documents import Blocks, Dockerfile


def list_blocks(call: Call) -> Blocks:
    """The newest version of every block."""
    return Blocks(blocks=tuple(call.service.blocks()))


def list_block_versions(call: Call, name: str) -> Blocks:
    """All versions of one block, newest first."""
    return Blocks(blocks=tuple(call.service.block_versions(name)))


def get_block(call: Call, name: str, version: str) -> Block:
    """One version of a block."""
    return call.service.block(f"{name}@{version}")


def get_dockerfile(call: Call, name: str, version: str) -> Dockerfile:
    """The Dockerfile of one version."""
    return Dockerfile(dockerfile=call.service.dockerfile(f"{name}@{version}"))


def remove_block(call: Call, name: str, version: str) -> None:
    """Remove one version; a conflict while a workflow uses it."""
    call.service.remove_block(f"{name}@{version}")
