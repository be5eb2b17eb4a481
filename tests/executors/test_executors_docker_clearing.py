"""Docker keeps images that a container uses; others that carry the label go."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterator

import docker
import pytest

from lentiq_jupyter.executors.container import LABEL_POOL
from lentiq_jupyter.executors.docker_clearing import sweep_docker

pytestmark = pytest.mark.docker


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


def make_image(engine: docker.DockerClient, name: str, label: str) -> str:
    """An image of one small file with that label, named `name`; its id."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        body = uuid.uuid4().hex.encode() * 100
        info = tarfile.TarInfo("file")
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
    engine.api.import_image_from_data(packed.getvalue(), repository=name, tag="1", changes=[f'LABEL {label}="x"'])
    return str(engine.images.get(f"{name}:1").id)


def test_images_of_blocks_go_when_no_container_uses_them(engine: docker.DockerClient) -> None:
    mark = uuid.uuid4().hex[:8]
    label, pool = f"lentiq-test.{mark}", f"pool-{mark}"
    used, unused = (make_image(engine, f"lentiq-test-{mark}-{one}", label) for one in ("used", "unused"))
    engine.images.get(unused).tag(f"lentiq-test-{mark}-again", "1")
    building = make_image(engine, "lentiq-build", label)
    container = engine.containers.create(used, ["x"], labels={LABEL_POOL: pool})
    try:
        told = sweep_docker(pool, 600, label=label, dry_run=True)
        assert sweep_docker(pool, 600, label=label) == told
        assert told.count == 1
        assert 0 < told.freed < told.before
        assert {one.id for one in engine.images.list(filters={"label": label})} == {used, building}
        # A proof that is far over its time was left by a publish that is gone.
        assert sweep_docker(pool, -7200, label=label).count == 2
        assert {one.id for one in engine.images.list(filters={"label": label})} == {building}
    finally:
        for left in engine.containers.list(all=True, filters={"label": f"{LABEL_POOL}={pool}"}):
            left.remove(force=True)
        for image in engine.images.list(filters={"label": label}):
            engine.images.remove(image.id, force=True)
    assert container.id
