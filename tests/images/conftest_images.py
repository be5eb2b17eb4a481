"""A small real base image, and a lock with hashes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile

from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.registry import DistributionRegistry, parse_reference

BASE = "python:3.11-slim"
SIX = (
    "six==1.17.0"
    " --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"
    " --hash=sha256:ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81\n"
)
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def put_base(registry: Registry, repository: str, tag: str, *, version: str = "3.11.9") -> None:
    """An image index for two platforms; each image is one layer with one file that names its platform."""
    manifests = []
    for machine in ("arm64", "amd64"):
        content = f"{machine} {version}".encode()
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            member = tarfile.TarInfo("etc/base")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        layer = gzip.compress(tar.getvalue(), mtime=0)
        config = {
            "architecture": machine,
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/bin", f"PYTHON_VERSION={version}"], "Labels": {"of": "base"}},
            "rootfs": {"type": "layers", "diff_ids": [digest(tar.getvalue())]},
            "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "base"}],
        }
        body = json.dumps(config).encode()
        for blob in (layer, body):
            registry.put_blob(repository, blob, digest(blob))
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "digest": digest(body), "size": len(body)},
                "layers": [{"mediaType": LAYER, "digest": digest(layer), "size": len(layer)}],
            }
        ).encode()
        registry.put_manifest(repository, None, MANIFEST, manifest)
        platform = {"os": "linux", "architecture": machine}
        manifests.append(
            {"mediaType": MANIFEST, "digest": digest(manifest), "size": len(manifest), "platform": platform}
        )
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
    registry.put_manifest(repository, tag, INDEX, index)


def open_server(reference: str) -> tuple[Registry, str, str]:
    """The registry server that an image's reference names."""
    host, repository, tag = parse_reference(reference)
    return DistributionRegistry(host), repository, tag


def tar_of(files: dict[str, str | None]) -> bytes:
    """A tar of files by path: a text that begins with ``->`` is a symbolic link, None a folder."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.mode = 0o755
            body = b""
            if text is None:
                member.type = tarfile.DIRTYPE
            elif text.startswith("->"):
                member.type, member.linkname = tarfile.SYMTYPE, text.removeprefix("->")
            else:
                body = text.encode()
                member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return tar.getvalue()


def put_image(
    registry: Registry,
    repository: str,
    tag: str,
    layers: list[dict[str, str | None]],
    *,
    env: tuple[str, ...] = (),
    machine: str = "amd64",
    media_type: str = LAYER,
) -> None:
    """An image of one platform, each layer given as `tar_of` takes it."""
    tars = [tar_of(files) for files in layers]
    packed = [gzip.compress(tar, mtime=0) if media_type.endswith("gzip") else tar for tar in tars]
    config = {
        "architecture": machine,
        "os": "linux",
        "config": {"Env": list(env)},
        "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
    }
    body = json.dumps(config).encode()
    for blob in (*packed, body):
        registry.put_blob(repository, blob, digest(blob))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest(body), "size": len(body)},
        "layers": [{"mediaType": media_type, "digest": digest(blob), "size": len(blob)} for blob in packed],
    }
    registry.put_manifest(repository, tag, MANIFEST, json.dumps(manifest).encode())
