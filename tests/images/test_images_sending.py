"""Blobs on their way into a registry server: what is not asked for, what is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest_images import open_server

from lentiq_jupyter.images import LayersBuilder
from lentiq_jupyter.images.sending import named_by_latest
from lentiq_jupyter.model import ProgressEvent, Reporter
from lentiq_jupyter.registry import Catalogue, DistributionRegistry, LayoutRegistry


class Asked(DistributionRegistry):
    """A registry that knows which blobs it was asked to take."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.digests: list[str] = []

    def put_blob(self, repository: str, source: Path | bytes, digest: str, **options: object) -> int:
        self.digests.append(digest)
        return super().put_blob(repository, source, digest, **options)


@pytest.mark.registry
def test_layers_that_the_newest_version_names_are_not_asked_for(recipe_of, registry_host, server, tmp_path) -> None:
    base = f"{registry_host}/library/python:3.11-slim"
    builder = LayersBuilder(cache=tmp_path / "cache", open_remote=open_server)

    def build(registry: DistributionRegistry, text: str):
        recipe, sources = recipe_of({"a.py": text}, base=base, requirements="")
        return builder.build(replace(recipe, runner_requirements=""), sources, registry, Reporter()), recipe.spec

    first, spec = build(server, "x = 1\n")
    Catalogue(server, lambda: datetime.now(UTC)).register(first, spec)
    assert named_by_latest(server, spec.name) == {one.digest for one in (first.config, *first.layers)}
    asked = Asked(server.location)
    second, _ = build(asked, "x = 2\n")
    assert sorted(asked.digests) == sorted([second.layers[-1].digest, second.config.digest])
    assert second.bytes_sent == second.layers[-1].size + second.config.size


def test_folder_is_asked_for_each_blob(tmp_path: Path) -> None:
    assert named_by_latest(LayoutRegistry(tmp_path), "clean-sales") == frozenset()


def test_progress_is_one_line_that_counts(recipe_of, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("lentiq_jupyter.images.sending._EVERY_S", 0.0)
    recipe, sources = recipe_of({"a.bin": "a" * 3_000_000, "b.bin": "b" * 3_000_000}, requirements="")
    events: list[ProgressEvent] = []
    builder = LayersBuilder(cache=tmp_path / "cache", open_remote=None, bare=True)  # type: ignore[arg-type]
    registry = LayoutRegistry(tmp_path / "registry")
    image = builder.build(replace(recipe, runner_requirements=""), sources, registry, Reporter(events.append))
    counted = [event for event in events if event.done is not None]
    assert {event.message.partition(",")[0] for event in counted} == {"sending layers"}
    assert [event.done for event in counted] == sorted(event.done for event in counted)
    assert (counted[-1].done, counted[-1].total) == (image.bytes_total, image.bytes_total)
