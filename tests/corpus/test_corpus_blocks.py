"""What runs in its kernel runs as a block: three small real notebooks here, any number with `blocks.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lentiq_jupyter.analysis import analyse
from lentiq_jupyter.environment import name_distributions, probe
from lentiq_jupyter.errors import LentiqError

COUNT = 3


def candidates(folder: Path) -> list[Path]:
    """Notebooks that fetch nothing, miss nothing, and whose packages are all installed here; the smallest first."""
    here = probe(Path(sys.executable))
    found = []
    for path in folder.rglob("*.ipynb"):
        try:
            facts = analyse(path)
        except LentiqError:
            continue
        naming = name_distributions(facts, here)
        if facts.data or naming.missing or any(one.code == "missing-file" for one in facts.findings):
            continue
        if all(here.find(need.name) for need in naming.needs):
            found.append(path)
    return sorted(found, key=lambda path: (path.stat().st_size, path))


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_small_real_notebooks_that_run_in_their_kernel_run_as_blocks(tmp_path):
    folder = os.environ.get("LENTIQ_TEST_NOTEBOOKS")
    if not folder:
        pytest.skip("LENTIQ_TEST_NOTEBOOKS names no folder of real notebooks")
    found = candidates(Path(folder))[:COUNT]
    (tmp_path / "list.txt").write_text("".join(f"here {path.relative_to(folder)}\n" for path in found))
    words = ["--notebooks", folder, "--kernel", f"here={sys.executable}", "--list", "list.txt", "--out", "out.json"]
    # In a process of its own, as a person would; nbclient leaves sockets behind.
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("blocks.py")), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "out.json").read_text())
    ran = [row for row in rows if isinstance(row["in_kernel"], float)]
    if not ran:
        pytest.skip("no small notebook there runs with the packages that are installed here")
    assert [isinstance(row["block"], float) for row in ran] == [True] * len(ran)
