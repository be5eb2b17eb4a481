"""The block is built once a session; each test gets an executor with a pool of its own."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_blocks import PYTHON, Bench, process_executor, publish

from lentiq_jupyter.executors import DockerExecutor
from lentiq_jupyter.executors.unpacked import UnpackedImages
from lentiq_jupyter.images import find_interpreter, find_uv
from lentiq_jupyter.model import Block
from lentiq_jupyter.registry import DistributionRegistry, LayoutRegistry


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the block, its packed layers and the unpacked images."""
    return tmp_path_factory.mktemp("executors")


@pytest.fixture(scope="session")
def local_block(shop: Path) -> Block:
    """The block in a layout folder, without a base: the process executor's."""
    return publish(LayoutRegistry(shop / "registry"), "127.0.0.1:1/library/python:none", shop)


@pytest.fixture(scope="session")
def unpacked_block(local_block: Block, shop: Path) -> Block:
    """The block, unpacked in the folder of the process executor."""
    UnpackedImages(
        shop / "process", LayoutRegistry(shop / "registry"), lambda python: find_interpreter(python, find_uv(None))
    ).root(local_block)
    return local_block


@pytest.fixture(scope="session")
def docker_registry() -> DistributionRegistry:
    """A registry server, under a prefix that nobody else has."""
    return DistributionRegistry(f"{os.environ['LENTIQ_TEST_REGISTRY']}/lentiq-test/{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="session")
def docker_block(shop: Path, docker_registry: DistributionRegistry) -> Block:
    """The same block in a registry server, with its base: the docker executor's."""
    return publish(docker_registry, f"{os.environ['LENTIQ_TEST_REGISTRY']}/library/python:{PYTHON}-slim", shop)


@pytest.fixture
def process_bench(local_block: Block, shop: Path) -> Iterator[Bench]:
    bench = Bench(process_executor(shop), local_block, lambda: process_executor(shop))
    yield bench
    bench.close()
    assert not [name for name in bench.names if (shop / "process" / "jobs" / name / "started").exists()]


@pytest.fixture
def docker_bench(docker_block: Block, docker_registry: DistributionRegistry) -> Iterator[Bench]:
    bench = Bench(DockerExecutor(docker_registry), docker_block, lambda: DockerExecutor(docker_registry))
    yield bench
    bench.close()


@pytest.fixture(
    params=[
        pytest.param("process", marks=pytest.mark.network),
        pytest.param("docker", marks=[pytest.mark.network, pytest.mark.docker, pytest.mark.registry]),
    ]
)
def bench(request: pytest.FixtureRequest) -> Bench:
    """Both executors, one after the other."""
    found = request.getfixturevalue(f"{request.param}_bench")
    assert isinstance(found, Bench)
    return found


@pytest.fixture
def copy_of_shop(shop: Path, local_block: Block, tmp_path: Path) -> Path:
    """A registry of one's own to spoil, nothing unpacked yet."""
    shutil.copytree(shop / "registry", tmp_path / "registry")
    return tmp_path
