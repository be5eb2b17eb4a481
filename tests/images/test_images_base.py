"""Base images: found, checked, brought into the registry; and the configuration over them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from conftest_images import BASE, INDEX, digest, open_server, put_base

from lentiq_jupyter.errors import BadInput, Unavailable
from lentiq_jupyter.images.base import bring_base, find_base
from lentiq_jupyter.images.settings import config, labels
from lentiq_jupyter.model import Reporter
from lentiq_jupyter.registry import LayoutRegistry


def test_base_of_the_platform_is_taken_from_the_index(recipe_of, open_base, bases) -> None:
    recipe, _ = recipe_of()
    assert find_base(recipe, open_base).config["architecture"] == "amd64"
    assert find_base(replace(recipe, platform="linux/arm64/v8"), open_base).config["architecture"] == "arm64"


def test_base_for_no_such_platform_is_refused(recipe_of, open_base) -> None:
    recipe, _ = recipe_of()
    with pytest.raises(BadInput, match=r"python:3.11-slim is not made for linux/s390x"):
        find_base(replace(recipe, platform="linux/s390x"), open_base)


def test_base_with_another_python_is_refused_with_one_that_fits(recipe_of, open_base, bases) -> None:
    put_base(bases, "library/python", "3.12-slim", version="3.12.1")
    recipe, _ = recipe_of(base="python:3.12-slim")
    with pytest.raises(BadInput) as caught:
        find_base(recipe, open_base)
    assert str(caught.value) == (
        "Base image python:3.12-slim has Python 3.12.1, the notebook's kernel has 3.11. "
        "Take --base python:3.11-slim, or another image with Python 3.11."
    )


def test_base_that_does_not_exist_is_named(recipe_of, open_base) -> None:
    recipe, _ = recipe_of(base="python:none")
    with pytest.raises(BadInput, match="There is no base image python:none"):
        find_base(recipe, open_base)


def test_base_layers_are_fetched_once(recipe_of, open_base, tmp_path) -> None:
    recipe, _ = recipe_of()
    base = find_base(recipe, open_base)
    target = LayoutRegistry(tmp_path / "target")
    total = sum(layer.size for layer in base.layers)
    assert bring_base(base, target, "clean-sales", tmp_path / "cache", Reporter()) == total
    assert bring_base(base, target, "clean-sales", tmp_path / "cache", Reporter()) == 0
    assert all(target.has_blob("clean-sales", layer.digest) for layer in base.layers)
    assert list((tmp_path / "cache").iterdir()) == []


def test_damaged_base_layer_is_not_sent_on(recipe_of, open_base, bases, tmp_path) -> None:
    recipe, _ = recipe_of()
    base = find_base(recipe, open_base)
    path = bases.folder / "blobs" / base.layers[0].digest.replace(":", "/")
    path.write_bytes(b"x" * base.layers[0].size)
    target = LayoutRegistry(tmp_path / "target")
    with pytest.raises(Unavailable, match="came damaged"):
        bring_base(base, target, "clean-sales", tmp_path / "cache", Reporter())
    assert not target.has_blob("clean-sales", base.layers[0].digest)


def test_index_that_is_no_index_is_refused(recipe_of, open_base, bases) -> None:
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"platform": None}]}).encode()
    bases.put_manifest("library/python", "odd", INDEX, body)
    recipe, _ = recipe_of(base="python:odd")
    with pytest.raises(BadInput, match="python:odd is not made for linux/amd64"):
        find_base(recipe, open_base)


@pytest.mark.registry
def test_base_on_the_same_server_is_mounted_without_a_byte(recipe_of, registry_host, server, tmp_path) -> None:
    recipe, _ = recipe_of(base=f"{registry_host}/library/{BASE}")
    base = find_base(recipe, open_server)
    assert bring_base(base, server, "clean-sales", tmp_path / "cache", Reporter()) == 0
    assert all(server.has_blob("clean-sales", layer.digest) for layer in base.layers)


def test_configuration_of_one_recipe(recipe_of) -> None:
    recipe, _ = recipe_of()
    inherited = {"Env": ["PATH=/opt/py/bin", "LANG=C"], "Labels": {"of": "base"}, "Cmd": ["python3"], "User": "me"}
    history = [{"created": "2026-01-01T00:00:00Z"}, {"created": "2026-01-01T00:00:00Z", "empty_layer": True}]
    body = config(recipe, inherited, history, ["sha256:base"], [("sha256:own", "notebook and files")])
    assert json.loads(body) == {
        "created": "1970-01-01T00:00:00Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": "1000:1000",
            "Env": [
                "PATH=/opt/py/bin",
                "LANG=C",
                "HOME=/tmp",
                "LENTIQ_RESULTS=/lentiq/results",
                "PYTHONDONTWRITEBYTECODE=1",
                "PYTHONPATH=/opt/lentiq/runner/lentiq",
            ],
            "Entrypoint": ["/opt/lentiq/runner/bin/python", "-m", "lentiq_jupyter.runner"],
            "WorkingDir": "/opt/lentiq/block",
            "Labels": {"of": "base", **labels(recipe.spec), "io.lentiq.base-layers": "1"},
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:base", "sha256:own"]},
        "history": [*history, {"created": "1970-01-01T00:00:00Z", "created_by": "notebook and files"}],
    }
    assert digest(body) == digest(
        config(recipe, inherited, history, ["sha256:base"], [("sha256:own", "notebook and files")])
    )
