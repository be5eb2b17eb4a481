"""Blocks on bases that are no official images: Debian's own Python, a user's Dockerfile and lines."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest_engine import RUN, docker, kernel_lock, notebook, outputs, packages, pulled
from conftest_images import SIX, open_server, put_image

from lentiq_jupyter.errors import BadInput, BuildFailed
from lentiq_jupyter.images import LayersBuilder, Network
from lentiq_jupyter.images.docker import DockerBuilder, cannot_run
from lentiq_jupyter.images.docker_engine import docker_runs
from lentiq_jupyter.model import Input, InputType, Reporter

# Debian's own interpreter and nothing of the image that brought it: no pip, no PYTHON_VERSION, one layer.
DEBIAN = """FROM {image} AS debian
RUN apt-get update && apt-get install --yes --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
RUN rm -rf /usr/local/bin/* /usr/local/lib/*
FROM scratch
COPY --from=debian / /
"""


def ways() -> Network:
    """What a base that trusts the usual authorities only needs here to reach the package index."""
    given = os.environ.get("SSL_CERT_FILE")
    return Network(certificates=Path(given)) if given else Network()


@pytest.fixture
def debian(registry_host: str, tmp_path: Path) -> Iterator[str]:
    """Debian with its own Python, in the registry server."""
    name = f"{registry_host}/lentiq-test/{uuid.uuid4().hex[:12]}/debian:12"
    folder = tmp_path / "debian"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DEBIAN.format(image=f"{registry_host}/library/python:3.11-slim"))
    docker("build", "--quiet", "--tag", name, folder, DOCKER_BUILDKIT="0")
    docker("push", "--quiet", name)
    yield name
    subprocess.run(["docker", "rmi", name], capture_output=True, check=False)


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_debians_own_python_carries_a_block_of_both_builders(
    recipe_of, registry_host, server, debian, tmp_path
) -> None:
    recipe, sources = recipe_of(
        {"sales.ipynb": notebook()},
        requirements=kernel_lock(),
        base=debian,
        inputs=(Input(name="factor", type=InputType.INT, default=2),),
    )
    builders = (
        LayersBuilder(cache=tmp_path / "cache", open_remote=open_server),
        DockerBuilder(open_remote=open_server, cache=tmp_path / "cache", network=ways()),
    )
    names = [pulled(server, one.build(recipe, sources, server, Reporter())) for one in builders]
    try:
        found = [(outputs(name, tmp_path), packages(name)) for name in names]
    finally:
        subprocess.run(["docker", "rmi", *names], capture_output=True, check=False)
    assert found[0] == found[1]
    assert (found[0][0]["product"], found[0][0]["prefix"]) == (84, "/opt/lentiq/env")


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_own_dockerfile_and_lines_are_what_the_block_stands_on(recipe_of, registry_host, server) -> None:
    image = f"{registry_host}/library/python:3.11-slim"
    own = (
        f"ARG FROM_IMAGE={image}\nFROM ${{FROM_IMAGE}} AS tools\nRUN echo built > /made\nFROM ${{FROM_IMAGE}}\n"
        'COPY --from=tools /made /usr/share/made\nUSER nobody\nWORKDIR /nowhere\nENTRYPOINT ["false"]\nCMD ["x"]\n'
    )
    lines = ("ENV OURS=1", "RUN id -un > /usr/share/who", "USER nobody")
    recipe, sources = recipe_of(base=image)
    recipe = replace(recipe, dockerfile=own, dockerfile_lines=lines, runner_requirements=SIX)
    built = DockerBuilder(open_remote=open_server).build(recipe, sources, server, Reporter())
    with server.open_blob(built.repository, built.config.digest) as stream:
        config = json.load(stream)["config"]
    name = pulled(server, built)
    try:
        said = docker(*RUN, "--entrypoint", "cat", name, "/usr/share/made", "/usr/share/who")
    finally:
        subprocess.run(["docker", "rmi", name], capture_output=True, check=False)
    # Lines begin as root, whatever user the last stage ended with.
    assert said.split() == ["built", "root"]
    assert (config["User"], config["WorkingDir"], config.get("Cmd")) == ("1000:1000", "/opt/lentiq/block", None)
    assert config["Entrypoint"] == ["/opt/lentiq/runner/bin/python", "-m", "lentiq_jupyter.runner"]
    assert "OURS=1" in config["Env"]
    assert built.base_layers == 1


@pytest.mark.docker
@pytest.mark.registry
def test_dockerfile_that_brings_no_python_is_said_so(recipe_of, registry_host, server) -> None:
    recipe, sources = recipe_of(base=f"{registry_host}/library/busybox:latest")
    recipe = replace(recipe, dockerfile=f"FROM {registry_host}/library/busybox:latest\n")
    with pytest.raises(BuildFailed) as caught:
        DockerBuilder(open_remote=open_server).build(recipe, sources, server, Reporter())
    assert str(caught.value) == (
        "The base image has no Python 3.11 on its PATH, or only a part of it. "
        "Take --base python:3.11-slim, or install Python 3.11 in your Dockerfile."
    )


@pytest.mark.docker
@pytest.mark.registry
def test_engine_that_cannot_run_a_platform_builds_nothing_for_it(recipe_of, registry_host, server) -> None:
    if docker_runs("linux/s390x"):
        pytest.skip("the engine runs programs for linux/s390x")
    recipe, sources = recipe_of(base=f"{registry_host}/library/python:3.11-slim")
    with pytest.raises(BadInput) as caught:
        DockerBuilder(open_remote=open_server).build(
            replace(recipe, platform="linux/s390x"), sources, server, Reporter()
        )
    assert str(caught.value) == str(cannot_run("linux/s390x"))


@pytest.mark.docker
@pytest.mark.registry
def test_base_on_musl_is_refused_though_the_engine_has_it(recipe_of, server, tmp_path) -> None:
    files = {"lib/ld-musl-x86_64.so.1": "", "usr/bin/python3.11": "elf"}
    put_image(server, "alpine", "3", [files])
    base = f"{server.location}/alpine:3"
    docker("pull", "--quiet", base)
    recipe, sources = recipe_of(base=base)
    try:
        for builder in (
            LayersBuilder(cache=tmp_path / "cache", open_remote=open_server),
            DockerBuilder(open_remote=open_server, cache=tmp_path / "cache"),
        ):
            with pytest.raises(BadInput, match="runs on musl, as Alpine does"):
                builder.build(recipe, sources, server, Reporter())
    finally:
        docker("rmi", base)
