"""A registry in a folder: an OCI image layout (Image specification 1.1, image-layout.md).

Blobs are shared by all repositories; ``index.json`` holds one descriptor a tag, named
``repository:tag`` by the annotation ``org.opencontainers.image.ref.name``, so that skopeo and oras
read it (``skopeo inspect oci:FOLDER:clean-sales:3``). Entries of other tools are kept.

Every file appears by a rename and the index changes under a lock of the file system, so any number
of processes may write, and the death of one leaves at most a hidden ``.incoming-…`` file, which a
later writer sweeps away.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import Conflict, LentiqError, NotFound, Unavailable
from ..model import Descriptor
from ..scratch import scratch_file, sweep
from .content import (
    OCI_INDEX,
    changed,
    chunks_of,
    digest_of,
    manifest_document,
    media_type_of,
    referenced_digests,
)
from .reference import check_digest, check_repository, check_tag, is_digest
from .referrers import (
    EMPTY,
    attached_document,
    attachment_manifest,
    referrers_in,
    referrers_tag,
    with_referrer,
)

REF_NAME = "org.opencontainers.image.ref.name"
INCOMING = ".incoming-"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LayoutRegistry:
    """The embedded registry (interfaces.Registry).

    Parameters
    ----------
    folder : Path
        Made by the first write; reading one that is not there finds nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.abspath(folder))
        self.location = str(self.folder)
        self._blobs = self.folder / "blobs" / "sha256"
        self._prepared = False
        self._by_name: tuple[list[dict[str, Any]], dict[str, dict[str, str]]] | None = None
        self._known_index: tuple[tuple[int, int, int], list[dict[str, Any]]] | None = None

    def __repr__(self) -> str:
        return f"LayoutRegistry({self.location!r})"

    def pull_reference(self, repository: str, digest: str) -> str | None:
        """None: Docker cannot pull from a folder."""
        return None

    # blobs
    def has_blob(self, repository: str, digest: str) -> bool:
        with self._translated("read"):
            return self._path(digest).is_file()

    def put_blob(
        self,
        repository: str,
        source: Path | bytes,
        digest: str,
        *,
        mount_from: str | None = None,
        ask: bool = True,
        report: Callable[[int], None] | None = None,
    ) -> int:
        check_repository(repository)
        if self.has_blob(repository, digest):
            with suppress(OSError):  # it counts as fresh: see `unreached`
                os.utime(self._path(digest))
            return 0
        sent = 0
        hasher = hashlib.sha256()
        with chunks_of(source) as chunks, self._arriving(self._path(digest)) as stream:
            for chunk in chunks:
                stream.write(chunk)
                hasher.update(chunk)
                sent += len(chunk)
                if report is not None:
                    report(len(chunk))
            if "sha256:" + hasher.hexdigest() != digest:
                raise changed(digest)
        return sent

    @contextmanager
    def open_blob(self, repository: str, digest: str) -> Iterator[BinaryIO]:
        try:
            with self._translated("read"):
                stream = self._path(digest).open("rb")
        except FileNotFoundError as error:
            raise NotFound(f"There is no blob {digest} in {self.location}.", "Publish the block again.") from error
        with stream:
            yield stream

    # manifests
    def get_manifest(self, repository: str, reference: str) -> tuple[Descriptor, bytes]:
        digest = reference if is_digest(reference) else self._tagged(repository).get(check_tag(reference))
        if digest is None:
            raise NotFound(f"There is no {repository}:{reference} in {self.location}.", "Look at the list of blocks.")
        with self.open_blob(repository, digest) as stream:
            body = stream.read()
        document = manifest_document(body)
        if document is None or digest_of(body) != digest:
            raise NotFound(f"{digest} in {self.location} is no manifest.", "Publish the block again.")
        return Descriptor(media_type=media_type_of(document), digest=digest, size=len(body)), body

    def put_manifest(self, repository: str, tag: str | None, media_type: str, body: bytes, *, new: bool = False) -> str:
        name = f"{check_repository(repository)}:{check_tag(tag)}" if tag is not None else None
        document = manifest_document(body)
        for digest in referenced_digests(document) if document else ():
            if not self.has_blob(repository, digest):
                raise NotFound(f"Blob {digest} of the manifest is not in {self.location}.", "Send it first.")
        digest = digest_of(body)
        self.put_blob(repository, body, digest)
        if name is not None:
            with self._index_locked() as entries:
                if new and any(_name(one) == name for one in entries):
                    raise Conflict(f"{name} exists already in {self.location}.", "Choose another version.")
                _let_name(entries, name, media_type, body)
        return digest

    # referrers
    def attach(
        self,
        repository: str,
        subject: Descriptor,
        artifact_type: str,
        media_type: str,
        body: bytes,
        *,
        alone: bool = False,
    ) -> str:
        document = Descriptor(media_type=media_type, digest=digest_of(body), size=len(body))
        manifest = attachment_manifest(subject, artifact_type, document)
        for blob in (EMPTY, body, manifest):
            self.put_blob(repository, blob, digest_of(blob))
        tag = referrers_tag(subject.digest)
        with self._index_locked() as entries:
            changed_index = with_referrer(self._referrers_tagged(repository, tag), artifact_type, manifest)
            if changed_index is not None:
                self.put_blob(repository, changed_index, digest_of(changed_index))
                _let_name(entries, f"{repository}:{tag}", OCI_INDEX, changed_index)
        return digest_of(manifest)

    def attached(self, repository: str, digest: str, artifact_type: str) -> list[bytes]:
        index = self._referrers_tagged(repository, referrers_tag(digest))
        found = []
        for one in referrers_in(index, artifact_type) if index is not None else ():
            document = attached_document(self.get_manifest(repository, one)[1])
            if document is not None:
                with self.open_blob(repository, document) as stream:
                    found.append(stream.read())
        return found

    def _referrers_tagged(self, repository: str, tag: str) -> bytes | None:
        return self.get_manifest(repository, tag)[1] if tag in self._tagged(repository) else None

    # names

    def tags(self, repository: str) -> list[str]:
        return list(self._tagged(repository))

    def repositories(self) -> list[str]:
        return sorted({_name(one).rpartition(":")[0] for one in self._index()} - {""})

    def delete_tag(self, repository: str, tag: str) -> None:
        """Forget one tag; the manifest stays readable by digest, so that running tasks keep what they were given."""
        name = f"{check_repository(repository)}:{check_tag(tag)}"
        if tag not in self._tagged(repository):
            raise NotFound(f"There is no {name} in {self.location}.", "Look at the list of blocks.")
        with self._index_locked() as entries:
            entries[:] = [one for one in entries if _name(one) != name]

    def _tagged(self, repository: str) -> dict[str, str]:
        """Digests by tag."""
        entries = self._index()
        if self._by_name is None or self._by_name[0] is not entries:
            found: dict[str, dict[str, str]] = {}
            for one in entries:
                name, _, tag = _name(one).rpartition(":")
                found.setdefault(name, {})[tag] = str(one.get("digest", ""))
            self._by_name = entries, found
        return self._by_name[1].get(repository, {})

    def state(self) -> str:
        """Differs whenever any tag has changed, by whomever (`changes.Stateful`)."""
        try:
            with self._translated("read"):
                status = (self.folder / "index.json").stat()
        except FileNotFoundError:
            return ""
        return f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}"

    # files
    def _path(self, digest: str) -> Path:
        return self._blobs / check_digest(digest).removeprefix("sha256:")

    def _index(self) -> list[dict[str, Any]]:
        """The index's entries, not to be changed; read again when the file is another one."""
        try:
            with self._translated("read"), (self.folder / "index.json").open("rb") as stream:
                status = os.fstat(stream.fileno())
                seen = (status.st_ino, status.st_mtime_ns, status.st_size)
                known = self._known_index
                if known is not None and known[0] == seen:
                    return known[1]
                document = json.loads(stream.read())
            entries = document["manifests"]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged() from error
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            raise self._damaged()
        self._known_index = seen, entries
        return entries

    def _damaged(self) -> Unavailable:
        return Unavailable(
            f"{self.folder / 'index.json'} is damaged.",
            "Restore it from a backup, or move it away and publish the blocks again.",
        )

    @contextmanager
    def _index_locked(self) -> Iterator[list[dict[str, Any]]]:
        """The index's entries, to be changed in place; written at the end unless an error leaves the block."""
        self._prepare()
        with self._translated("written"):
            lock = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            with self._translated("locked"):
                fcntl.flock(lock, fcntl.LOCK_EX)
            entries = list(self._index())
            yield entries
            document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
            with self._arriving(self.folder / "index.json") as stream:
                stream.write(json.dumps(document, indent=1).encode())
        finally:
            os.close(lock)

    @contextmanager
    def _arriving(self, target: Path) -> Iterator[BinaryIO]:
        """A stream whose bytes become `target` in one step at the end, or nothing on any error."""
        self._prepare()
        with self._translated("written"):
            descriptor, name = scratch_file(INCOMING, target.parent)
        try:
            with self._translated("written"):
                with open(descriptor, "wb") as stream:
                    yield stream
                    stream.flush()
                    os.fchmod(stream.fileno(), 0o644)
                    os.fsync(stream.fileno())
                    os.replace(name, target)  # while it is held: a free one would be swept away
                _sync_folder(target.parent)
        except BaseException:
            # Whatever stops the writing, a cancel in `report` included, must not leave half a blob.
            with suppress(OSError):
                os.unlink(name)
            raise

    def _prepare(self) -> None:
        if self._prepared and self._blobs.is_dir():
            return
        with self._translated("written"):
            self._blobs.mkdir(parents=True, exist_ok=True)
        self._prepared = True
        self._sweep()
        if not (self.folder / "oci-layout").exists():
            with self._arriving(self.folder / "oci-layout") as stream:
                stream.write(b'{"imageLayoutVersion": "1.0.0"}')
        if not (self.folder / "index.json").exists():
            with self._index_locked():
                pass

    def _sweep(self) -> None:
        """Remove what writers that were killed left."""
        for folder in (self.folder, self._blobs):
            sweep(INCOMING, folder)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if what == "read":
                raise
            raise self._refused(what, error) from error
        except (NotADirectoryError, FileExistsError) as error:
            raise Unavailable(
                f"{self.folder} cannot hold a registry: there is a file in its way.",
                "Choose another folder, or move the file away.",
            ) from error
        except LentiqError:
            raise
        except OSError as error:
            raise self._refused(what, error) from error

    def _refused(self, what: str, error: OSError) -> Unavailable:
        if error.errno in _FULL:
            return Unavailable(
                f"The disk of the registry folder {self.folder} is full ({error.strerror}).",
                "Free some space and try again; nothing half-written was left.",
            )
        return Unavailable(
            f"The registry folder {self.folder} cannot be {what} ({error.strerror}).",
            "Make it readable and writable for you, or choose another folder or a registry's address.",
        )


def _name(entry: dict[str, Any]) -> str:
    annotations = entry.get("annotations")
    return str(annotations.get(REF_NAME, "")) if isinstance(annotations, dict) else ""


def _let_name(entries: list[dict[str, Any]], name: str, media_type: str, body: bytes) -> None:
    """Make `name` the name of that manifest, and of no other."""
    described = {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}
    entries[:] = [one for one in entries if _name(one) != name]
    entries.append({**described, "annotations": {REF_NAME: name}})


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
