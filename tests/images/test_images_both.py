"""One recipe, three ways to an image: layers, Docker's older builder, BuildKit. What runs is the same."""

from __future__ import annotations

import subprocess
import uuid

import pytest
from conftest_engine import buildkit_client, docker, kernel_lock, notebook, outputs, packages, pulled
from conftest_images import open_server

from lentiq_jupyter.images import LayersBuilder, write_context
from lentiq_jupyter.images.docker import DockerBuilder
from lentiq_jupyter.model import Input, InputType, Reporter

pytestmark = [pytest.mark.docker, pytest.mark.registry, pytest.mark.network, pytest.mark.timeout(600)]


def test_every_builder_makes_a_block_that_runs_the_same(recipe_of, registry_host, server, tmp_path) -> None:
    recipe, sources = recipe_of(
        {"sales.ipynb": notebook(), "lib/tools.py": "x = 1\n"},
        requirements=kernel_lock(),
        inputs=(Input(name="factor", type=InputType.INT, default=2),),
        base=f"{registry_host}/library/python:3.11-slim",
    )
    layers = LayersBuilder(cache=tmp_path / "cache", open_remote=open_server)
    classic = DockerBuilder(open_remote=open_server)
    write_context(tmp_path / "context", recipe, sources)
    kit = f"lentiq-test:{uuid.uuid4().hex[:12]}"
    names = [kit]
    try:
        docker("build", "--quiet", "--tag", kit, tmp_path / "context", client=buildkit_client(), DOCKER_BUILDKIT="1")
        names += [pulled(server, one.build(recipe, sources, server, Reporter())) for one in (layers, classic)]
        found = [(outputs(name, tmp_path), packages(name)) for name in names]
    finally:
        subprocess.run(["docker", "rmi", *names], capture_output=True, check=False)
    assert found[0] == found[1] == found[2]
    said, (environment, runner) = found[0]
    assert {name: said[name] for name in ("product", "six_version", "prefix", "user")} == {
        "product": 84,
        "six_version": "1.17.0",
        "prefix": "/opt/lentiq/env",
        "user": 1000,
    }
    assert [f"{name}=={version}" for name, version in environment[0]] == said["packages"]
    assert "pip" not in dict(environment[0]) | dict(runner[0])
    assert "Dockerfile" in environment[1]["."]
    assert environment[4:] == [1000, 1000]
