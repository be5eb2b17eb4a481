"""What the tags of a block's repository stand for. Pure.

Versions are what users see. Beside them are ``latest``, claims of publishers at work
(``claim-VERSION-TIME-NONCE``, see `claims`), deprecations (``deprecated-VERSION``, see `catalogue`) and
lists of referrers (``sha256-HEX``, longer than any version).
"""

from __future__ import annotations

import re

from ..errors import BadInput
from ..model import check_version

LATEST = "latest"
_CLAIM = re.compile(r"claim-(.+)-([0-9a-f]{8})-([0-9a-f]{12})")
_DEPRECATED = "deprecated-"
_RESERVED = ("claim-", _DEPRECATED)


def check_new_version(version: str) -> str:
    """Return `version` if a block may be registered under it (BadInput otherwise)."""
    if check_version(version).startswith(_RESERVED):
        raise BadInput(f"{version!r} is not a version: such names have a meaning of their own.", "Choose another.")
    return version


def is_version(tag: str) -> bool:
    """Whether a tag may be a version rather than a mark of this package."""
    try:
        check_new_version(tag)
    except BadInput:
        return False
    return True


def claim_tag(version: str, at_s: float, nonce: str) -> str:
    """The tag that says: somebody is about to write `version`. `at_s` is seconds since the epoch."""
    return f"claim-{version}-{int(at_s):08x}-{nonce}"


def parse_claim(tag: str) -> tuple[str, float, str] | None:
    """Version, time in seconds since the epoch, and nonce of a claim; None for other tags."""
    found = _CLAIM.fullmatch(tag)
    return (found[1], float(int(found[2], 16)), found[3]) if found else None


def deprecation_tag(version: str) -> str:
    """The tag whose manifest says why `version` should not be used any more."""
    return _DEPRECATED + version


def deprecated_version(tag: str) -> str | None:
    """The version that a deprecation is about; None for other tags."""
    return tag.removeprefix(_DEPRECATED) if tag.startswith(_DEPRECATED) else None


def next_version(tags: list[str], now_s: float, patience_s: float) -> str:
    """The whole number after the greatest among `tags`; "1" if there is none.

    A claim that is older than `patience_s` counts as that version: whoever made it has most likely died,
    and nobody should wait until that is certain.
    """
    taken = [tag for tag in tags if is_version(tag)]
    claims = (parse_claim(tag) for tag in tags)
    taken += [claim[0] for claim in claims if claim is not None and now_s - claim[1] > patience_s]
    return str(max((int(one) for one in taken if one.isascii() and one.isdigit()), default=0) + 1)
