"""CPU that reading and naming one notebook takes in one process, beside pipreqs over the same notebooks.

Both sides run in this run, round by round; of each notebook the median of the rounds counts. This side
is `analyse` and `name_distributions`, warm; pipreqs can only be started as a program, once a notebook, so the
CPU of its whole process counts, and, once more, the same for `lentiq inspect --no-kernel --requirements`.

    python tests/benchmarks/analysis.py --notebooks DIR [--pipreqs /envs/pipreqs/bin/pipreqs] [--rounds 5]

pipreqs looks names up at an index; the time it waits for that is not CPU and does not count.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lentiq_jupyter.analysis import analyse
from lentiq_jupyter.environment import name_distributions
from lentiq_jupyter.errors import LentiqError


def own(notebook: Path) -> float:
    """CPU seconds of reading and naming, in this process."""
    began = time.process_time()
    with contextlib.suppress(LentiqError):  # a refusal is an answer, too
        name_distributions(analyse(notebook))
    return time.process_time() - began


def program(words: list[str]) -> float:
    """CPU seconds of a program and its children; its answer and exit code do not matter here."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, capture_output=True, check=False, timeout=600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def alone(notebook: Path, work: Path) -> Path:
    """A folder with that notebook and the Python files beside it, as pipreqs wants it."""
    folder = work / f"{notebook.parent.name}-{notebook.stem}"
    others = lambda _folder, names: {one for one in names if one.endswith(".ipynb") and one != notebook.name}  # noqa: E731
    shutil.copytree(notebook.parent, folder, ignore=others)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notebooks", type=Path, required=True)
    parser.add_argument("--pipreqs", help="its command, with options; left out where it is not given")
    parser.add_argument("--command", action="store_true", help="also measure `lentiq inspect` as a program")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    notebooks = sorted(given.notebooks.rglob("*.ipynb"))
    with tempfile.TemporaryDirectory(prefix="lentiq-benchmark-") as work:
        folders = {notebook: alone(notebook, Path(work)) for notebook in notebooks}
        sides: dict[str, Callable[[Path], float]] = {"lentiq, in one process": own}
        if given.command:
            words = [sys.executable, "-m", "lentiq_jupyter.cli", "inspect", "--no-kernel", "--requirements"]
            sides["lentiq inspect, as a program"] = lambda notebook: program([*words, str(notebook)])
        if given.pipreqs:
            named = shlex.split(given.pipreqs)
            sides["pipreqs, as a program"] = lambda notebook: program(
                [*named, "--scan-notebooks", "--print", str(folders[notebook])]
            )
        taken: dict[str, dict[Path, list[float]]] = {side: {one: [] for one in notebooks} for side in sides}
        own(notebooks[0])  # imports are no part of it
        for _ in range(given.rounds):
            for side, measure in sides.items():
                for notebook in notebooks:
                    taken[side][notebook].append(measure(notebook))
    print(f"{len(notebooks)} notebooks, median of {given.rounds} rounds each; CPU in ms\n")
    print("| | median | mean | 95 % | most | times the first |\n|---|---|---|---|---|---|")
    first = 0.0
    for side, notebook_times in taken.items():
        times = sorted(1000 * statistics.median(rounds) for rounds in notebook_times.values())
        median = statistics.median(times)
        first = first or median
        tail = times[int(0.95 * (len(times) - 1))]
        figures = " | ".join(f"{one:.1f}" for one in (median, statistics.fmean(times), tail, times[-1]))
        print(f"| {side} | {figures} | {median / first:.0f} |")
    slowest = sorted(notebooks, key=lambda one: -statistics.median(taken["lentiq, in one process"][one]))[:5]
    print("\nSlowest here: " + ", ".join(str(one.relative_to(given.notebooks)) for one in slowest))


if __name__ == "__main__":
    main()
