"""The short form of `chaos.py`: nothing is lost, doubled or stuck, and no two runs of a workflow overlap."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos import Options, read, summary, unleash
from chaos_parts import make_block
from chaos_verdict import judge

DATABASES = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]
QUICK = {"schedulers": 2, "tick_s": 0.4, "mean_s": 1.0, "longest_s": 1.5, "patience_s": 90.0}


@pytest.fixture(scope="session")
def process_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = tmp_path_factory.mktemp("chaos-process")
    make_block("process", shop)
    return shop


@pytest.fixture(scope="session")
def docker_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = tmp_path_factory.mktemp("chaos-docker")
    make_block("docker", shop)
    return shop


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("store", DATABASES)
def test_nothing_is_lost_or_doubled_whatever_befalls_the_schedulers(
    store: str, process_shop: Path, tmp_path: Path
) -> None:
    options = Options(runs=14, store=store, seed=20, real=0.03, **QUICK)  # type: ignore[arg-type]
    record, wrong = unleash(options, tmp_path / "run", process_shop)
    assert not wrong, summary(record, wrong, tmp_path / "run" / "events.jsonl")
    # What it leaves is enough to judge it again.
    assert judge(read(tmp_path / "run")) == []


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.registry
def test_no_container_is_lost_or_doubled_whatever_befalls_the_schedulers(docker_shop: Path, tmp_path: Path) -> None:
    options = Options(runs=8, executor="docker", seed=21, **QUICK)  # type: ignore[arg-type]
    record, wrong = unleash(options, tmp_path / "run", docker_shop)
    assert not wrong, summary(record, wrong, tmp_path / "run" / "events.jsonl")


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(("broken", "kind"), [("twice", "doubled"), ("never", "lost")])
def test_an_executor_that_breaks_its_word_is_found_out(
    broken: str, kind: str, process_shop: Path, tmp_path: Path
) -> None:
    options = Options(runs=5, seed=22, broken=broken, real=0.0, **{**QUICK, "mean_s": 30.0})  # type: ignore[arg-type]
    _, wrong = unleash(options, tmp_path / "run", process_shop)
    assert kind in {one.kind for one in wrong}
