"""Damaged copies of real notebooks, hostile code planted in each: facts or one clear error, nothing executed."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import fuzz_canary
import pytest
from fuzz_mutations import mutate, mutate_text, parse
from fuzz_watched import Watched

# As many as fit into every check; a whole round is said by LENTIQ_TEST_MUTATIONS=2000.
COUNT = int(os.environ.get("LENTIQ_TEST_MUTATIONS", "300"))
SEED = os.environ.get("LENTIQ_TEST_SEED", "1")


def real_notebooks() -> list[Path]:
    """Notebooks of the folder that LENTIQ_TEST_NOTEBOOKS names, below it at any depth; sorted."""
    folder = os.environ.get("LENTIQ_TEST_NOTEBOOKS")
    if not folder:
        pytest.skip("LENTIQ_TEST_NOTEBOOKS names no folder of real notebooks")
    return sorted(Path(folder).rglob("*.ipynb"))


def copy_folder(notebook: Path, into: Path) -> None:
    """The Python files beside a notebook, and the hostile ones."""
    for source in sorted(notebook.parent.rglob("*.py")):
        target = into / source.relative_to(notebook.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    fuzz_canary.lay_out(into)


def damage(notebook: Path, folder: Path, number: int, seed: str) -> Path:
    """Write damaged copy `number` of a notebook, and the damaged module it imports, into a folder."""
    rng = random.Random(f"{seed}/{number}")
    body = notebook.read_bytes()
    damaged = folder / "damaged.ipynb"
    damaged.write_bytes(mutate(body, rng))
    sources = [cell["source"] for cell in parse(body)["cells"] if cell["cell_type"] == "code"]
    text = mutate_text("".join(rng.choice(sources)) + "\n" + fuzz_canary.CODE, rng)
    (folder / "canary_mutated.py").write_text(text, encoding="utf-8", errors="surrogatepass")
    return damaged


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_damaged_notebooks_give_facts_or_one_error_and_are_never_executed(tmp_path):
    notebooks = real_notebooks()
    wrong: list[str] = []
    outcomes: dict[str, int] = {}
    with Watched() as watched:
        for number in range(COUNT):
            notebook = notebooks[number % len(notebooks)]
            folder = tmp_path / str(number % len(notebooks))
            if not folder.exists():
                copy_folder(notebook, folder)
            answer = watched.ask(damage(notebook, folder, number, SEED))
            outcomes[answer.outcome] = outcomes.get(answer.outcome, 0) + 1
            touched = (folder / fuzz_canary.TRACE).exists()
            faults = [*answer.faults, *(["the canary file was touched"] if touched else [])]
            if faults:
                # The seed and the number bring the same notebook back.
                wrong.append(f"{SEED}/{number} of {notebook}: " + "; ".join(faults))
    assert not wrong, f"{len(wrong)} of {COUNT} ({outcomes})\n" + "\n".join(wrong[:40])
    assert outcomes["facts"] > COUNT / 3, outcomes
