"""A version is written once: mutual exclusion over a registry that only lets tags move.

Distribution registries have no compare-and-set: of two who find a tag free and write it, the second
overwrites the first. What they do have is tags that anybody may write and list. So whoever wants to
write the tag V

1. writes a tag of its own, ``claim-V-TIME-NONCE``;
2. lists the tags. If V is there, it has lost. If another claim on V is there, the smaller one (by time,
   then nonce) stays and looks again, the greater one withdraws and waits until no claim is seen;
3. who sees no claim but its own asks for V itself once more, writes it, and takes its claim back.

Why one of any number wins at most: a claim stands from before its owner's list until after V is written.
Of two claimants, the one that wrote its claim later began its list when the other's claim stood, so it
sees that claim, unless it was taken back; but then V was written before, and step 3 finds it. (The
list alone would not do: it is no snapshot, and may have passed the place of V before V was written
and reach the place of the claim after that went.)

Why somebody wins: the smallest claim never withdraws, all others do.

Death: a claim whose owner died is in the way of that version only, until it is `STALE_S` old by the
registry's own clock (its ``Date`` header), whatever the clocks of the publishers say. An owner that was
held up for `HOLD_S` gives up by itself, and its last request ends, with all its retries, within the rest.
Publishers who want any number at all do not wait for it: they take the next one.

A registry that lets nobody delete would keep claims for ever. There V is written when it is found
free, and read back after `SETTLE_S`: who finds another's has lost. That holds if nobody takes longer than
`SETTLE_S` between looking and writing.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from ..errors import Conflict, LentiqError
from .content import OCI_MANIFEST, digest_of
from .referrers import bare_manifest
from .tags import claim_tag, parse_claim

PATIENCE_S = 10.0
HOLD_S = 30.0
STALE_S = 900.0
SETTLE_S = 0.5
ANNOTATION_CLAIM = "io.lentiq.claim"
_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5


class Claimed(Conflict):
    """Somebody else is about to write that tag, or died when about to."""


class Tags(Protocol):
    """The tags of one repository, as far as claims need them."""

    def write(self, tag: str, media_type: str, body: bytes) -> None: ...

    def list(self) -> list[str]: ...

    def now_s(self) -> float:
        """The registry's time, in seconds since the epoch."""

    def digest(self, tag: str) -> str | None:
        """What a tag names now; None if it is not there."""

    def erase(self, tag: str, media_type: str, body: bytes) -> None:
        """Delete a tag and the manifest `body`, which it alone names."""


def write_once(tags: Tags, tag: str, media_type: str, body: bytes) -> None:
    """Let `tag` name a manifest if nobody else does, by claims.

    Raises
    ------
    Claimed
        If after `PATIENCE_S` another's claim still stands.
    Conflict
        If the tag exists.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        mine = claim_tag(tag, tags.now_s(), uuid.uuid4().hex[:12])
        claim = bare_manifest({ANNOTATION_CLAIM: mine})  # like no other: its deletion takes no other tag along
        began = time.monotonic(), time.time()
        tags.write(mine, OCI_MANIFEST, claim)
        try:
            if _alone(tags, tag, mine, until):
                if tags.digest(tag) is not None:
                    raise _exists(tag)
                # The first of these clocks stands while a machine sleeps, the second may be set.
                if max(time.monotonic() - began[0], time.time() - began[1]) < HOLD_S:
                    tags.write(tag, media_type, body)
                    return
        finally:
            with suppress(LentiqError):  # it will be stale
                tags.erase(mine, OCI_MANIFEST, claim)
        _wait(tags, tag, until)


def write_and_look(tags: Tags, tag: str, media_type: str, body: bytes) -> None:
    """The same where nothing can be deleted: the last writer wins.

    Raises
    ------
    Conflict
        If the tag exists, or somebody else wrote it at the same instant.
    """
    if tags.digest(tag) is not None:
        raise _exists(tag)
    tags.write(tag, media_type, body)
    time.sleep(SETTLE_S)
    if tags.digest(tag) != digest_of(body):
        raise _exists(tag)


def sweep_claims(tags: Tags) -> list[str]:
    """Remove the claims whose owners have died; returns their tags."""
    now_s = tags.now_s()
    dead = [tag for tag in tags.list() if (claim := parse_claim(tag)) is not None and now_s - claim[1] > STALE_S]
    for tag in dead:
        _remove(tags, tag)
    return dead


def _alone(tags: Tags, tag: str, mine: str, until: float) -> bool:
    """True once no other claim is seen; False if a smaller one is, so that this one must go."""
    for pause in _pauses():
        others = _others(tags, tag, mine)
        if not others:
            return True
        if min(map(_order, others)) < _order(mine):
            return False
        if time.monotonic() > until:
            raise _claimed(tag)
        time.sleep(pause)
    raise AssertionError("pauses have no end")


def _wait(tags: Tags, tag: str, until: float) -> None:
    """Return when no claim is seen any more."""
    for pause in _pauses():
        time.sleep(pause)
        if not _others(tags, tag, ""):
            return
        if time.monotonic() > until:
            raise _claimed(tag)


def _others(tags: Tags, tag: str, mine: str) -> list[str]:
    """Living claims on `tag` but `mine`; dead ones are removed. Raises Conflict if `tag` itself is there."""
    listed = tags.list()
    if tag in listed:
        raise _exists(tag)
    found = []
    for other in listed:
        claim = parse_claim(other)
        if claim is None or claim[0] != tag or other == mine:
            continue
        if tags.now_s() - claim[1] > STALE_S:
            _remove(tags, other)
        else:
            found.append(other)
    return found


def _order(claim: str) -> tuple[str, str]:
    _, at, nonce = claim.rsplit("-", 2)
    return at, nonce


def _remove(tags: Tags, claim: str) -> None:
    """Remove another's claim: whatever it named, it names what we delete then."""
    body = bare_manifest({ANNOTATION_CLAIM: claim, "removed by": uuid.uuid4().hex})
    tags.write(claim, OCI_MANIFEST, body)
    tags.erase(claim, OCI_MANIFEST, body)


def _pauses() -> Iterator[float]:
    """Seconds to wait between looks: growing, and never the same for two."""
    pause = _PAUSE_S
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311  # spreads publishers, hides nothing
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def _exists(tag: str) -> Conflict:
    return Conflict(f"Tag {tag} exists already.", "Choose another version.")


def _claimed(tag: str) -> Claimed:
    return Claimed(
        f"Somebody else is about to write {tag}, or was stopped when about to.",
        f"Choose another version, or try again in {STALE_S / 60:.0f} minutes.",
    )
