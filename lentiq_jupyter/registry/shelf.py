"""What is known of one block's repository: its versions, which is the newest, and why some are deprecated. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..errors import Invalid
from ..model import ANNOTATION_CREATED, ANNOTATION_VERSION
from .referrers import bare_manifest
from .tags import LATEST, deprecated_version, deprecation_tag, is_version

ANNOTATION_DEPRECATED = "io.lentiq.block.deprecated"  # the reason
ANNOTATION_DEPRECATED_DIGEST = "io.lentiq.block.deprecated.digest"  # the manifest it is about


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag that may be a version: the digest it named, and when that was made; None if it is no version."""

    digest: str
    created: datetime | None

    @property
    def document(self) -> list[str | None]:
        """For a JSON file."""
        return [self.digest, self.created.isoformat() if self.created else None]


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Why the manifest `subject` should not be used, as the manifest `digest` behind a deprecation tag says."""

    digest: str
    subject: str
    reason: str


@dataclass(slots=True)
class Shelf:
    """One block's versions and deprecations, by version."""

    entries: dict[str, Entry] = field(default_factory=dict)
    deprecations: dict[str, Deprecation] = field(default_factory=dict)

    def ranked(self) -> list[str]:
        """Versions, newest first: by creation, within one instant by number."""
        known = [(one.created, _number(tag), tag) for tag, one in self.entries.items() if one.created is not None]
        return [tag for _, _, tag in sorted(known, reverse=True)]

    def reason(self, version: str, digest: str) -> str | None:
        """Why that manifest of a version is deprecated; None if it is not, say, because it was made anew since."""
        found = self.deprecations.get(version)
        return found.reason if found is not None and found.subject == digest else None

    @property
    def document(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "entries": {tag: one.document for tag, one in self.entries.items()},
            "deprecations": {tag: [one.digest, one.subject, one.reason] for tag, one in self.deprecations.items()},
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Shelf:
        """What `document` gave."""
        return cls(
            {
                tag: Entry(digest, datetime.fromisoformat(created) if created else None)
                for tag, (digest, created) in document["entries"].items()
            },
            {tag: Deprecation(*one) for tag, one in document["deprecations"].items()},
        )


def split_tags(tags: list[str]) -> tuple[list[str], list[str]]:
    """Versions among a repository's tags, and versions that are deprecated."""
    versions = [tag for tag in tags if tag != LATEST and is_version(tag)]
    deprecated = {deprecated_version(tag) for tag in tags}
    return versions, [version for version in versions if version in deprecated]


def orphans(tags: list[str]) -> list[str]:
    """Deprecation tags whose versions are gone."""
    versions, _ = split_tags(tags)
    gone = {deprecated_version(tag) for tag in tags} - {None, *versions}
    return [deprecation_tag(version) for version in gone if version]


def entry_of(tag: str, digest: str, manifest: bytes) -> Entry:
    """What a tag is by its manifest alone.

    Raises
    ------
    Invalid
        If it is a version whose time is damaged.
    """
    annotations = json.loads(manifest).get("annotations") or {}
    if annotations.get(ANNOTATION_VERSION) != tag:
        return Entry(digest, None)
    try:
        created = datetime.fromisoformat(annotations[ANNOTATION_CREATED])
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid("Not a registered block", (f"{ANNOTATION_CREATED}: {error}",)) from error
    if created.tzinfo is None:
        raise Invalid("Not a registered block", (f"{ANNOTATION_CREATED}: without a time zone",))
    return Entry(digest, created)


def deprecation_manifest(subject: str, reason: str) -> bytes:
    """What a deprecation tag names."""
    return bare_manifest({ANNOTATION_DEPRECATED: reason, ANNOTATION_DEPRECATED_DIGEST: subject})


def deprecation_of(digest: str, manifest: bytes) -> Deprecation:
    """What such a manifest says; a foreign one deprecates nothing."""
    annotations = json.loads(manifest).get("annotations") or {}
    subject = str(annotations.get(ANNOTATION_DEPRECATED_DIGEST, ""))
    return Deprecation(digest, subject, str(annotations.get(ANNOTATION_DEPRECATED, "")))


def _number(tag: str) -> int:
    return int(tag) if tag.isascii() and tag.isdigit() else 0
