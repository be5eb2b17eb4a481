"""The catalogue's use cases over a real folder and a real registry server."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lentiq_jupyter.errors import BadInput, Conflict, Invalid, NotFound
from lentiq_jupyter.model import (
    LABEL_BASE_LAYERS,
    LABEL_SPEC,
    Block,
    BlockQuery,
    BlockSpec,
    BlockUse,
    Change,
    Descriptor,
    Image,
    Input,
    InputType,
    Lock,
    Output,
    PinnedPackage,
    Task,
    Workflow,
    encode,
)
from lentiq_jupyter.workspace import Settings, Workspace, sbom

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
Publish = Callable[..., Block]


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def layer(**files: bytes) -> bytes:
    """A layer of the files of a block's folder; ``__`` stands for a dot."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            one = tarfile.TarInfo("opt/lentiq/block/" + name.replace("__", "."))
            one.size = len(content)
            archive.addfile(one, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def notebook(*sources: str, text: str = "# Sales") -> bytes:
    cells = [{"cell_type": "markdown", "source": text, "metadata": {}}]
    cells += [{"cell_type": "code", "source": one, "metadata": {}, "outputs": []} for one in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


BASE, SHARED = layer(base=b"of the base"), layer(shared=b"wheels" * 1000)


@pytest.fixture(params=["layout", pytest.param("server", marks=pytest.mark.registry)])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    words = {"home": str(tmp_path / "home"), "author": "ana"}
    if request.param == "server":
        words["registry"] = f"{request.getfixturevalue('registry_host')}/lentiq-test/{uuid.uuid4().hex[:12]}"
    made = Workspace(Settings(**words))
    yield made
    for repository in made.registry.repositories() if request.param == "server" else ():
        for tag in made.registry.tags(repository):
            made.registry.delete_tag(repository, tag)
    made.close()


@pytest.fixture
def publish(workspace: Workspace) -> Publish:
    """Register a version of a block from the files of its folder, in the last layer as `layers` does it."""

    def publish(spec: BlockSpec, *layers: bytes, version: str | None = None, **files: bytes) -> Block:
        own = layers or (SHARED, layer(block__json=b"{}", **files))
        labels = {LABEL_SPEC: json.dumps(encode(spec)), LABEL_BASE_LAYERS: "1"}
        config = json.dumps({"config": {"Labels": labels}}, sort_keys=True).encode()
        described = []
        for body in (config, BASE, *own):
            workspace.registry.put_blob(spec.name, body, digest_of(body))
            kind = GZIP if described else CONFIG
            described.append(Descriptor(media_type=kind, digest=digest_of(body), size=len(body)))
        image = Image(
            repository=spec.name,
            config=described[0],
            layers=tuple(described[1:]),
            base_layers=1,
            complete=True,
            bytes_sent=0,
            bytes_total=0,
        )
        return workspace.catalogue.register(image, spec, version=version, author="ana")

    return publish


LOCK = Lock(python="3.11", packages=(), requirements="")
FIRST = BlockSpec(
    name="clean-sales",
    description="Cleans sales",
    inputs=(Input(name="limit", type=InputType.INT, default=1), Input(name="old")),
    outputs=(Output(name="table"),),
    python="3.11",
    base="python:3.11-slim",
    notebook="clean.ipynb",
    packages=(
        PinnedPackage(name="pandas", version="2.1.0", witness="kernel"),
        PinnedPackage(name="six", version="1.16.0", witness="kernel"),
    ),
)
SECOND = BlockSpec(
    name="clean-sales",
    description="Cleans sales",
    inputs=(Input(name="limit", type=InputType.INT, required=True), Input(name="key", required=True, secret=True)),
    outputs=(Output(name="table"), Output(name="rows", description="how many")),
    python="3.12",
    base="python:3.12-slim",
    notebook="clean.ipynb",
    packages=(PinnedPackage(name="pandas", version="2.2.0", witness="kernel"),),
)


def attach(workspace: Workspace, block: Block, body: bytes) -> None:
    described, _ = workspace.registry.get_manifest(block.spec.name, block.digest)
    sbom.attach(workspace.registry, block.spec.name, described, body)


def test_diff_tells_all_that_differs(workspace: Workspace, publish: Publish) -> None:
    old = publish(FIRST, clean__ipynb=notebook("x = 1"), data__csv=b"a", Dockerfile=b"FROM a", same__txt=b"same")
    new = publish(SECOND, clean__ipynb=notebook("x = 2"), more__csv=b"b", Dockerfile=b"FROM b", same__txt=b"same")
    found = workspace.diff_blocks("clean-sales@1", "clean-sales")
    assert (found.old, found.new) == (old, new)
    assert found.cells == "## modified /cells/1/source:\n-  x = 1\n+  x = 2\n\n"
    assert found.inputs == (
        Change(name="key", new="str, secret"),
        Change(name="limit", old="int = 1", new="int"),
        Change(name="old", old="str = null"),
    )
    assert found.outputs == (Change(name="rows", new="output  (how many)"),)
    assert found.packages == (Change(name="pandas", old="2.1.0", new="2.2.0"), Change(name="six", old="1.16.0"))
    assert found.files == (
        Change(name="data.csv", old="1 bytes, sha256:" + hashlib.sha256(b"a").hexdigest()[:16]),
        Change(name="more.csv", new="1 bytes, sha256:" + hashlib.sha256(b"b").hexdigest()[:16]),
    )
    assert found.settings == (
        Change(name="base", old="python:3.11-slim", new="python:3.12-slim"),
        Change(name="python", old="3.11", new="3.12"),
    )
    assert (found.shared_layers, found.shared_bytes) == (1, len(SHARED))


def test_two_blocks_are_compared_as_two_versions_are(workspace: Workspace, publish: Publish) -> None:
    publish(FIRST, clean__ipynb=notebook("x = 1"))
    publish(BlockSpec(name="other", notebook="other.ipynb"), other__ipynb=notebook("x = 1"))
    found = workspace.diff_blocks("clean-sales", "other@1")
    assert (found.cells, found.files) == ("", ())
    assert Change(name="notebook", old="clean.ipynb", new="other.ipynb") in found.settings


def test_system_packages_are_compared_by_the_attached_lists(workspace: Workspace, publish: Publish) -> None:
    for version, system in (("1", ("libgl1",)), ("2", ("libgl1", "ffmpeg"))):
        block = publish(FIRST, version=version, clean__ipynb=notebook("x = 1"))
        attach(workspace, block, sbom.document(FIRST, block.image_id, LOCK, system))
    settings = workspace.diff_blocks("clean-sales@1", "clean-sales@2").settings
    assert settings == (Change(name="system packages", old="libgl1", new="ffmpeg, libgl1"),)


def test_what_docker_built_has_its_folder_in_several_layers(workspace: Workspace, publish: Publish) -> None:
    copied = layer(block__json=b"{}", clean__ipynb=notebook("x = 1"), README__md=b"below")
    publish(FIRST, SHARED, copied, layer(Dockerfile=b"FROM a"), layer(README__md=b"above"))
    assert workspace.readme("clean-sales") == "above"
    publish(FIRST, layer(block__json=b"{}"), *[layer(**{f"x{number}": b""}) for number in range(4)])
    with pytest.raises(NotFound, match="clean-sales@2 has no folder of its own"):
        workspace.readme("clean-sales")


def test_readme_is_the_file_else_the_text_above_the_code(workspace: Workspace, publish: Publish) -> None:
    publish(FIRST, clean__ipynb=notebook("x = 1", text="# From the notebook"), README__md=b"# From the file \xff")
    publish(FIRST, clean__ipynb=notebook("x = 1", text="# From the notebook"))
    publish(FIRST, clean__ipynb=b"no notebook")
    texts = [workspace.readme(f"clean-sales@{version}") for version in (1, 2, 3)]
    assert texts == ["# From the file \ufffd", "# From the notebook", ""]


def test_damaged_layer_is_said_to_be_damaged(workspace: Workspace, publish: Publish) -> None:
    publish(FIRST, SHARED, b"no layer")
    for ask in (lambda: workspace.readme("clean-sales"), lambda: workspace.diff_blocks("clean-sales", "clean-sales@1")):
        with pytest.raises(Invalid, match="A layer is damaged"):
            ask()


def test_list_of_packages_is_attached_once_and_read_back(workspace: Workspace, publish: Publish) -> None:
    block = publish(FIRST, clean__ipynb=notebook("x = 1"))
    with pytest.raises(NotFound, match=r"clean-sales@1 has no list of packages\. Publish it again"):
        workspace.sbom("clean-sales")
    body = sbom.send(workspace.registry, "clean-sales", sbom.document(FIRST, block.image_id, LOCK))
    for _ in range(2):
        attach(workspace, block, body)
    assert workspace.registry.attached("clean-sales", block.digest, sbom.MEDIA_TYPE) == [body]
    assert workspace.sbom("clean-sales") == json.loads(body)
    assert workspace.block_versions("clean-sales") == [block]
    attach(workspace, block, b"a stranger's")
    assert workspace.sbom("clean-sales") == json.loads(body)


def test_search_reads_the_registry(workspace: Workspace, publish: Publish) -> None:
    clean = publish(FIRST, clean__ipynb=notebook("x = 1"))
    other = publish(BlockSpec(name="other"), other__ipynb=notebook("x = 1"))
    assert workspace.blocks() == [clean, other]
    assert workspace.blocks(BlockQuery(words="pandas", owner="Ana", input="limit")) == [clean]


def uses(workspace: Workspace, version: str | None) -> None:
    inputs = {"limit": 1, "old": "x"}
    task = Task(name="clean", block="clean-sales", version=version, inputs=inputs)
    workspace.save_workflow(Workflow(name="nightly", project="default", tasks=(task,)))


def test_version_in_use_is_removed_by_force_only(workspace: Workspace, publish: Publish) -> None:
    publish(FIRST, clean__ipynb=notebook("x = 1"))
    publish(FIRST, clean__ipynb=notebook("x = 2"))
    uses(workspace, "1")
    assert workspace.block_users("clean-sales") == [
        BlockUse(project="default", workflow="nightly", task="clean", version="1")
    ]
    assert workspace.block_users("clean-sales@2") == []
    with pytest.raises(Conflict, match=r"clean-sales@1 is used by default/nightly\. Change or delete"):
        workspace.remove_block("clean-sales@1")
    with pytest.raises(BadInput, match="clean-sales names no version"):
        workspace.remove_block("clean-sales", force=True)
    workspace.remove_block("clean-sales@1", force=True)
    assert [one.version for one in workspace.block_versions("clean-sales")] == ["2"]
    assert workspace.check_workflow(workspace.workflow("nightly")).faults != ()
    workspace.remove_block("clean-sales@2")
    assert workspace.blocks() == []


def test_deprecated_version_goes_on_and_is_marked(workspace: Workspace, publish: Publish) -> None:
    first = publish(FIRST, clean__ipynb=notebook("x = 1"))
    assert workspace.deprecate_block("clean-sales@1", "use 2").deprecated == "use 2"
    assert workspace.block("clean-sales@1").deprecated == "use 2"
    assert workspace.blocks(BlockQuery(deprecated=False)) == []
    uses(workspace, "1")
    assert workspace.check_workflow(workspace.workflow("nightly")).faults == ()
    assert workspace.deprecate_block("clean-sales@1", None) == first
    assert workspace.blocks(BlockQuery(deprecated=False)) == [first]
    with pytest.raises(BadInput, match="clean-sales names no version"):
        workspace.deprecate_block("clean-sales", "x")
    with pytest.raises(NotFound):
        workspace.deprecate_block("clean-sales@9", "x")
