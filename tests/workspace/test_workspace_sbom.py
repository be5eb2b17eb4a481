"""The list of packages: held to the official schema, and read back."""

from __future__ import annotations

import dataclasses
import json

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from lentiq_jupyter.model import BlockSpec, Lock, Package, Witness
from lentiq_jupyter.workspace.sbom import document, system_packages

HASHES = ("sha256:" + "1" * 64, "sha256:" + "2" * 64)
LOCK = Lock(
    python="3.11",
    packages=(
        Package(name="Flask_SQLAlchemy", version="3.1.1", witness=Witness.KERNEL, hashes=HASHES),
        Package(name="local", version="1.0+gpu", witness=Witness.KERNEL, url="file:///home/ana/local"),
        Package(
            name="tool",
            version="2",
            witness=Witness.LINE,
            url="git+https://ana:secret@git.example.org/tool.git@abc?x=1#egg=tool",
        ),
    ),
    requirements="",
)
SPEC = BlockSpec(
    name="clean-sales",
    description="Cleans\n\x1b[31m<b>sales</b>",
    base="registry.example.org:5000/library/python:3.11-slim@sha256:" + "b" * 64,
    python="3.11",
)
IMAGE_ID = "sha256:" + "c" * 64
SYSTEM = ("libgomp1", "libgl1")


def components(body: bytes, environment: str) -> list[dict[str, object]]:
    mark = [{"name": "io.lentiq.environment", "value": environment}]
    return [one for one in json.loads(body)["components"] if one.get("properties") == mark]


def test_document_keeps_to_the_official_schema_and_reads_as_one() -> None:
    for spec in (SPEC, BlockSpec(name="clean-sales")):
        body = document(spec, IMAGE_ID, LOCK, SYSTEM)
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(body.decode()) is None
        bom = Bom.from_json(json.loads(body))
        assert (bom.metadata.component.name, bom.metadata.component.version) == ("clean-sales", IMAGE_ID)
        assert {str(one.purl) for one in bom.components} >= {
            "pkg:pypi/flask-sqlalchemy@3.1.1",
            "pkg:deb/debian/libgl1",
            "pkg:deb/debian/libgomp1",
        }
        assert bom.validate()


def test_same_image_has_the_same_bytes_at_any_time() -> None:
    body = document(SPEC, IMAGE_ID, LOCK, SYSTEM)
    assert document(SPEC, IMAGE_ID, LOCK, reversed(SYSTEM)) == body
    assert {"serialNumber", "timestamp"} & {*json.loads(body), *json.loads(body)["metadata"]} == set()


def test_packages_have_purls_versions_and_hashes_and_no_secret_and_no_path() -> None:
    body = document(SPEC, IMAGE_ID, LOCK, SYSTEM)
    assert [(one["name"], one["purl"], one.get("hashes")) for one in components(body, "block")] == [
        (
            "Flask_SQLAlchemy",
            "pkg:pypi/flask-sqlalchemy@3.1.1",
            [{"alg": "SHA-256", "content": "1" * 64}, {"alg": "SHA-256", "content": "2" * 64}],
        ),
        ("local", "pkg:pypi/local@1.0%2Bgpu", None),
        ("tool", "pkg:pypi/tool@2?vcs_url=git%2Bhttps%3A%2F%2Fgit.example.org%2Ftool.git%40abc", None),
    ]
    assert b"secret" not in body
    assert b"/home/ana" not in body


@pytest.mark.parametrize("url", ["https://[broken/x", "nothing", "file:///home/ana", "git+file:///home/ana", "C:\\x"])
def test_odd_origin_is_left_out(url: str) -> None:
    lock = dataclasses.replace(LOCK, packages=(dataclasses.replace(LOCK.packages[0], url=url),))
    assert components(document(SPEC, IMAGE_ID, lock), "block")[0]["purl"] == "pkg:pypi/flask-sqlalchemy@3.1.1"


def test_runners_own_packages_are_listed_for_that_python() -> None:
    def names(python: str) -> set[object]:
        body = document(SPEC, IMAGE_ID, dataclasses.replace(LOCK, python=python))
        return {one["name"] for one in components(body, "runner")}

    assert "nbclient" in names("3.11")
    assert "importlib-metadata" in names("3.9") - names("3.13")


def test_base_image_is_named_by_its_digest() -> None:
    base = json.loads(document(SPEC, IMAGE_ID, LOCK))["components"][-1]
    assert base == {
        "type": "container",
        "bom-ref": base["purl"],
        "name": "registry.example.org:5000/library/python",
        "version": "3.11-slim",
        "purl": "pkg:oci/python@sha256%3A"
        + "b" * 64
        + "?repository_url=registry.example.org%3A5000%2Flibrary%2Fpython&tag=3.11-slim",
        "hashes": [{"alg": "SHA-256", "content": "b" * 64}],
    }


def test_system_packages_are_read_back_whatever_a_stranger_wrote() -> None:
    assert system_packages(json.loads(document(SPEC, IMAGE_ID, LOCK, SYSTEM))) == ("libgl1", "libgomp1")
    for other in ({}, {"components": None}, {"components": [None, 1, {}, {"purl": 3}]}):
        assert system_packages(other) == ()
