"""Prune removes what nothing uses, says what it left and why, and may be killed or doubled."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.images.disk import work_folder
from lentiq_jupyter.model import encode
from lentiq_jupyter.registry.unreached import publishing
from lentiq_jupyter.scratch import hold_shared
from lentiq_jupyter.workspace import Workspace, load_settings
from lentiq_jupyter.workspace.pruning import Pruned, Pruning

DAY_S = 24 * 3600.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and a folder for temporary files beside it."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path) -> Workspace:
    return Workspace(load_settings(home=str(home), registry=str(home / "registry"), executor="process"))


def put(path: Path, *, days: float, size: int = 8192) -> Path:
    """A file that was last used so many days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return aged(path, days)


def aged(path: Path, days: float) -> Path:
    os.utime(path, (time.time() - days * DAY_S,) * 2)
    return path


def packed(home: Path, key: str, *, days: float) -> None:
    for ending in ("tar.gz", "json", "lock"):
        put(home / "cache" / "layers" / f"{key}.{ending}", days=days)


def unpacked(home: Path, name: str, layers: list[str], *, days: float, registry: str = "") -> Path:
    """An unpacked image of layers with one file each."""
    for layer in layers:
        if not (home / "process" / "layers" / layer).is_dir():
            put(home / "process" / "layers" / layer / layer / "file", days=days)
            aged(home / "process" / "layers" / layer, days)
    image = home / "process" / "images" / f"sha256-{name}"
    image.mkdir(parents=True)
    for layer in layers:
        (image / layer).symlink_to(f"../../layers/{layer}/{layer}")
    (image / ".origin.json").write_text(json.dumps({"registry": registry, "layers": layers}))
    (home / "process" / "lock").touch()
    return aged(image, days)


def kind(found: Pruning, name: str) -> Pruned:
    return next(one for one in found.kinds if one.kind == name)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []


def snapshot(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_layers_that_were_not_used_for_days_go(workspace: Workspace, home: Path) -> None:
    packed(home, "old", days=15)
    packed(home, "new", days=13)
    found = kind(workspace.prune(), "packed layers")
    assert found == Pruned(kind="packed layers", count=1, bytes_before=49152, bytes_freed=24576)
    assert names(home / "cache" / "layers") == ["new.json", "new.lock", "new.tar.gz"]
    assert kind(workspace.prune(keep_days=12), "packed layers").count == 1
    assert names(home / "cache" / "layers") == []


def test_dry_run_changes_nothing_and_tells_what_a_prune_would_do(workspace: Workspace, home: Path) -> None:
    packed(home, "old", days=15)
    unpacked(home, "a", ["one", "two"], days=15)
    put(home / "process" / "bytecode" / "no-such-folder" / "x.pyc", days=0)
    put(home / "cache" / "environments" / "a.json", days=15)
    put(home / "cache" / "layers" / "lentiq-build-x" / "file", days=0)
    put(home / "cache" / "catalogue" / "documents" / "0", days=15)
    before = snapshot(home)
    told = workspace.prune(dry_run=True)
    assert {path: at for path, at in snapshot(home).items() if path in before} == before
    done = workspace.prune()
    assert [(one.kind, one.count) for one in told.kinds] == [(one.kind, one.count) for one in done.kinds]
    assert [one.count for one in done.kinds if one.count] == [1, 3, 1, 1, 1, 1]
    assert told.bytes_freed == pytest.approx(done.bytes_freed, abs=16384)
    assert told.dry_run
    assert not done.dry_run


def test_no_layer_goes_while_a_build_is_at_work(workspace: Workspace, home: Path) -> None:
    packed(home, "old", days=15)
    with work_folder(home / "cache" / "layers"):
        found = kind(workspace.prune(keep_days=0), "packed layers")
    assert found.count == 0
    assert found.left == ("Packed layers: a publish or a prune is at work; all were left.",)
    assert len(names(home / "cache" / "layers")) == 3


def test_unpacked_block_of_a_running_job_stays_with_its_layers(workspace: Workspace, home: Path) -> None:
    image = unpacked(home, "a", ["one", "two"], days=30)
    unpacked(home, "b", ["two", "three"], days=30)
    with hold_shared(image):
        assert kind(workspace.prune(keep_days=0), "unpacked blocks").count == 2
        assert names(home / "process" / "images") == ["sha256-a"]
        assert names(home / "process" / "layers") == ["one", "two"]
    assert kind(workspace.prune(keep_days=0), "unpacked blocks").count == 3
    assert names(home / "process" / "layers") == []


def test_unpacked_block_that_is_in_no_registry_any_more_goes(workspace: Workspace, home: Path) -> None:
    here = str(home / "registry")
    unpacked(home, "a", ["one"], days=1, registry=here)
    unpacked(home, "b", ["two"], days=0, registry=here)
    unpacked(home, "c", ["three"], days=1, registry="elsewhere")
    workspace.prune()
    # Used a moment ago, or of another registry, which nobody asked: these stay.
    assert names(home / "process" / "images") == ["sha256-b", "sha256-c"]


def test_what_killed_processes_left_goes_whatever_its_age(workspace: Workspace, home: Path, tmp_path: Path) -> None:
    left = [
        home / "cache" / "layers" / "lentiq-build-a",
        home / "process" / "images" / ".partial-a",
        home / "process" / "layers" / ".gone-sha256-a",
        home / "process" / "jobs" / ".gone-lentiq-verify-a",
        home / "registry" / "blobs" / "sha256" / ".incoming-a",
        tmp_path / "temporary" / "lentiq-publish-a",
        tmp_path / "temporary" / "lentiq-job-a",
        tmp_path / "temporary" / "lentiq-uv-a",
    ]
    for one in left:
        put(one / "file", days=0)
    other = put(tmp_path / "temporary" / "lentiq-something-else" / "file", days=100)
    assert kind(workspace.prune(), "interrupted work").count == len(left)
    assert [one for one in left if one.exists()] == []
    assert other.exists()


def test_only_jobs_that_belonged_to_a_dead_publish_go(workspace: Workspace, home: Path) -> None:
    jobs = home / "process" / "jobs"
    for name, bound in (("lentiq-verify-a", True), ("lentiq-verify-b", True), ("lentiq-run-task-1", False)):
        put(jobs / name / "log", days=1)
        (jobs / name / "job.json").write_text(json.dumps({"pool": "p", "block": "b@1", "bound": bound}))
    with hold_shared(jobs / "lentiq-verify-b"):
        workspace.prune(keep_days=0)
    assert names(jobs) == ["lentiq-run-task-1", "lentiq-verify-b"]


def test_compiled_files_go_with_their_folders(workspace: Workspace, home: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    inside = home / "process" / "bytecode" / str(tmp_path).lstrip("/")
    put(inside / "source" / "a.pyc", days=100)
    put(inside / "gone" / "b.pyc", days=0)
    assert kind(workspace.prune(), "compiled files").count == 1
    assert names(inside) == ["source"]
    workspace.prune(keep_days=0)
    assert names(home / "process" / "bytecode") == []


def test_runs_secrets_and_the_database_stay(workspace: Workspace, home: Path) -> None:
    workspace.set_secret("token", "value")
    kept = [put(home / "runs" / "r1" / "task-1" / "log.txt", days=400), home / "lentiq.sqlite"]
    kept += [one for one in (home / "secrets").rglob("*") if one.is_file()]
    for one in kept:
        aged(one, 400)
    workspace.prune(keep_days=0)
    assert len(kept) == 3
    assert [one for one in kept if not one.is_file()] == []
    workspace.close()


def test_damaged_registry_is_told_and_the_rest_is_done(workspace: Workspace, home: Path) -> None:
    blob = put(home / "registry" / "blobs" / "sha256" / ("0" * 64), days=100)
    (home / "registry" / "index.json").write_text("{")
    packed(home, "old", days=15)
    found = workspace.prune()
    assert [one for one in found.problems if "index.json is damaged" in one] == list(found.problems) != []
    assert kind(found, "packed layers").count == 1
    assert blob.exists()


def test_blobs_that_no_tag_reaches_go_and_the_others_stay(workspace: Workspace, home: Path) -> None:
    reached = [add_blob(workspace, days=3) for _ in range(2)]
    body = json.dumps({"schemaVersion": 2, "config": reached[0], "layers": [reached[1]]}).encode()
    workspace.registry.put_manifest("a", "1", "application/vnd.oci.image.manifest.v1+json", body)
    old, fresh = add_blob(workspace, days=3)["digest"], add_blob(workspace, days=0)["digest"]
    with publishing(workspace.registry):
        found = kind(workspace.prune(), "registry")
        assert (found.count, found.left) == (
            0,
            (f"{home / 'registry'}: a publish or a prune is at work; all blobs were left.",),
        )
    found = kind(workspace.prune(), "registry")
    assert found.count == 1
    assert found.left == (f"{home / 'registry'}: 1 blobs are younger than a minute and were left.",)
    assert not workspace.registry.has_blob("a", old)
    assert workspace.registry.has_blob("a", fresh)
    for one in reached:
        assert workspace.registry.has_blob("a", one["digest"])
    assert workspace.registry.get_manifest("a", "1")[1] == body


def test_nothing_goes_where_a_manifest_is_damaged(workspace: Workspace, home: Path) -> None:
    layer, unreached = add_blob(workspace, days=3), add_blob(workspace, days=3)
    # A document that talks of layers and is no manifest is none that is damaged.
    config = json.dumps({"layers": "many"}).encode()
    named = {"digest": f"sha256:{hashlib.sha256(config).hexdigest()}"}
    workspace.registry.put_blob("a", config, named["digest"])
    body = json.dumps({"schemaVersion": 2, "config": named, "layers": [layer]}).encode()
    media_type = "application/vnd.oci.image.manifest.v1+json"
    digest = workspace.registry.put_manifest("a", "1", media_type, body)
    blobs = home / "registry" / "blobs" / "sha256"
    (blobs / digest.removeprefix("sha256:")).write_bytes(body[:-10])
    (problem,) = workspace.prune().problems
    assert f"{digest.removeprefix('sha256:')} is damaged. Remove the version" in problem
    assert workspace.registry.has_blob("a", unreached["digest"])
    (blobs / digest.removeprefix("sha256:")).write_bytes(body)
    assert kind(workspace.prune(), "registry").count == 1
    assert not workspace.registry.has_blob("a", unreached["digest"])


def add_blob(workspace: Workspace, *, days: float) -> dict[str, str]:
    body = os.urandom(5000)
    digest = hashlib.sha256(body).hexdigest()
    workspace.registry.put_blob("a", body, f"sha256:{digest}")
    aged(Path(workspace.registry.location) / "blobs" / "sha256" / digest, days)
    return {"digest": f"sha256:{digest}"}


def test_two_prunes_at_once_remove_each_thing_once(workspace: Workspace, home: Path) -> None:
    for number in range(30):
        packed(home, f"old-{number}", days=15)
        unpacked(home, f"image-{number}", [f"layer-{number}"], days=15)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: workspace.prune(), range(3)))
    assert [one.problems for one in found] == [(), (), ()]
    workspace.prune()
    assert names(home / "cache" / "layers") == []
    assert names(home / "process" / "images") == []
    assert names(home / "process" / "layers") == []


def test_killed_prune_is_finished_by_the_next(workspace: Workspace, home: Path, tmp_path: Path) -> None:
    for number in range(20):
        unpacked(home, f"image-{number}", [f"layer-{number}-{part}" for part in range(10)], days=15)
    environment = {**os.environ, "LENTIQ_HOME": str(home), "TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-m", "lentiq_jupyter.cli", "prune"]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while len(names(home / "process" / "images")) == 20 and time.monotonic() < end:
        time.sleep(0.001)
    child.kill()
    child.wait()
    workspace.prune()
    workspace.prune()
    assert names(home / "process" / "images") == []
    assert names(home / "process" / "layers") == []


@pytest.mark.parametrize("days", [-1.0, float("nan"), float("inf")])
def test_days_that_are_none_are_refused(workspace: Workspace, days: float) -> None:
    with pytest.raises(BadInput, match="days cannot be kept"):
        workspace.prune(keep_days=days)


def test_empty_home_has_nothing_to_remove(workspace: Workspace) -> None:
    found = workspace.prune()
    assert found.bytes_freed == 0
    assert found.problems == ()
    assert encode(found)["kinds"][0] == {  # type: ignore[index, call-overload]
        "kind": "interrupted work",
        "count": 0,
        "bytes_before": 0,
        "bytes_freed": 0,
        "left": [],
    }
