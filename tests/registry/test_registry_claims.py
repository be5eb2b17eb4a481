"""Of any number who write one new tag, one succeeds: threads and processes, over a real registry server."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lentiq_jupyter.errors import Conflict
from lentiq_jupyter.registry import DistributionRegistry, claims
from lentiq_jupyter.registry.content import OCI_MANIFEST, digest_of
from lentiq_jupyter.registry.referrers import EMPTY, bare_manifest
from lentiq_jupyter.registry.tags import claim_tag, next_version, parse_claim

WRITERS = 8


def writer(location: str, number: int, start: float = 0.0) -> str:
    """The tag's new digest, or "lost"."""
    registry = DistributionRegistry(location)
    body = bare_manifest({"writer": str(number)})
    time.sleep(max(0.0, start - time.time()))
    try:
        return registry.put_manifest("clean", "1", OCI_MANIFEST, body, new=True)
    except Conflict:
        return "lost"


@pytest.fixture
def location(registry_host: str) -> Iterator[str]:
    """A place of its own on the real server, with the one blob that bare manifests need."""
    place = f"{registry_host}/lentiq-test/{uuid.uuid4().hex[:12]}"
    registry = DistributionRegistry(place)
    registry.put_blob("clean", EMPTY, digest_of(EMPTY))
    yield place
    for tag in registry.tags("clean"):
        registry.delete_tag("clean", tag)


@pytest.mark.registry
def test_one_of_many_threads_writes_a_new_tag(location: str) -> None:
    registry = DistributionRegistry(location)
    for _ in range(5):
        with ThreadPoolExecutor(WRITERS) as pool:
            results = list(pool.map(lambda number: writer(location, number), range(WRITERS)))
        (won,) = [one for one in results if one != "lost"]
        assert registry.get_manifest("clean", "1")[0].digest == won
        assert registry.tags("clean") == ["1"]  # no claim is left
        registry.delete_tag("clean", "1")


@pytest.mark.registry
def test_one_of_many_processes_writes_a_new_tag(location: str) -> None:
    # One process imports, its children write.
    code = f"""
    import os, sys, time
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from test_registry_claims import WRITERS, writer
    start = time.time() + 0.3
    for number in range(WRITERS):
        if os.fork() == 0:
            os.write(1, (writer({location!r}, number, start) + "\\n").encode())  # in one piece
            os._exit(0)
    for _ in range(WRITERS):
        os.wait()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True, text=True)
    assert done.stdout.split().count("lost") == WRITERS - 1, done.stdout
    (won,) = [one for one in done.stdout.split() if one != "lost"]
    registry = DistributionRegistry(location)
    assert (registry.get_manifest("clean", "1")[0].digest, registry.tags("clean")) == (won, ["1"])


@pytest.mark.registry
def test_living_claim_of_another_is_waited_for_then_named(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "PATIENCE_S", 0.2)
    registry = DistributionRegistry(location)
    theirs = claim_tag("1", time.time(), "0" * 12)
    registry.put_manifest("clean", theirs, OCI_MANIFEST, bare_manifest({"claim": "theirs"}))
    with pytest.raises(claims.Claimed, match="Somebody else is about to write 1"):
        registry.put_manifest("clean", "1", OCI_MANIFEST, bare_manifest({}), new=True)
    assert registry.tags("clean") == [theirs]
    registry.put_manifest("clean", "2", OCI_MANIFEST, bare_manifest({}), new=True)  # no other tag is in its way
    assert sorted(registry.tags("clean")) == ["2", theirs]


@pytest.mark.registry
def test_claim_of_a_dead_writer_is_removed_in_time(location: str) -> None:
    registry = DistributionRegistry(location)
    old = claim_tag("1", time.time() - claims.STALE_S - 5, "0" * 12)
    older = claim_tag("7", time.time() - claims.STALE_S - 5, "0" * 12)
    young = claim_tag("8", time.time(), "0" * 12)
    for tag in (old, older, young):
        registry.put_manifest("clean", tag, OCI_MANIFEST, bare_manifest({"claim": tag}))
    registry.put_manifest("clean", "1", OCI_MANIFEST, bare_manifest({}), new=True)
    assert sorted(registry.tags("clean")) == sorted(["1", older, young])
    assert registry.sweep("clean") == [older]
    assert sorted(registry.tags("clean")) == sorted(["1", young])


@pytest.mark.registry
def test_killed_writer_leaves_a_claim_and_no_tag(location: str) -> None:
    code = f"""
    import os
    from lentiq_jupyter.registry import DistributionRegistry, claims
    from lentiq_jupyter.registry.content import OCI_MANIFEST
    claims._alone = lambda *_: os.kill(os.getpid(), 9)
    DistributionRegistry({location!r}).put_manifest("clean", "1", OCI_MANIFEST, b"{{}}", new=True)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -9
    (left,) = DistributionRegistry(location).tags("clean")
    assert (parse_claim(left) or ())[0] == "1"


def test_one_of_many_writes_a_new_tag_where_nothing_is_deleted(serve_registry: Callable[..., str]) -> None:
    host = serve_registry(deletes=False)
    registry = DistributionRegistry(host)
    registry.put_blob("clean", EMPTY, digest_of(EMPTY))
    with ThreadPoolExecutor(WRITERS) as pool:
        results = list(pool.map(lambda number: writer(host, number), range(WRITERS)))
    (won,) = [one for one in results if one != "lost"]
    assert (registry.get_manifest("clean", "1")[0].digest, registry.tags("clean")) == (won, ["1"])


def test_old_claims_count_when_the_next_version_is_chosen() -> None:
    tags = ["1", "2", "1.4", "latest", claim_tag("3", 1000, "0" * 12), claim_tag("9", 1090, "0" * 12), "deprecated-40"]
    assert [next_version(tags, 1100, 60.0), next_version(tags, 1001, 60.0), next_version([], 0, 1)] == ["4", "3", "1"]


def test_claim_names_its_version_whatever_that_is() -> None:
    for version in ("1", "1.4", "a-b-00000000-000000000000", "claim-1"):
        assert parse_claim(claim_tag(version, 1_800_000_000, "0123456789ab")) == (
            version,
            1_800_000_000.0,
            "0123456789ab",
        )
    assert parse_claim("claim-1") is None
