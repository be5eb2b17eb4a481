"""Which blocks a query matches, who uses them, what their notebooks say first."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from lentiq_jupyter.model import Block, BlockQuery, BlockSpec, BlockUse, Input, Output, PinnedPackage, Task, Workflow
from lentiq_jupyter.workspace.cataloguing import introduction, matching, shortened, users


def block(name: str, author: str = "ana", deprecated: str | None = None, **fields: object) -> Block:
    return Block(
        spec=BlockSpec(name=name, **fields),  # type: ignore[arg-type]
        version="1",
        image=f"{name}@sha256:" + "a" * 64,
        digest="sha256:" + "a" * 64,
        image_id="sha256:" + "b" * 64,
        created=datetime(2026, 12, 1, tzinfo=UTC),
        author=author,
        deprecated=deprecated,
    )


CLEAN = block(
    "clean-sales",
    description="Drops what is not SALES",
    inputs=(Input(name="Country"),),
    packages=(PinnedPackage(name="pandas", version="2.1.0", witness="kernel"),),
)
TRAIN = block("train-model", "Bob", outputs=(Output(name="score"),))
OLD = block("old-sales", deprecated="")
ALL = [CLEAN, OLD, TRAIN]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (BlockQuery(), [CLEAN, OLD, TRAIN]),
        (BlockQuery(words="sales"), [CLEAN, OLD]),
        (BlockQuery(words="  Sales\tPANDAS "), [CLEAN]),
        (BlockQuery(words="countr"), [CLEAN]),
        (BlockQuery(words="scor model"), [TRAIN]),
        (BlockQuery(words="bob"), [TRAIN]),
        (BlockQuery(words="2.1.0"), []),
        (BlockQuery(words="salesclean"), []),
        (BlockQuery(owner=" BOB "), [TRAIN]),
        (BlockQuery(owner="bo"), []),
        (BlockQuery(input="country"), [CLEAN]),
        (BlockQuery(input="count"), []),
        (BlockQuery(deprecated=False), [CLEAN, TRAIN]),
        (BlockQuery(words="sales", owner="ana", input="country", deprecated=False), [CLEAN]),
        (BlockQuery(words="sales", owner="bob"), []),
    ],
)
def test_all_that_is_asked_for_must_match(query: BlockQuery, found: list[Block]) -> None:
    assert matching(ALL, query) == found


def test_thousand_blocks_are_searched_in_a_few_milliseconds() -> None:
    packages = tuple(PinnedPackage(name=f"package-{n}", version="1", witness="kernel") for n in range(60))
    many = [block(f"block-{n}", description=f"does the thing number {n}", packages=packages) for n in range(1000)]
    took = []
    for _ in range(5):
        began = time.perf_counter()
        assert len(matching(many, BlockQuery(words="NUMBER package-59 block-99"))) == 11
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1  # a busy machine; alone it takes a tenth of that


def task(name: str, version: str | None, of: str = "clean-sales") -> Task:
    return Task(name=name, block=of, version=version)


def test_users_are_tasks_by_project_workflow_and_name() -> None:
    nightly = Workflow(name="nightly", project="lab", tasks=(task("b", "2"), task("a", "1"), task("c", "1", "other")))
    weekly = Workflow(name="weekly", project="default", tasks=(task("a", "1"),))
    every = [
        BlockUse(project="default", workflow="weekly", task="a", version="1"),
        BlockUse(project="lab", workflow="nightly", task="a", version="1"),
        BlockUse(project="lab", workflow="nightly", task="b", version="2"),
    ]
    assert users([nightly, weekly], "clean-sales", None) == every
    assert users([nightly, weekly], "clean-sales", "1") == every[:2]
    assert users([nightly, weekly], "clean-sales", "3") == []


def notebook(*cells: tuple[str, object]) -> bytes:
    return json.dumps({"cells": [{"cell_type": kind, "source": source} for kind, source in cells]}).encode()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (notebook(("markdown", "# Sales\n"), ("raw", "x"), ("markdown", ["a\n", "b"]), ("code", "1"), ("markdown", "")),
         "# Sales\n\na\nb"),
        (notebook(("code", "1"), ("markdown", "late")), ""),
        (notebook(("markdown", " ")), ""),
        (notebook(("markdown", 3)), ""),
        (b"[]", ""),
        (b"{", ""),
        (b"", ""),
        (b"[" * 100_000, ""),
        (json.dumps({"cells": [{"cell_type": "markdown"}]}).encode(), ""),
    ],
)  # fmt: skip
def test_introduction_is_the_text_above_the_first_code_cell(body: bytes, text: str) -> None:
    assert introduction(body) == text


def test_long_texts_are_cut() -> None:
    assert shortened("a" * 300_000) == "a" * 200_000 + "\n\n… (the rest is left out)"
