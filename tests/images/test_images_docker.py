"""The docker builder: a real engine, and the same block as the layers builder makes."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from conftest_images import open_server
from docker.api import APIClient

from lentiq_jupyter.errors import BadInput, BuildFailed, Cancelled, Unavailable
from lentiq_jupyter.images import LayersBuilder, write_context
from lentiq_jupyter.images.docker import DockerBuilder, engine
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.model import LABEL_BASE_LAYERS, Image, Reporter
from lentiq_jupyter.registry import LayoutRegistry
from lentiq_jupyter.registry.manifest import image_manifest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PACKAGES = """
import importlib.metadata, json, os, sys
found = sorted((one.name, one.version) for one in importlib.metadata.distributions())
here = {folder: sorted(os.listdir(folder)) for folder in (".", "/lentiq/results")}
print(json.dumps([found, here, sys.prefix, sys.version, os.getuid(), os.stat("/lentiq/results").st_uid]))
"""


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


def config(registry: Registry, image: Image) -> dict:
    with registry.open_blob(image.repository, image.config.digest) as stream:
        return json.load(stream)


def shown(registry: Registry, image: Image, python: str) -> list:
    """What `PACKAGES` prints inside the image, by one of its two interpreters."""
    digest = registry.put_manifest(image.repository, None, MANIFEST, image_manifest(image))
    name = registry.pull_reference(image.repository, digest)
    command = ["docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none", "--entrypoint", python]
    found = subprocess.run([*command, name, "-c", PACKAGES], capture_output=True, text=True, check=False)
    subprocess.run(["docker", "rmi", name], capture_output=True, check=False)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def leftovers(client: docker.DockerClient) -> list[str]:
    return [tag for image in client.images.list() for tag in image.tags if tag.startswith("lentiq-build:")]


def test_context_holds_dockerfile_block_and_runner(recipe_of, tmp_path) -> None:
    recipe, sources = recipe_of({"lib/tools.py": "x = 1\n"})
    write_context(tmp_path / "context", recipe, sources)
    files = {path.relative_to(tmp_path / "context").as_posix() for path in (tmp_path / "context").rglob("*.*")}
    assert {"block/sales.ipynb", "block/lib/tools.py", "block/block.json", "block/runner.lock"} <= files
    assert "lentiq/lentiq_jupyter/errors.py" in files
    assert (tmp_path / "context/Dockerfile").is_file()
    assert not (tmp_path / "context/block/Dockerfile").exists()
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "context").rglob("*") if path.is_file()}
    assert modes == {0o644}


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.network
def test_both_builders_make_the_same_block(recipe_of, registry_host, server, client, tmp_path) -> None:
    recipe, sources = recipe_of(base=f"{registry_host}/library/python:3.11-slim", description='a\n"b" $c \\')
    layers = LayersBuilder(cache=tmp_path / "cache", open_remote=open_server)
    one = layers.build(recipe, sources, server, Reporter())
    two = DockerBuilder(open_remote=open_server).build(recipe, sources, server, Reporter())
    assert (two.base_layers, two.complete, two.layers[0].digest) == (1, True, one.layers[0].digest)
    # The base was mounted, and everything else sent.
    assert two.bytes_sent == sum(layer.size for layer in two.layers[1:]) + two.config.size
    mine, theirs = config(server, one)["config"], config(server, two)["config"]
    assert {name: mine[name] for name in ("User", "Entrypoint", "WorkingDir", "Labels")} == {
        name: theirs[name] for name in ("User", "Entrypoint", "WorkingDir", "Labels")
    }
    assert sorted(mine["Env"]) == sorted(theirs["Env"])
    assert theirs.get("Cmd") is None
    for python in ("/opt/lentiq/env/bin/python", "/opt/lentiq/runner/bin/python"):
        assert shown(server, one, python) == shown(server, two, python)
    assert leftovers(client) == []


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.network
def test_image_moves_into_a_folder_without_the_bases_registry(recipe_of, registry_host, tmp_path) -> None:
    def nowhere(reference: str):
        raise Unavailable(f"The registry of {reference} does not answer.", "Check the network.")

    recipe, sources = recipe_of(base=f"{registry_host}/library/python:3.11-slim")
    registry = LayoutRegistry(tmp_path / "registry")
    image = DockerBuilder(open_remote=nowhere).build(recipe, sources, registry, Reporter())
    document = config(registry, image)
    assert (image.base_layers, document["config"]["Labels"][LABEL_BASE_LAYERS]) == (1, "1")
    assert len(image.layers) == len(document["rootfs"]["diff_ids"])
    registry.put_manifest(image.repository, "1", MANIFEST, image_manifest(image))


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.network
def test_failed_build_gives_the_log_and_registers_nothing(recipe_of, registry_host, client, tmp_path) -> None:
    recipe, sources = recipe_of(
        base=f"{registry_host}/library/python:3.11-slim", requirements=f"six==1.17.0 --hash=sha256:{'0' * 64}\n"
    )
    with pytest.raises(BuildFailed, match="docker build failed") as caught:
        DockerBuilder(open_remote=open_server).build(recipe, sources, LayoutRegistry(tmp_path / "registry"), Reporter())
    assert "DO NOT MATCH THE HASHES" in caught.value.log
    assert not (tmp_path / "registry").exists()
    assert leftovers(client) == []


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.network
def test_package_that_debian_does_not_have_is_named(recipe_of, registry_host, client, tmp_path) -> None:
    recipe, sources = recipe_of(
        base=f"{registry_host}/library/python:3.11-slim", system_packages=("libnothing-of-that-name9",)
    )
    with pytest.raises(BuildFailed) as caught:
        DockerBuilder(open_remote=open_server).build(recipe, sources, LayoutRegistry(tmp_path / "registry"), Reporter())
    assert str(caught.value) == (
        "The base image's Debian has no package libnothing-of-that-name9. "
        "Take another base with --base, or leave it out with --remove-system NAME."
    )
    assert leftovers(client) == []


@pytest.mark.docker
@pytest.mark.registry
def test_base_with_another_python_is_refused(recipe_of, registry_host, tmp_path) -> None:
    recipe, sources = recipe_of(base=f"{registry_host}/library/python:3.12-slim")
    with pytest.raises(BadInput, match=r"has Python 3\.12\.\d+, the notebook's kernel has 3\.11"):
        DockerBuilder(open_remote=open_server).build(recipe, sources, LayoutRegistry(tmp_path / "registry"), Reporter())


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.network
def test_cancelled_build_ends_in_the_engine_too(recipe_of, registry_host, client, tmp_path) -> None:
    # A lock nobody built before, so that no step comes from the engine's cache.
    lock = f"# {time.time_ns()}\n" + recipe_of()[0].requirements
    recipe, sources = recipe_of(base=f"{registry_host}/library/python:3.11-slim", requirements=lock)
    said: list[str] = []

    def stop(event) -> None:
        said.append(event.message)
        if event.message.startswith("---> Running in"):
            report.cancel()

    report = Reporter(stop)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        DockerBuilder(open_remote=open_server, folder=tmp_path).build(
            recipe, sources, LayoutRegistry(tmp_path / "registry"), report
        )
    assert time.monotonic() - began < 60
    container = said[-1].rpartition(" ")[2]
    for _ in range(300):
        if not [one for one in client.containers.list(all=True, sparse=True) if one.id.startswith(container)]:
            break
        time.sleep(0.2)
    else:
        pytest.fail("the engine still builds")
    assert leftovers(client) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("lentiq-build-")] == []


def test_engine_that_does_not_answer_is_said_so(recipe_of, tmp_path) -> None:
    def client() -> APIClient:
        return APIClient(base_url="tcp://127.0.0.1:9", version="auto")

    recipe, sources = recipe_of()
    with pytest.raises(Unavailable, match=r"Docker engine does not answer.*--builder layers"):
        DockerBuilder(open_remote=open_server, client=client, folder=tmp_path).build(
            recipe, sources, LayoutRegistry(tmp_path / "registry"), Reporter()
        )


def test_context_of_a_file_that_is_gone_is_said_so(recipe_of, tmp_path) -> None:
    recipe, sources = recipe_of()
    Path(sources["sales.ipynb"]).unlink()
    with pytest.raises(Unavailable, match=r"sales\.ipynb cannot be used"):
        write_context(tmp_path / "context", recipe, sources)


def test_engine_is_the_one_the_environment_names(monkeypatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(docker.errors.DockerException, match="Error while fetching server API version"):
        engine()
