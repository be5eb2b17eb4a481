"""A publish that is killed at any instant leaves a whole registry, and nothing that a prune cannot remove.

A few instants by default; LENTIQ_TEST_KILLS=50 tries as many, spread over the time that a publish takes.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from conftest_road import Road
from publish_watch import left_behind, no_processes_are_left, road_of, small_notebook, whole_versions

pytestmark = [pytest.mark.network, pytest.mark.slow]

KILLS = int(os.environ.get("LENTIQ_TEST_KILLS", "6"))
SEED = int(os.environ.get("LENTIQ_TEST_SEED", "4"))
NAME = "killed"
# What each publish does: all is packed already; everything is packed anew; a proof follows.
WAYS = {"warm": ("--no-verify",), "cold": ("--no-verify",), "proof": ()}


def start(road: Road, notebook: Path, *words: str) -> subprocess.Popen[bytes]:
    with (road.home.parent / "said.log").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "lentiq_jupyter.cli", "publish", str(notebook), "--name", NAME, *words],
            env=road.environment,
            stdout=said,
            stderr=said,
        )


def finish(road: Road, notebook: Path, *words: str) -> None:
    """Publish, and see it succeed."""
    code = start(road, notebook, *words).wait()
    assert code == 0, (road.home.parent / "said.log").read_text()[-2000:]


def prepare(road: Road, way: str) -> None:
    if way == "cold":
        shutil.rmtree(road.home / "cache" / "layers", ignore_errors=True)


def timed(road: Road, folder: Path, way: str) -> float:
    """Seconds that such a publish takes here, uninterrupted."""
    prepare(road, way)
    began = time.monotonic()
    finish(road, small_notebook(folder, f"timed-{way}", slow=way == "proof"), *WAYS[way])
    return time.monotonic() - began


def kill_and_look(road: Road, folder: Path, count: int) -> None:
    took = {way: timed(road, folder, way) for way in WAYS}
    chance = random.Random(SEED)
    instants = [(way, chance.uniform(0.0, 1.02 * took[way])) for way in [list(WAYS)[n % 3] for n in range(count)]]
    for number, (way, instant) in enumerate(instants):
        where = f"kill {number} of {count}: {way}, after {instant:.3f} of {took[way]:.3f} s"
        before = whole_versions(road, NAME)
        prepare(road, way)
        child = start(road, small_notebook(folder, f"mark-{number}", slow=way == "proof"), *WAYS[way])
        time.sleep(instant)
        child.kill()
        child.wait()
        after = whole_versions(road, NAME)
        added = set(after) - set(before)
        assert {one: after[one] for one in before} == before, where
        assert len(added) <= 1, where
        no_processes_are_left(road)
        finish(road, small_notebook(folder, f"again-{number}"), "--no-verify")
        assert len(set(whole_versions(road, NAME)) - set(after)) == 1, where
        road.lentiq("block", "show", NAME)
        said = road.lentiq("prune").stdout
        assert left_behind(road) == [], f"{where}\n{said}"
        print(f"{where}: {'new version' if added else 'old state'}", flush=True)


@pytest.mark.timeout(3600)
def test_killed_publish_leaves_a_layout_folder_whole(short_path: Path) -> None:
    road = road_of(short_path)
    kill_and_look(road, short_path, KILLS)
    # With nothing at work, what is in the folder is what blocks reach.
    for blob in road.home.glob("registry/blobs/sha256/*"):
        os.utime(blob, (time.time() - 120,) * 2)  # fresh ones stay for a minute
    road.lentiq("prune", "--all")
    kept = {path.name for path in road.home.glob("registry/blobs/sha256/*")}
    assert kept == reached(road)
    assert len(whole_versions(road, NAME)) >= KILLS + 3
    road.close()


def reached(road: Road) -> set[str]:
    """Digests that the index leads to."""
    blobs = road.home / "registry" / "blobs" / "sha256"
    todo = [one["digest"] for one in json.loads((road.home / "registry" / "index.json").read_bytes())["manifests"]]
    found: set[str] = set()
    while todo:
        name = todo.pop().removeprefix("sha256:")
        if name in found:
            continue
        found.add(name)
        try:
            document = json.loads((blobs / name).read_bytes())
        except ValueError:
            continue
        inside = [document.get("config"), document.get("subject"), *document.get("layers", ()),
                  *document.get("manifests", ())]  # fmt: skip
        todo += [one["digest"] for one in inside if one and "digest" in one]
    return found


@pytest.mark.registry
@pytest.mark.timeout(3600)
def test_killed_publish_leaves_a_registry_whole(short_path: Path, registry_host: str) -> None:
    base = f"{registry_host}/library/python:3.11-slim"
    road = road_of(short_path, f"{registry_host}/lentiq-test/{uuid.uuid4().hex[:8]}", base)
    kill_and_look(road, short_path, KILLS)
    road.close()
