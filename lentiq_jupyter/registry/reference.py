"""How images, repositories, tags and digests are written, and what of it is accepted.

The patterns are those of the OCI Distribution specification 1.1 ("Pulling manifests"); everything that
enters a URL or a path in this room went through one of them. Pure.
"""

from __future__ import annotations

import ipaddress
import re

from ..errors import BadInput

DOCKER_HUB = "registry-1.docker.io"
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry.hub.docker.com", DOCKER_HUB})
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?")


def check_repository(repository: str) -> str:
    """Return `repository` if a registry would take it as a name (BadInput otherwise)."""
    if len(repository) > 255 or not _REPOSITORY.fullmatch(repository):
        raise BadInput(f"{repository!r} is not a repository.", "Use lower-case names joined by /, as in team/clean.")
    return repository


def check_tag(tag: str) -> str:
    """Return `tag` if a registry would take it (BadInput otherwise)."""
    if not _TAG.fullmatch(tag):
        raise BadInput(f"{tag!r} is not an image tag.", "Use letters, digits, dots, hyphens, as in 3.11-slim.")
    return tag


def check_digest(digest: str) -> str:
    """Return `digest` if it is ``sha256:`` and 64 hexadecimal digits (BadInput otherwise)."""
    if not _DIGEST.fullmatch(digest):
        raise BadInput(f"{digest[:80]!r} is not a digest.", "Write sha256: and 64 hexadecimal digits.")
    return digest


def is_digest(reference: str) -> bool:
    """Whether `reference` is a digest rather than a tag."""
    return _DIGEST.fullmatch(reference) is not None


def check_reference(reference: str) -> str:
    """Return `reference` if it is a tag or a digest (BadInput otherwise)."""
    return check_digest(reference) if ":" in reference else check_tag(reference)


def parse_reference(reference: str) -> tuple[str, str, str]:
    """Registry host, repository, and tag or digest of an image as people write it.

    The rules are Docker's: a first component with a dot or colon, or ``localhost``, is a host, anything
    else is on Docker Hub; Hub names without a slash are under ``library/``; no tag means ``latest``; a
    digest wins over a tag beside it.

    Raises
    ------
    BadInput
        If it is no image reference.
    """
    rest, at, digest = reference.strip().partition("@")
    first, slash, path = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, rest = first, path
        if not _HOST.fullmatch(host):
            raise BadInput(f"{reference!r} names no registry host.", "Write host[:port]/repository:tag.")
    else:
        host = DOCKER_HUB
    if host in _HUB_NAMES:
        host = DOCKER_HUB
        rest = rest if "/" in rest else f"library/{rest}"
    repository, colon, tag = rest.partition(":")
    if colon:
        check_tag(tag)
    return host, check_repository(repository), check_digest(digest) if at else tag or "latest"


def split_location(location: str) -> tuple[str | None, str, str]:
    """Scheme (``http``, ``https`` or None), host and prefix ("" for none) of ``[scheme://]host[:port][/prefix]``.

    Raises
    ------
    BadInput
        If it is no registry location, or holds a user name or password.
    """
    scheme, mark, rest = location.strip().rpartition("://")
    host, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    if "@" in host:
        raise BadInput(
            "A registry's location must not hold a user name or password.",
            "Write host[:port][/prefix] and sign in with `docker login`.",
        )
    if (mark and scheme not in ("http", "https")) or not _HOST.fullmatch(host):
        raise BadInput(f"{location!r} is not a registry.", "Write host[:port][/prefix], or the path of a folder.")
    if prefix:
        check_repository(prefix)
    return scheme or None, DOCKER_HUB if host in _HUB_NAMES else host, prefix


def shown_host(host: str) -> str:
    """What a user calls that host."""
    return "docker.io" if host == DOCKER_HUB else host


def is_loopback(host: str) -> bool:
    """Whether ``host[:port]`` is this very machine, so that plain HTTP to it crosses no network."""
    name = re.sub(r":\d+$", "", host).strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
