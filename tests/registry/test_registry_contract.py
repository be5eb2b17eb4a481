"""What every registry keeps to, over the layout folder and a real Distribution registry."""

from __future__ import annotations

import hashlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lentiq_jupyter.errors import BadInput, Cancelled, Conflict, NotFound, Unavailable
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.model import Descriptor
from lentiq_jupyter.registry import LayoutRegistry

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


@pytest.fixture
def repository() -> str:
    return f"contract-{uuid.uuid4().hex[:12]}"


def put_image(registry: Registry, repository: str, tag: str | None, **options: bool) -> tuple[str, bytes]:
    """A manifest of one small config, unlike any other; its digest and body."""
    config = json.dumps({"id": uuid.uuid4().hex}).encode()
    registry.put_blob(repository, config, digest_of(config))
    described = {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)}
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": []}).encode()
    return registry.put_manifest(repository, tag, OCI_MANIFEST, body, **options), body


def test_blob_comes_back_as_it_was_sent(registry: Registry, repository: str, tmp_path: Path) -> None:
    body = uuid.uuid4().bytes * 200_000
    source = tmp_path / "blob"
    source.write_bytes(body)
    chunks: list[int] = []

    assert not registry.has_blob(repository, digest_of(body))
    assert registry.put_blob(repository, source, digest_of(body), report=chunks.append) == len(body)
    assert sum(chunks) == len(body)
    assert len(chunks) > 1
    assert registry.has_blob(repository, digest_of(body))
    with registry.open_blob(repository, digest_of(body)) as stream:
        assert stream.read(7) == body[:7]
        assert stream.read() == body[7:]


def test_blob_that_is_there_is_not_sent_again(registry: Registry, repository: str) -> None:
    body = uuid.uuid4().bytes
    assert registry.put_blob(repository, body, digest_of(body)) == 16
    assert registry.put_blob(repository, body, digest_of(body)) == 0


def test_empty_blob_can_be_stored(registry: Registry, repository: str) -> None:
    registry.put_blob(repository, b"", digest_of(b""))
    with registry.open_blob(repository, digest_of(b"")) as stream:
        assert stream.read() == b""


def test_bytes_other_than_their_digest_are_refused(registry: Registry, repository: str) -> None:
    digest = digest_of(uuid.uuid4().bytes)
    with pytest.raises(Conflict, match="other bytes"):
        registry.put_blob(repository, b"something else", digest)
    assert not registry.has_blob(repository, digest)


def test_cancelled_upload_leaves_no_blob(registry: Registry, repository: str) -> None:
    body = uuid.uuid4().bytes * 100_000

    def stop(_: int) -> None:
        raise Cancelled("Stopped as asked.")

    with pytest.raises(Cancelled):
        registry.put_blob(repository, body, digest_of(body), report=stop)
    assert not registry.has_blob(repository, digest_of(body))


def test_missing_source_file_is_named(registry: Registry, repository: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no-such-file cannot be read"):
        registry.put_blob(repository, tmp_path / "no-such-file", digest_of(uuid.uuid4().bytes))


def test_missing_blob_is_not_found(registry: Registry, repository: str) -> None:
    with pytest.raises(NotFound), registry.open_blob(repository, digest_of(uuid.uuid4().bytes)):
        pass


def test_manifest_comes_back_by_tag_and_by_digest(registry: Registry, repository: str) -> None:
    digest, body = put_image(registry, repository, "1")
    expected = (Descriptor(media_type=OCI_MANIFEST, digest=digest, size=len(body)), body)
    assert digest == digest_of(body)
    assert registry.get_manifest(repository, "1") == expected
    assert registry.get_manifest(repository, digest) == expected


def test_manifest_without_a_tag_is_reachable_by_digest_only(registry: Registry, repository: str) -> None:
    digest, body = put_image(registry, repository, None)
    assert registry.tags(repository) == []
    assert registry.get_manifest(repository, digest)[1] == body


def test_missing_manifest_is_not_found(registry: Registry, repository: str) -> None:
    for reference in ("1", digest_of(uuid.uuid4().bytes)):
        with pytest.raises(NotFound):
            registry.get_manifest(repository, reference)


def test_manifest_whose_blobs_are_missing_is_refused(registry: Registry, repository: str) -> None:
    config = {"mediaType": OCI_CONFIG, "digest": digest_of(uuid.uuid4().bytes), "size": 16}
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}).encode()
    with pytest.raises(NotFound, match="Blob"):
        registry.put_manifest(repository, "1", OCI_MANIFEST, body)
    assert registry.tags(repository) == []


def test_new_tag_that_exists_is_a_conflict_and_stays_as_it_was(registry: Registry, repository: str) -> None:
    first, _ = put_image(registry, repository, "1", new=True)
    with pytest.raises(Conflict):
        put_image(registry, repository, "1", new=True)
    assert registry.get_manifest(repository, "1")[0].digest == first


def test_tag_moves_to_another_manifest(registry: Registry, repository: str) -> None:
    put_image(registry, repository, "latest")
    second, _ = put_image(registry, repository, "latest")
    assert registry.get_manifest(repository, "latest")[0].digest == second
    assert registry.tags(repository) == ["latest"]


def test_unknown_repository_has_no_tags(registry: Registry, repository: str) -> None:
    assert registry.tags(repository) == []


def test_repositories_are_listed_without_the_prefix(registry: Registry, repository: str) -> None:
    put_image(registry, repository, "1")
    assert repository in registry.repositories()


def test_deleted_tag_leaves_other_tags_and_the_manifest(registry: Registry, repository: str) -> None:
    digest, body = put_image(registry, repository, "1")
    registry.put_manifest(repository, "latest", OCI_MANIFEST, body)
    registry.delete_tag(repository, "1")
    assert registry.tags(repository) == ["latest"]
    registry.delete_tag(repository, "latest")
    assert registry.tags(repository) == []
    assert registry.get_manifest(repository, digest)[1] == body
    with pytest.raises(NotFound):
        registry.delete_tag(repository, "1")


@pytest.mark.parametrize("name", ["../up", "Upper", "a//b", "", "a b"])
def test_names_that_are_no_repositories_are_refused(registry: Registry, name: str) -> None:
    with pytest.raises(BadInput):
        registry.put_blob(name, b"x", digest_of(b"x"))
    with pytest.raises(BadInput):
        registry.put_manifest("fine", "no/tag", OCI_MANIFEST, b"{}")
    with pytest.raises(BadInput):
        registry.has_blob("fine", "sha256:../../etc/passwd")


def test_pull_reference_is_what_docker_takes(registry: Registry) -> None:
    digest = digest_of(b"")
    reference = registry.pull_reference("clean", digest)
    if isinstance(registry, LayoutRegistry):
        assert reference is None
    else:
        assert reference == f"{registry.location}/clean@{digest}"


SBOM = "application/vnd.cyclonedx+json"


def describe(registry: Registry, repository: str) -> Descriptor:
    digest, _ = put_image(registry, repository, "1")
    return registry.get_manifest(repository, digest)[0]


def test_attached_documents_come_back_by_type_oldest_first(registry: Registry, repository: str) -> None:
    subject = describe(registry, repository)
    assert registry.attached(repository, subject.digest, SBOM) == []
    first = registry.attach(repository, subject, SBOM, SBOM, b'{"first": 1}')
    registry.attach(repository, subject, SBOM, SBOM, b'{"second": 2}')
    registry.attach(repository, subject, "text/x-notes", "text/plain", b"notes")

    assert registry.attached(repository, subject.digest, SBOM) == [b'{"first": 1}', b'{"second": 2}']
    assert registry.attached(repository, subject.digest, "text/x-notes") == [b"notes"]
    assert registry.attached(repository, digest_of(b"another"), SBOM) == []
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2}
    assert json.loads(registry.get_manifest(repository, first)[1]) == {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": SBOM,
        "config": empty,
        "layers": [{"mediaType": SBOM, "digest": digest_of(b'{"first": 1}'), "size": 12}],
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject.digest, "size": subject.size},
    }


def test_same_document_attached_twice_is_one(registry: Registry, repository: str) -> None:
    subject = describe(registry, repository)
    digests = {registry.attach(repository, subject, SBOM, SBOM, b"{}") for _ in range(2)}
    assert (len(digests), registry.attached(repository, subject.digest, SBOM)) == (1, [b"{}"])


def test_documents_attached_at_once_are_all_kept(registry: Registry, repository: str) -> None:
    subject = describe(registry, repository)
    bodies = [json.dumps({"number": number}).encode() for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda body: registry.attach(repository, subject, SBOM, SBOM, body), bodies))
    assert sorted(registry.attached(repository, subject.digest, SBOM)) == bodies
