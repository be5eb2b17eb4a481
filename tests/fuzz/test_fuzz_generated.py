"""Generated notebooks, whole and broken: facts or one clear error, nothing executed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import fuzz_canary
import pytest
from fuzz_strategies import notebooks
from fuzz_watched import Watched
from hypothesis import HealthCheck, given, settings

EXAMPLES = int(os.environ.get("LENTIQ_TEST_EXAMPLES", "200"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("generated")
    fuzz_canary.lay_out(made)
    return made


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with Watched() as one:
        yield one


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(body=notebooks())
def test_any_file_called_a_notebook_gives_facts_or_one_error_and_is_never_executed(folder, watched, body):
    path = folder / "generated.ipynb"
    path.write_bytes(body)
    assert watched.ask(path).faults == []
    assert not (folder / fuzz_canary.TRACE).exists()
