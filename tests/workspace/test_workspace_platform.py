"""Blocks for another machine: built where there are wheels for it, and never called proven where nothing runs them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from lentiq_jupyter.errors import BadInput, NotebookError
from lentiq_jupyter.images.docker_engine import docker_runs
from lentiq_jupyter.model import PublishRequest, Reporter, Verdict, Verification
from lentiq_jupyter.registry import DistributionRegistry
from lentiq_jupyter.workspace import Workspace
from lentiq_jupyter.workspace.settings import Settings

pytestmark = [pytest.mark.registry, pytest.mark.network]
OTHER, MACHINE, ELF = (
    ("linux/amd64", "amd64", 62) if platform.machine() == "aarch64" else ("linux/arm64", "arm64", 183)
)  # the last is the machine's number in ELF files


def put_base(registry: DistributionRegistry) -> str:
    """An image for the other platform that says it is an official one, and holds nothing but a note."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("etc/note"))
    layer = gzip.compress(tar.getvalue(), mtime=0)
    config = json.dumps(
        {
            "architecture": MACHINE,
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/bin", "PYTHON_VERSION=3.11.9"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(tar.getvalue())]},
        }
    ).encode()
    for blob in (layer, config):
        registry.put_blob("python", blob, _digest(blob))
    kind = "application/vnd.oci.image.{}"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind.format("manifest.v1+json"),
        "config": {"mediaType": kind.format("config.v1+json"), "digest": _digest(config), "size": len(config)},
        "layers": [{"mediaType": kind.format("layer.v1.tar+gzip"), "digest": _digest(layer), "size": len(layer)}],
    }
    registry.put_manifest("python", "3.11-slim", manifest["mediaType"], json.dumps(manifest).encode())
    return f"{registry.location}/python:3.11-slim"


def _digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


@pytest.fixture
def registry(registry_host: str) -> DistributionRegistry:
    return DistributionRegistry(f"{registry_host}/lentiq-test/{uuid.uuid4().hex[:12]}")


@pytest.fixture
def workspace(registry: DistributionRegistry, tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(Settings(home=str(tmp_path / "home"), registry=registry.location))
    yield made
    made.close()


@pytest.fixture
def request_of(registry: DistributionRegistry, tmp_path: Path):
    """Makes requests to publish a small notebook for the other platform."""
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell("import markupsafe")]
    nbformat.write(made, tmp_path / "sales.ipynb")
    base = put_base(registry)

    def request(**given: object) -> PublishRequest:
        words = {"path": str(tmp_path / "sales.ipynb"), "platform": OTHER, "base": base, "no_kernel": True, **given}
        return PublishRequest(**words)

    return request


def test_block_for_another_machine_has_its_wheels_and_is_not_called_proven(workspace, registry, request_of) -> None:
    if docker_runs(OTHER):
        pytest.skip(f"the engine runs programs for {OTHER}")
    result = workspace.publish(request_of(), Reporter())
    reason = f"it is made for {OTHER}, which nothing runs here"
    assert result.block.verification == Verification(verdict=Verdict.NONE, evidence=reason)
    assert f"Not proven: {reason}." in result.notes
    manifest = json.loads(registry.get_manifest("sales", result.block.digest)[1])
    machines = set()
    for layer in manifest["layers"]:
        with registry.open_blob("sales", layer["digest"]) as stream:
            body = gzip.decompress(stream.read())
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            for member in archive:
                # Modules of one machine; debugpy brings libraries for several, whatever it runs on.
                if member.name.endswith((".abi3.so", "-linux-gnu.so")):
                    machines.add(archive.extractfile(member).read(20)[18])
    assert machines == {ELF}
    # Once more, and nothing is built or registered anew for want of a proof.
    assert workspace.publish(request_of(), Reporter()).block.version == result.block.version


def test_package_without_wheels_for_the_machine_is_named(workspace, request_of) -> None:
    # A wheel for Windows alone, and nothing to build it from.
    with pytest.raises(NotebookError, match=r"pywin32==306 has no wheels with a matching platform"):
        workspace.publish(request_of(add=("pywin32==306",)), Reporter())


def test_base_that_is_not_made_for_the_machine_is_refused(workspace, request_of, registry_host) -> None:
    with pytest.raises(BadInput, match=f"is made for linux/[a-z0-9]+, not for {OTHER}"):
        workspace.publish(request_of(base=f"{registry_host}/library/python:3.11-slim"), Reporter())
