"""Blocks in the registry: registered, listed, read back, removed, over both registries."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lentiq_jupyter.errors import BuildFailed, Conflict, Denied, Invalid, NotFound
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.model import (
    ANNOTATION_CREATED,
    ANNOTATION_VERSION,
    LABEL_BASE_LAYERS,
    LABEL_SPEC,
    Block,
    BlockSpec,
    Descriptor,
    Image,
    Input,
    InputType,
    Verdict,
    Verification,
    encode,
)
from lentiq_jupyter.registry import Catalogue, LayoutRegistry
from lentiq_jupyter.registry.manifest import image_manifest

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
Member = tuple[str, str, bytes]  # kind (file, dir, link, hard), path, content or target


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def layer(*members: Member) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind, path, content in members:
            one = tarfile.TarInfo(path)
            one.mtime = 1_000_000
            if kind == "file":
                one.size, one.mode = len(content), 0o4755
            else:
                one.type = {"dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE}[kind]
                one.mode, one.linkname = 0o755, content.decode()
            archive.addfile(one, io.BytesIO(content) if kind == "file" else None)
    return gzip.compress(buffer.getvalue(), mtime=0)


BASE = layer(("file", "opt/lentiq/env/of-the-base", b"base"), ("file", "etc/passwd", b"root"))


def build(registry: Registry, spec: BlockSpec, *own: bytes, labels: dict[str, str] | None = None) -> Image:
    """An image of one base layer and `own`, its blobs in the registry."""
    if labels is None:
        labels = {LABEL_SPEC: json.dumps(encode(spec)), LABEL_BASE_LAYERS: "1"}
    config = json.dumps({"config": {"Labels": labels}}, sort_keys=True).encode()
    described = []
    for body in (config, BASE, *own):
        registry.put_blob(spec.name, body, digest_of(body))
        described.append(Descriptor(media_type=GZIP if described else CONFIG, digest=digest_of(body), size=len(body)))
    return Image(
        repository=spec.name,
        config=described[0],
        layers=tuple(described[1:]),
        base_layers=1,
        complete=True,
        bytes_sent=0,
        bytes_total=0,
    )


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A minute later at each look."""
    looks = iter(range(10_000))
    return lambda: START + timedelta(minutes=next(looks))


@pytest.fixture
def catalogue(registry: Registry, clock: Callable[[], datetime], tmp_path: Path) -> Catalogue:
    return Catalogue(registry, clock, cache=tmp_path / "cache")


def spec(name: str = "clean", **fields: Any) -> BlockSpec:
    return BlockSpec(name=name, inputs=(Input(name="rows", type=InputType.INT, default=3),), **fields)


OWN = layer(("file", "opt/lentiq/block/Dockerfile", b"FROM python\n"))


def test_registered_block_reads_back_whole(registry: Registry, catalogue: Catalogue) -> None:
    proof = Verification(verdict=Verdict.RUN, evidence="ran in 3 s", log="done")
    image = build(registry, spec(), OWN)
    block = catalogue.register(image, spec(), author="Ana", verification=proof)
    _, body = registry.get_manifest("clean", "1")

    assert block == Block(
        spec=spec(),
        version="1",
        image=f"clean@{digest_of(body)}",
        digest=digest_of(body),
        image_id=image.config.digest,
        created=START,
        author="Ana",
        complete=True,
        size=len(OWN),
        verification=proof,
    )
    fresh = Catalogue(registry, lambda: START)
    assert (fresh.blocks(), fresh.versions("clean"), fresh.block("clean", "1")) == ([block], [block], block)


def test_same_image_has_the_same_plain_manifest(registry: Registry, catalogue: Catalogue) -> None:
    image = build(registry, spec(), OWN)
    media_type, body = catalogue.manifest(image)
    assert media_type == MANIFEST
    assert json.loads(body) == {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": image.config.digest, "size": image.config.size},
        "layers": [{"mediaType": GZIP, "digest": one.digest, "size": one.size} for one in image.layers],
    }
    assert catalogue.manifest(build(registry, spec(), OWN)) == (media_type, body)


def test_versions_count_up_and_the_newest_is_first(registry: Registry, catalogue: Catalogue) -> None:
    image = build(registry, spec(), OWN)
    made = [catalogue.register(image, spec(), version=version) for version in (None, None, "1.4", None)]
    assert [one.version for one in made] == ["1", "2", "1.4", "3"]
    assert catalogue.versions("clean") == made[::-1]
    assert catalogue.blocks() == [made[-1]]
    assert catalogue.block("clean") == made[-1]
    assert catalogue.block("clean", "1.4") == made[2]
    assert registry.get_manifest("clean", "latest")[0].digest == made[-1].digest


def test_version_that_exists_is_a_conflict(registry: Registry, catalogue: Catalogue) -> None:
    image = build(registry, spec(), OWN)
    first = catalogue.register(image, spec(), version="1")
    with pytest.raises(Conflict, match="Version 1 of block clean exists already"):
        catalogue.register(image, spec(), version="1", author="Other")
    assert catalogue.versions("clean") == [first]


def test_removed_version_is_gone_and_latest_moves(registry: Registry, catalogue: Catalogue) -> None:
    image = build(registry, spec(), OWN)
    first, second = catalogue.register(image, spec()), catalogue.register(image, spec())
    catalogue.remove("clean", "2")
    assert catalogue.versions("clean") == [first]
    assert registry.get_manifest("clean", "latest")[0].digest == first.digest
    assert registry.get_manifest("clean", second.digest)  # what runs of it goes on
    with pytest.raises(NotFound, match=r"Block clean has no version 2. It has: 1\."):
        catalogue.remove("clean", "2")
    catalogue.remove("clean", "1")
    assert (catalogue.blocks(), registry.tags("clean")) == ([], [])
    with pytest.raises(NotFound, match="There is no block clean"):
        catalogue.block("clean", "1")


def test_version_made_anew_by_somebody_else_is_noticed(registry: Registry, tmp_path: Path) -> None:
    image = build(registry, spec(), OWN)
    ours = Catalogue(registry, lambda: START, cache=tmp_path / "cache")
    ours.register(image, spec())
    assert ours.blocks()[0].author == ""
    theirs = Catalogue(registry, lambda: START)
    theirs.remove("clean", "1")
    again = theirs.register(image, spec(), author="Dan")

    assert again.version == "1"
    assert ours.block("clean", "1") == again
    assert Catalogue(registry, lambda: START, cache=tmp_path / "cache").blocks() == [again]


def test_image_that_does_not_describe_itself_is_not_registered(registry: Registry, catalogue: Catalogue) -> None:
    with pytest.raises(BuildFailed, match="does not describe itself as block clean"):
        catalogue.register(build(registry, spec(), OWN, labels={}), spec())
    assert registry.tags("clean") == []


def test_other_images_and_their_tags_are_passed_over(
    registry: Registry, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    block = catalogue.register(build(registry, spec(), OWN), spec())
    registry.put_manifest("clean", "stable", *registry_manifest(registry, "clean", "1"))
    other = build(registry, spec("tool"), labels={})
    registry.put_manifest("tool", "1", *catalogue.manifest(other))
    registry.put_blob("team/tool", BASE, digest_of(BASE))
    unregistered = build(registry, spec("draft"), OWN)
    registry.put_manifest("draft", "1", *catalogue.manifest(unregistered))
    index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []})
    registry.put_manifest("many", "1", "application/vnd.oci.image.index.v1+json", index.encode())

    with caplog.at_level(logging.WARNING, "lentiq_jupyter"):
        assert catalogue.blocks() == [block]
        assert catalogue.versions("clean") == [block]
    assert caplog.records == []


def registry_manifest(registry: Registry, name: str, tag: str) -> tuple[str, bytes]:
    described, body = registry.get_manifest(name, tag)
    return described.media_type, body


def test_damaged_block_is_left_out_with_a_warning_that_names_it(
    registry: Registry, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    good = catalogue.register(build(registry, spec(), OWN), spec())
    for name, text in (("broken", '{"name": "broken", "nonsense": 1}'), ("torn", '{"name": ')):
        image = build(registry, spec(name), OWN, labels={LABEL_SPEC: text})
        registered = {ANNOTATION_VERSION: "7", ANNOTATION_CREATED: START.isoformat()}
        registry.put_manifest(name, "7", MANIFEST, image_manifest(image, registered))
    document = json.loads(registry.get_manifest("clean", "1")[1])
    document["annotations"]["org.opencontainers.image.created"] = "yesterday"
    document["annotations"]["io.lentiq.block.version"] = "2"
    registry.put_manifest("clean", "2", MANIFEST, json.dumps(document).encode())

    with caplog.at_level(logging.WARNING, "lentiq_jupyter"):
        assert catalogue.blocks() == [good]
        assert catalogue.blocks() == [good]
    said = sorted(record.getMessage().partition(" in ")[0] for record in caplog.records)
    assert said == ["Block broken@7", "Block clean@2", "Block torn@7"]

    catalogue.remove("clean", "2")
    assert set(registry.tags("clean")) == {"1", "latest"}


class Counting:
    """A registry that writes down what is asked of it."""

    def __init__(self, inner: Registry) -> None:
        self.inner = inner
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.inner, name)
        if callable(value):
            self.asked.append(name)
        return value


class Immovable(Counting):
    """A registry whose tags never move."""

    def put_manifest(self, repository: str, tag: str | None, media_type: str, body: bytes, *, new: bool = False) -> str:
        if tag is not None and tag in self.inner.tags(repository):
            raise Denied("Tags of this registry never move.")
        return self.inner.put_manifest(repository, tag, media_type, body, new=new)


def test_version_stands_where_latest_cannot_move(
    tmp_path: Path, clock: Callable[[], datetime], caplog: pytest.LogCaptureFixture
) -> None:
    registry = Immovable(LayoutRegistry(tmp_path))
    catalogue = Catalogue(registry, clock)
    image = build(registry, spec(), OWN)
    catalogue.register(image, spec())
    with caplog.at_level(logging.WARNING, "lentiq_jupyter"):
        second = catalogue.register(image, spec())
    assert catalogue.blocks() == [second]
    assert [record.getMessage() for record in caplog.records] == [
        "Block clean@2 is registered, but not as latest: Tags of this registry never move."
    ]


def test_cache_folder_in_the_way_costs_nothing_but_time(
    registry: Registry, clock: Callable[[], datetime], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file")
    catalogue = Catalogue(registry, clock, cache=tmp_path / "cache")
    block = catalogue.register(build(registry, spec(), OWN), spec())
    assert catalogue.blocks() == [block]


def test_file_of_the_last_layer_is_read(registry: Registry, catalogue: Catalogue) -> None:
    block = catalogue.register(build(registry, spec(), layer(("file", "x", b"")), OWN), spec())
    assert catalogue.read_file(block, "opt/lentiq/block/Dockerfile") == b"FROM python\n"
    with pytest.raises(NotFound, match="Block clean@1 has no file opt/lentiq/block/other"):
        catalogue.read_file(block, "opt/lentiq/block/other")


def tree(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        inner = str(path.relative_to(folder))
        if path.is_symlink():
            found[inner] = f"-> {path.readlink()}"
        elif path.is_file():
            found[inner] = path.read_text()
    return found


def test_folder_is_extracted_from_own_layers_only(registry: Registry, catalogue: Catalogue, tmp_path: Path) -> None:
    env = layer(
        ("dir", "opt/lentiq/env", b""),
        ("file", "opt/lentiq/env/lib/a.py", b"a"),
        ("hard", "opt/lentiq/env/lib/same.py", b"opt/lentiq/env/lib/a.py"),
        ("link", "opt/lentiq/env/lib64", b"lib"),
        ("link", "opt/lentiq/env/bin/python", b"/usr/local/bin/python3.11"),
        ("file", "opt/lentiq/env/old", b"old"),
        ("file", "usr/lib/elsewhere", b"no"),
    )
    top = layer(
        ("file", "opt/lentiq/env/.wh.old", b""),
        ("file", "./opt/lentiq/env/lib/b.py", b"b"),
        ("file", "opt/lentiq/block/n.ipynb", b"{}"),
    )
    block = catalogue.register(build(registry, spec(), env, top), spec())

    catalogue.extract_folder(block, "env", tmp_path / "env")
    assert tree(tmp_path / "env") == {"lib/a.py": "a", "lib/same.py": "a", "lib/b.py": "b", "lib64": "-> lib"}
    status = (tmp_path / "env" / "lib" / "a.py").stat()
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o755, 1_000_000)

    catalogue.extract_folder(block, "", tmp_path / "all")
    assert sorted(tree(tmp_path / "all")) == [
        "block/n.ipynb", "env/lib/a.py", "env/lib/b.py", "env/lib/same.py", "env/lib64",
    ]  # fmt: skip


def test_layer_cannot_write_or_point_outside_the_folder(tmp_path: Path, clock: Callable[[], datetime]) -> None:
    registry = LayoutRegistry(tmp_path / "registry")
    catalogue = Catalogue(registry, clock)
    (tmp_path / "secret").write_text("secret")
    first = layer(
        ("link", "opt/lentiq/env/out", str(tmp_path).encode()),
        ("link", "opt/lentiq/env/up", b"../.."),
        ("link", "opt/lentiq/env/a/b/late", b"s/../.."),
        ("link", "opt/lentiq/env/a/b/s", b"../../top"),
        ("hard", "opt/lentiq/env/hard", b"etc/passwd"),
        ("file", "opt/lentiq/env/top/x", b"x"),
        ("file", "opt/lentiq/env/out/evil", b"evil"),
        ("file", "/opt/lentiq/env/absolute", b"inside"),
    )
    second = layer(("file", "opt/lentiq/env/up/evil", b"evil"))
    block = catalogue.register(build(registry, spec(), first, second), spec())
    catalogue.extract_folder(block, "env", tmp_path / "into")
    assert tree(tmp_path / "into") == {
        "a/b/s": "-> ../../top",
        "absolute": "inside",
        "out/evil": "evil",
        "top/x": "x",
        "up/evil": "evil",
    }
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "into" / "out").is_symlink()

    dotted = layer(("file", "opt/lentiq/env/../../../../evil", b"evil"))
    block = catalogue.register(build(registry, spec(), dotted), spec())
    with pytest.raises(Invalid, match="leads out"):
        catalogue.extract_folder(block, "env", tmp_path / "dotted")


def test_layer_that_is_no_archive_is_said_plainly(tmp_path: Path, clock: Callable[[], datetime]) -> None:
    registry = LayoutRegistry(tmp_path / "registry")
    catalogue = Catalogue(registry, clock)
    for number, body in enumerate((b"no gzip at all", OWN[:-40], gzip.compress(b"no tar" * 500))):
        block = catalogue.register(build(registry, spec(), body), spec())
        with pytest.raises(Invalid, match="layer is damaged"):
            catalogue.extract_folder(block, "", tmp_path / str(number))
