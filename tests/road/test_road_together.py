"""Eight who publish one name at once get eight versions, each whole and each its own."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from conftest_road import Road
from publish_watch import fresh, left_behind, no_processes_are_left, road_of, small_notebook, whole_versions

pytestmark = [pytest.mark.network, pytest.mark.slow]

PUBLISHERS = 8
NAME = "together"


def publish_at_once(roads: list[Road], folder: Path) -> None:
    notebooks = [small_notebook(folder, f"mark-{number}") for number in range(PUBLISHERS)]
    said = [(folder / f"said-{number}.log").open("w+b") for number in range(PUBLISHERS)]
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "lentiq_jupyter.cli", "publish", str(notebook), "--name", NAME, "--no-verify"],
            env=road.environment,
            stdout=log,
            stderr=log,
        )
        for road, notebook, log in zip(roads, notebooks, said, strict=True)
    ]
    codes = [child.wait() for child in children]
    for log in said:
        log.close()
    assert codes == [0] * PUBLISHERS, [(folder / f"said-{n}.log").read_text()[-600:] for n, c in enumerate(codes) if c]


def check_all(road: Road) -> None:
    """Versions 1 to 8, each with its own notebook inside, and `latest` one of them."""
    found = whole_versions(road, NAME)
    assert sorted(found, key=int) == [str(number) for number in range(1, PUBLISHERS + 1)]
    office = fresh(road)
    notebooks = set()
    for block in found.values():
        marked = office.catalogue.read_file(block, f"opt/lentiq/block/{block.spec.notebook}").decode()
        assert f"'{Path(block.spec.notebook).stem}'" in marked
        notebooks.add(block.spec.notebook)
    assert notebooks == {f"mark-{number}.ipynb" for number in range(PUBLISHERS)}
    newest = office.registry.get_manifest(NAME, "latest")[0].digest
    assert newest in {block.digest for block in found.values()}
    tags = set(office.registry.tags(NAME))
    assert {one for one in tags if one.startswith("claim-")} == set()
    office.close()
    no_processes_are_left(road)
    assert left_behind(road) == []


@pytest.mark.parametrize("homes", ["one home", "homes of their own"])
def test_eight_publishes_to_a_layout_folder(short_path: Path, homes: str) -> None:
    registry = str(short_path / "registry")
    check_all(run(short_path, registry, "", homes))


@pytest.mark.registry
@pytest.mark.parametrize("homes", ["one home", "homes of their own"])
def test_eight_publishes_to_a_registry(short_path: Path, registry_host: str, homes: str) -> None:
    registry = f"{registry_host}/lentiq-test/{uuid.uuid4().hex[:8]}"
    check_all(run(short_path, registry, f"{registry_host}/library/python:3.11-slim", homes))


def run(folder: Path, registry: str, base: str, homes: str) -> Road:
    places = [folder / str(number) if homes != "one home" else folder / "0" for number in range(PUBLISHERS)]
    for place in places:
        os.makedirs(place, exist_ok=True)
    roads = [road_of(place, registry, base) for place in places]
    publish_at_once(roads, folder)
    for road in roads:
        road.close()
    return roads[0]
