"""How a notebook file stands to the block that was made of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lentiq_jupyter.errors import NotFound
from lentiq_jupyter.model import (
    Block,
    BlockKind,
    BlockSpec,
    Change,
    Drift,
    Facts,
    Inspection,
    Lock,
    Package,
    PinnedPackage,
    Witness,
)
from lentiq_jupyter.workspace.drifting import changed_packages, drift, published

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Stored = Callable[[Block], bytes]


def notebook(*sources: str, outputs: object = (), tags: tuple[str, ...] = ()) -> bytes:
    cells = [
        {"cell_type": "code", "source": one, "metadata": {"tags": list(tags)}, "outputs": outputs, "execution_count": 3}
        for one in sources
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def block(name: str = "clean", author: str = "ana", age: int = 0, **spec: object) -> Block:
    return Block(
        spec=BlockSpec(**{"name": name, "notebook": "clean.ipynb", **spec}),
        version="3",
        image="x@sha256:0",
        digest="sha256:0",
        image_id="sha256:1",
        created=NOW - timedelta(days=age),
        author=author,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clean.ipynb"


def stored(content: bytes) -> Stored:
    return lambda of: content


def test_block_of_the_notebooks_own_name_comes_first_then_the_authors_then_the_newest() -> None:
    path = Path("/work/clean.ipynb")
    old, other, named = block("old", age=9), block("other", "bo"), block("clean", "bo", age=20)
    assert published([old, other, named], path, "ana") is named
    assert published([old, other], path, "ana") is old
    assert published([block("a", "bo", age=2), other], path, "ana") is other


def test_blocks_of_other_notebooks_and_around_images_are_not_meant() -> None:
    others = [block("clean", notebook="other.ipynb"), block("clean", kind=BlockKind.IMAGE)]
    assert published(others, Path("/work/clean.ipynb"), "ana") is None


def test_what_was_never_published_has_no_block(file: Path) -> None:
    assert drift(file, None, stored=stored(b"")) == Drift()


def test_unchanged_bytes_are_the_same_without_asking_the_registry(file: Path) -> None:
    file.write_bytes(notebook("x = 1"))

    def never(of: Block) -> bytes:
        raise AssertionError("asked")

    same = block(notebook_sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    assert drift(file, same, stored=never) == Drift(block=same, same=True)


def test_outputs_and_counts_are_no_difference(file: Path) -> None:
    file.write_bytes(notebook("x = 1", outputs=[{"output_type": "stream", "name": "stdout", "text": "1"}]))
    assert drift(file, block(), stored=stored(notebook("x = 1"))).same


def test_edited_added_and_tagged_cells_are_counted_and_told(file: Path) -> None:
    file.write_bytes(notebook("x = 1", "y = 3", "z = 4"))
    found = drift(file, block(), stored=stored(notebook("x = 1", "y = 2")))
    assert (found.same, found.changed_cells) == (False, 2)
    assert "-  y = 2" in found.cells
    assert "y = 3" in found.cells
    file.write_bytes(notebook("x = 1", tags=("parameters",)))
    assert drift(file, block(), stored=stored(notebook("x = 1"))).changed_cells == 1


def test_file_that_is_gone_or_no_notebook_is_said(file: Path) -> None:
    with pytest.raises(NotFound, match=r"clean\.ipynb"):
        drift(file, block(), stored=stored(b""))
    file.write_bytes(b"{")
    found = drift(file, block(), stored=stored(notebook("x = 1")))
    assert (found.same, found.cells) == (False, "The new notebook cannot be read.\n")


def inspected(*packages: tuple[str, str, Witness]) -> Inspection:
    pins = tuple(Package(name=name, version=version, witness=witness) for name, version, witness in packages)
    facts = Facts(notebook="clean.ipynb", sha256="", kernel="python3")
    return Inspection(facts=facts, lock=Lock(python="3.11", packages=pins, requirements=""))


def test_packages_that_would_be_pinned_otherwise_are_named_but_not_what_only_they_need() -> None:
    pins = (
        ("pandas", "2.1", "kernel"),
        ("six", "1.0", "dependency"),
        ("xlrd", "2.0", "kernel"),
    )
    made = block(packages=tuple(PinnedPackage(name=name, version=version, witness=by) for name, version, by in pins))
    now = inspected(
        ("pandas", "2.2", Witness.KERNEL),
        ("six", "1.1", Witness.DEPENDENCY),
        ("scipy", "1.3", Witness.LOADED),
    )
    assert changed_packages(made, now) == (
        Change(name="pandas", old="2.1", new="2.2"),
        Change(name="scipy", new="1.3"),
        Change(name="xlrd", old="2.0"),
    )


def test_packages_are_compared_only_when_asked(file: Path) -> None:
    file.write_bytes(notebook("x = 1"))
    made = block(notebook_sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    assert drift(file, made, stored=stored(b"")).packages is None
    asked = drift(file, made, stored=stored(b""), inspect=lambda: inspected(("six", "1", Witness.KERNEL)))
    assert asked == dataclasses.replace(asked, same=True, packages=(Change(name="six", new="1"),))
