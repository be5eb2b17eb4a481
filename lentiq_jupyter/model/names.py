"""What a block, workflow, task, project, input may be called.

Names end up in image repositories, host names of jobs, folders and environment variables; the
rules here are the intersection of what those allow, so that no name ever needs escaping.
"""

from __future__ import annotations

import re

from ..errors import BadInput

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAME_LIMIT = 50


def check_name(name: str, what: str = "name") -> str:
    """Return `name` if it may name a block, workflow, task or project.

    Raises
    ------
    BadInput
        If it is not 1 to 50 lower-case letters and digits, joined by single hyphens
        (an image repository component and an RFC 1123 label both).
    """
    if not isinstance(name, str) or len(name) > NAME_LIMIT or not _NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} is not a {what}.",
            f"Use up to {NAME_LIMIT} lower-case letters, digits and single hyphens, as in clean-sales.",
        )
    return name


def check_version(version: str) -> str:
    """Return `version` if it may be the version of a block (an image tag other than ``latest``)."""
    if not _VERSION.fullmatch(version) or version == "latest":
        raise BadInput(f"{version!r} is not a version.", "Use up to 64 letters, digits, dots, hyphens, as in 3 or 1.4.")
    return version


def check_identifier(name: str, what: str = "input name") -> str:
    """Return `name` if it may name an input or output (an ASCII Python identifier)."""
    if not _IDENTIFIER.fullmatch(name):
        raise BadInput(f"{name!r} is not an {what}.", "Use letters, digits and underscores, as in start_date.")
    return name


def slug(text: str) -> str:
    """The nearest valid name to `text` (``Clean Sales (v2).ipynb`` gives ``clean-sales-v2``), "notebook" if none is."""
    stem = re.sub(r"\.ipynb$", "", text)
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:NAME_LIMIT].strip("-") or "notebook"


def split_reference(reference: str) -> tuple[str, str | None]:
    """``clean-sales@3`` gives ("clean-sales", "3"); without a version, None stands for the newest.

    Raises
    ------
    BadInput
        If either half is not what it should be.
    """
    name, at, version = reference.partition("@")
    return check_name(name, "block name"), check_version(version) if at else None
