"""Many people at one catalogue: versions, ``latest``, deprecations and lists stay right, over both registries."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_registry_catalogue import OWN, START, Counting, build, spec

from lentiq_jupyter.errors import BadInput, Conflict, NotFound
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.model import Block, Image, Provenance
from lentiq_jupyter.registry import Catalogue, DistributionRegistry, LayoutRegistry, claims, listing, open_registry
from lentiq_jupyter.registry.content import OCI_MANIFEST, digest_of
from lentiq_jupyter.registry.referrers import EMPTY, bare_manifest
from lentiq_jupyter.registry.tags import claim_tag

PUBLISHERS = 8


def place(registry: Registry) -> str:
    """What opens the same registry again."""
    return registry.location if isinstance(registry, LayoutRegistry) else f"http://{registry.location}"


def publish(location: str, image: Image, number: int, version: str | None = None, start: float = 0.0) -> str:
    """Version and manifest of one registration, or "lost"."""
    catalogue = Catalogue(open_registry(location), lambda: datetime.now(UTC))
    time.sleep(max(0.0, start - time.time()))
    try:
        block = catalogue.register(image, spec(), version=version, author=str(number))
    except Conflict:
        return "lost"
    return f"{block.version} {block.digest} {number}"


def in_processes(location: str, version: str | None) -> list[str]:
    code = f"""
    import os, sys, time
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from test_registry_together import OWN, PUBLISHERS, build, open_registry, publish, spec
    if os.fork() == 0:  # threads and connections of the parent would not survive a fork
        build(open_registry({location!r}), spec(), OWN)
        os._exit(0)
    os.wait()
    start = time.time() + 0.5
    for number in range(PUBLISHERS):
        if os.fork() == 0:
            image = build(open_registry({location!r}), spec(), OWN)
            os.write(1, (publish({location!r}, image, number, {version!r}, start) + "\\n").encode())
            os._exit(0)
    for _ in range(PUBLISHERS):
        os.wait()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert not done.stderr
    assert done.returncode == 0
    return done.stdout.splitlines()


def in_threads(registry: Registry, version: str | None) -> list[str]:
    image = build(registry, spec(), OWN)
    with ThreadPoolExecutor(PUBLISHERS) as pool:
        return list(pool.map(lambda number: publish(place(registry), image, number, version), range(PUBLISHERS)))


@pytest.mark.parametrize("how", ["threads", "processes"])
def test_publishers_of_one_name_get_a_version_each(registry: Registry, how: str) -> None:
    said = in_threads(registry, None) if how == "threads" else in_processes(place(registry), None)
    made = {version: (digest, author) for version, digest, author in map(str.split, said)}
    assert sorted(made) == list("12345678")
    blocks = Catalogue(registry, lambda: START).versions("clean")
    assert {one.version: (one.digest, one.author) for one in blocks} == made
    assert registry.get_manifest("clean", "latest")[0].digest == blocks[0].digest == made["8"][0]
    assert sorted(registry.tags("clean")) == [*"12345678", "latest"]


@pytest.mark.parametrize("how", ["threads", "processes"])
def test_one_publisher_gets_a_version_that_all_name(registry: Registry, how: str) -> None:
    said = in_threads(registry, "1.0") if how == "threads" else in_processes(place(registry), "1.0")
    assert said.count("lost") == PUBLISHERS - 1
    (won,) = [one.split() for one in said if one != "lost"]
    (block,) = Catalogue(registry, lambda: START).versions("clean")
    assert [block.version, block.digest, block.author] == won
    assert registry.get_manifest("clean", "latest")[0].digest == block.digest


def test_publishers_of_one_name_where_nothing_is_deleted(serve_registry: Callable[..., str]) -> None:
    registry = DistributionRegistry(serve_registry(deletes=False))
    said = in_threads(registry, None)
    made = {version: (digest, author) for version, digest, author in map(str.split, said)}
    assert len(made) == PUBLISHERS
    blocks = Catalogue(registry, lambda: START).versions("clean")
    assert {one.version: (one.digest, one.author) for one in blocks} == made
    assert registry.get_manifest("clean", "latest")[0].digest == blocks[0].digest


def test_manifest_of_a_blob_that_another_is_sending_again(serve_registry: Callable[..., str], tmp_path: Path) -> None:
    """Distribution 2 writes a blob's link in place, so it is empty for an instant; here the instant is long."""
    host = serve_registry(storage={"filesystem": {"rootdirectory": str(tmp_path)}})
    registry = DistributionRegistry(host)
    registry.put_blob("clean", EMPTY, digest_of(EMPTY))
    (link,) = tmp_path.rglob("_layers/sha256/*/link")
    text = link.read_bytes()
    link.write_bytes(b"")
    written = threading.Timer(0.1, link.write_bytes, [text])
    written.start()
    registry.put_manifest("clean", "1", OCI_MANIFEST, bare_manifest({"number": "1"}))
    written.join()
    assert registry.tags("clean") == ["1"]


@pytest.mark.registry
def test_claim_of_the_dead_delays_nobody_who_takes_any_version(
    registry_host: str, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(registry, LayoutRegistry):
        pytest.skip("a folder has a lock, and no claims")
    monkeypatch.setattr(claims, "PATIENCE_S", 0.3)
    image = build(registry, spec(), OWN)
    catalogue = Catalogue(registry, lambda: datetime.now(UTC))
    registry.put_blob("clean", EMPTY, digest_of(EMPTY))
    young = claim_tag("1", time.time(), "0" * 12)
    registry.put_manifest("clean", young, OCI_MANIFEST, bare_manifest({"claim": young}))
    assert catalogue.register(image, spec()).version == "2"  # after a moment's patience
    dead = claim_tag("3", time.time() - 60, "0" * 12)
    registry.put_manifest("clean", dead, OCI_MANIFEST, bare_manifest({"claim": dead}))
    assert catalogue.register(image, spec()).version == "4"  # at once
    assert [one.version for one in catalogue.versions("clean")] == ["4", "2"]

    assert catalogue.tidy() == []  # either may still live
    monkeypatch.setattr(claims, "STALE_S", 30.0)
    assert catalogue.tidy() == [f"clean:{dead}"]


def test_names_of_marks_are_no_versions(registry: Registry) -> None:
    image = build(registry, spec(), OWN)
    for version in ("claim-1", "deprecated-1"):
        with pytest.raises(BadInput, match="a meaning of their own"):
            Catalogue(registry, lambda: START).register(image, spec(), version=version)


def test_deprecated_version_says_why_until_that_is_taken_back(registry: Registry, tmp_path: Path) -> None:
    image = build(registry, spec(), OWN)
    ours = Catalogue(registry, lambda: datetime.now(UTC), cache=tmp_path / "cache")
    theirs = Catalogue(registry, lambda: datetime.now(UTC))
    first, second = ours.register(image, spec()), ours.register(image, spec())
    assert theirs.blocks() == [second]

    assert ours.deprecate("clean", "2", "Wrong totals.").deprecated == "Wrong totals."
    for catalogue in (ours, theirs, Catalogue(registry, lambda: START, cache=tmp_path / "cache")):
        assert [one.deprecated for one in catalogue.blocks()] == ["Wrong totals."]
        assert [(one.version, one.deprecated) for one in catalogue.versions("clean")] == [
            ("2", "Wrong totals."),
            ("1", None),
        ]
        assert catalogue.block("clean", "2").deprecated == "Wrong totals."
        assert catalogue.block("clean", "1") == first

    assert theirs.deprecate("clean", "2", "Use 3.").deprecated == "Use 3."
    assert [one.deprecated for one in ours.blocks()] == ["Use 3."]
    assert theirs.deprecate("clean", "2", None) == second
    assert theirs.deprecate("clean", "2", None) == second  # twice is once
    assert (ours.blocks(), ours.versions("clean")) == ([second], [second, first])
    with pytest.raises(NotFound, match="has no version 9"):
        ours.deprecate("clean", "9", "Gone.")
    with pytest.raises(BadInput, match="2001 characters"):
        ours.deprecate("clean", "1", "x" * 2001)


def test_removed_version_takes_along_what_was_said_of_it(registry: Registry) -> None:
    image = build(registry, spec(), OWN)
    catalogue = Catalogue(registry, lambda: datetime.now(UTC))
    block = catalogue.register(image, spec())
    catalogue.deprecate("clean", "1", "Old.")
    registry.attach("clean", registry.get_manifest("clean", block.digest)[0], "text/x-notes", "text/plain", b"notes")
    catalogue.remove("clean", "1")
    assert registry.tags("clean") == []
    assert catalogue.register(image, spec()).deprecated is None
    assert [one.deprecated for one in catalogue.versions("clean")] == [None]


def test_deprecation_of_a_version_that_is_gone_is_tidied_up(registry: Registry) -> None:
    image = build(registry, spec(), OWN)
    catalogue = Catalogue(registry, lambda: datetime.now(UTC))
    for _ in range(2):
        catalogue.register(image, spec())
    catalogue.deprecate("clean", "1", "Old.")
    registry.delete_tag("clean", "1")  # and the deprecation was never reached
    assert catalogue.tidy() == ["clean:deprecated-1"]
    assert sorted(registry.tags("clean")) == ["2", "latest"]


def test_provenance_is_read_back(registry: Registry) -> None:
    image = build(registry, spec(), OWN)
    origin = Provenance(
        commit="0" * 40, modified=True, source="https://example.org/team.git", tool="lentiq-jupyter 1.2.3"
    )
    block = Catalogue(registry, lambda: START).register(image, spec(), provenance=origin)
    assert block.provenance == origin
    assert Catalogue(registry, lambda: START).block("clean", "1") == block


@pytest.fixture
def some_blocks(registry: Registry) -> list[Block]:
    """Twelve blocks, three of which have two versions."""
    catalogue = Catalogue(registry, lambda: datetime.now(UTC))
    made = {}
    for number in range(12):
        one = spec(f"block-{number:02}")
        image = build(registry, one, OWN)
        for _ in range(2 if number < 3 else 1):
            made[one.name] = catalogue.register(image, one)
    return [made[name] for name in sorted(made)]


def test_list_is_one_question_while_nothing_changes(
    registry: Registry, some_blocks: list[Block], tmp_path: Path
) -> None:
    one = "state" if isinstance(registry, LayoutRegistry) else "get_manifest"
    counting = Counting(registry)
    catalogue = Catalogue(counting, lambda: START, cache=tmp_path / "cache")
    assert catalogue.blocks() == some_blocks
    counting.asked.clear()
    assert catalogue.blocks() == some_blocks
    assert set(counting.asked) == {one}

    # Another process has the file; no block is asked for again.
    counting.asked.clear()
    assert Catalogue(counting, lambda: START, cache=tmp_path / "cache").blocks() == some_blocks
    assert set(counting.asked) == {one}
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 1


@pytest.mark.registry
def test_list_asks_again_for_the_block_that_changed_only(registry: Registry, some_blocks: list[Block]) -> None:
    if isinstance(registry, LayoutRegistry):
        pytest.skip("a folder is looked at as a whole, without requests")
    counting = Counting(registry)
    ours, theirs = Catalogue(counting, lambda: START), Catalogue(registry, lambda: datetime.now(UTC))
    assert ours.blocks() == some_blocks
    again = spec("block-07")
    newer = theirs.register(build(registry, again, OWN), again)
    counting.asked.clear()
    assert ours.blocks() == [*some_blocks[:7], newer, *some_blocks[8:]]
    assert len(counting.asked) <= 6
    theirs.remove("block-08", "1")
    counting.asked.clear()
    assert ours.blocks() == [*some_blocks[:7], newer, *some_blocks[9:]]
    assert len(counting.asked) <= 4


def test_change_by_another_tool_is_seen_within_a_minute(
    registry: Registry, some_blocks: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(registry)
    ours = Catalogue(counting, lambda: START, cache=tmp_path / "cache")
    assert ours.blocks() == some_blocks
    registry.delete_tag("block-04", "1")
    registry.delete_tag("block-04", "latest")
    monkeypatch.setattr(listing, "TRUST_S", 0.0)
    counting.asked.clear()
    assert ours.blocks() == [one for one in some_blocks if one.spec.name != "block-04"]
    if isinstance(registry, DistributionRegistry):
        assert len(counting.asked) <= 2 + 12 + 11  # hint, names; tags and newest of each


@pytest.mark.registry
def test_list_goes_on_where_changes_cannot_be_told(registry: Registry) -> None:
    class Silent(Counting):
        """A registry that does not take the hint of changes."""

        def put_manifest(self, repository: str, *args: object, **more: object) -> str:
            if "." in repository:
                raise Conflict("Not here.")
            return str(self.inner.put_manifest(repository, *args, **more))  # type: ignore[arg-type]

    silent = Silent(registry)
    catalogue = Catalogue(silent, lambda: datetime.now(UTC))
    image = build(registry, spec(), OWN)
    first = catalogue.register(image, spec())
    assert catalogue.blocks() == [first]
    second = catalogue.register(image, spec())
    assert catalogue.blocks() == [second]


def test_file_of_the_list_that_is_damaged_is_passed_over(
    registry: Registry, some_blocks: list[Block], tmp_path: Path
) -> None:
    Catalogue(registry, lambda: START, cache=tmp_path / "cache").blocks()
    (file,) = (tmp_path / "cache").rglob("*.json")
    whole = file.read_bytes()
    for damaged in (b"", whole[:-10], whole.replace(b"block-01", b"block-99"), json.dumps({}).encode()):
        file.write_bytes(damaged)
        assert Catalogue(registry, lambda: START, cache=tmp_path / "cache").blocks() == some_blocks
