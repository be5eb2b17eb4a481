"""Notebooks that hang, print without end, leave children or die while they are proven: nothing of them stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest_road import Road, write_notebook

from lentiq_jupyter.errors import BuildFailed, Cancelled
from lentiq_jupyter.model import Block, ProgressEvent, PublishRequest, Reporter, Verdict
from lentiq_jupyter.workspace import Workspace, load_settings

pytestmark = [pytest.mark.network, pytest.mark.slow]
CHILD = "import subprocess, sys\nsubprocess.Popen(['sleep', '98765'], start_new_session=True)\n"


@pytest.fixture
def clean(process_road: Road) -> Iterator[Road]:
    """A home in which nothing of any proof is left afterwards, and no child of a notebook runs."""
    yield process_road
    assert [one.pid for one in psutil.process_iter(["cmdline"]) if "98765" in (one.info["cmdline"] or ())] == []
    jobs = process_road.home / "process" / "jobs"
    assert [one.name for one in jobs.iterdir() if "verify" in one.name] == []


@pytest.fixture
def hasty(clean: Road) -> Iterator[Workspace]:
    """The same home, with some seconds for a proof."""
    workspace = Workspace(load_settings(home=str(clean.home), executor="process", proof_limit_s=6.0))
    yield workspace
    workspace.close()


def publish(workspace: Workspace, path: Path, code: str, **words: object) -> Block:
    write_notebook(path, [(None, code)])
    return workspace.publish(PublishRequest(path=str(path), **words)).block  # type: ignore[arg-type]


def test_hanging_notebook_is_stopped_with_its_children(hasty: Workspace, tmp_path: Path) -> None:
    code = CHILD + "import time\nwhile True:\n    time.sleep(1)"
    verification = publish(hasty, tmp_path / "hangs.ipynb", code).verification
    assert verification.verdict is Verdict.IMPORT
    assert verification.evidence.endswith("a run was tried: it runs longer than the 6 s that a proof may take")
    with pytest.raises(BuildFailed, match="--proof import"):
        publish(hasty, tmp_path / "hangs.ipynb", code, name="insisted", proof="run")


def test_endless_output_is_cut_off(hasty: Workspace, tmp_path: Path) -> None:
    code = "import sys\nfor _ in range(40_000):\n    print('y' * 100_000)"
    verification = publish(hasty, tmp_path / "prints.ipynb", code).verification
    assert verification.verdict is Verdict.IMPORT
    assert "a run was tried: it " in verification.evidence
    assert len(verification.log) <= 8000


def test_killed_kernel_is_named_as_that(clean: Road, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"does not run from its image: KernelDied: .* \(cell 1\)"):
        publish(clean.workspace, tmp_path / "dies.ipynb", CHILD + "import os\nos.kill(os.getpid(), 9)")


def test_cancelled_proof_leaves_nothing(clean: Road, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "cancelled.ipynb", [(None, CHILD + "print('here')\nwhile True:\n    pass")])

    def sink(event: ProgressEvent) -> None:
        if event.message == "here":
            reporter.cancel()

    reporter = Reporter(sink)
    with pytest.raises(Cancelled):
        clean.workspace.publish(PublishRequest(path=str(path)), reporter)
