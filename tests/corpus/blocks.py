"""Real notebooks as published blocks, beside the same notebooks with the packages that pipreqs names.

Every notebook is run three times, each time from a fresh copy of its folder: in its kernel, as a block
(`lentiq publish`, then `lentiq run`), and in a new environment that holds what pipreqs prints. Only what
runs to its end in the kernel counts. Prints one table; exits with 1 if a block did not run.

    python tests/corpus/blocks.py --notebooks DIR --kernel science=/envs/science/bin/python
        [--list FILE] [--pipreqs '/envs/pipreqs/bin/pipreqs --pypi-server URL'] [--out result.json]

FILE says which notebook runs in which kernel, a line each: ``science path/below/DIR.ipynb``. Without it every
notebook below DIR is tried in the first kernel.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import uv
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellExecutionError, CellTimeoutError, DeadKernelError

LIMIT_S = 120.0
BUILD_LIMIT_S = 900.0


class DidNotRunError(Exception):
    """Why something did not run, in a line."""


@dataclass
class Row:
    """One notebook's three runs: seconds where it ran, else the reason why not."""

    notebook: str
    kernel: str
    in_kernel: float | str = ""
    publish: float | str = ""
    block: float | str = ""
    pipreqs: float | str = ""
    notes: list[str] = field(default_factory=list)


def execute(notebook: Path, python: Path, limit_s: float = LIMIT_S) -> None:
    """Run a notebook from top to bottom in a kernel of that interpreter. The working folder is the notebook's.

    Raises
    ------
    DidNotRunError
        If a cell fails, the kernel does not start or dies, or it takes longer than `limit_s` seconds.
    """
    book = nbformat.read(notebook, as_version=4)
    manager = AsyncKernelManager()
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager._kernel_spec = KernelSpec(argv=argv, language="python", display_name=str(python))
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    # What a notebook installs by itself must not reach anybody's environment.
    environment |= {"PIP_REQUIRE_VIRTUALENV": "1", "PYTHONNOUSERSITE": "1", "PIP_NO_INDEX": "1"}
    client = NotebookClient(book, km=manager, timeout=limit_s, resources={"metadata": {"path": str(notebook.parent)}})

    async def run() -> None:
        async with client.async_setup_kernel(env=environment):
            for number, cell in enumerate(book.cells):
                await client.async_execute_cell(cell, number)

    try:
        asyncio.run(asyncio.wait_for(run(), limit_s))
    except CellExecutionError as error:
        raise DidNotRunError(f"{error.ename}: {error.evalue}") from error
    except (CellControlSignal, CellTimeoutError, TimeoutError, DeadKernelError, RuntimeError, OSError) as error:
        raise DidNotRunError(f"{type(error).__name__}: {error}") from error


def command(words: list[str], where: Path, environment: Mapping[str, str] | None = None) -> str:
    """What a program prints. Raises DidNotRunError with the end of what it says."""
    try:
        done = subprocess.run(
            words,
            cwd=where,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=BUILD_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DidNotRunError(f"{words[0]} takes longer than {BUILD_LIMIT_S:.0f} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise DidNotRunError(f"exit {done.returncode}: {' / '.join(said[-3:])}")
    return done.stdout


def publish(notebook: Path, name: str, kernel: str, home: Path) -> str:
    """Publish with that kernel; the verdict and, after it, what was added on the way."""
    words = [sys.executable, "-m", "lentiq_jupyter.cli", "publish", str(notebook), "--name", name, "--kernel", kernel]
    printed = command([*words, "--builder", "layers", "--home", str(home), "--json"], notebook.parent, _own(home))
    verification = json.loads(printed)["block"]["verification"]
    return "; ".join([verification["verdict"], *verification["repairs"]])


def run_block(name: str, home: Path) -> None:
    """Run the block with the process executor. Raises DidNotRunError."""
    words = [sys.executable, "-m", "lentiq_jupyter.cli", "run", name, "--executor", "process", "--home", str(home)]
    command(words, home, _own(home))


def _own(home: Path) -> dict[str, str]:
    return {"JUPYTER_DATA_DIR": str(home / "jupyter"), "LENTIQ_HOME": str(home)}


def install_kernels(kernels: Mapping[str, Path], home: Path) -> None:
    """Kernelspecs of those interpreters, seen by the commands of this script only."""
    for name, python in kernels.items():
        folder = home / "jupyter" / "kernels" / name
        folder.mkdir(parents=True, exist_ok=True)
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (folder / "kernel.json").write_text(json.dumps({"argv": argv, "language": "python", "display_name": name}))


def ask_pipreqs(pipreqs: str, notebook: Path) -> str:
    """The requirements that pipreqs prints for the notebook's folder."""
    words = [*shlex.split(pipreqs), "--scan-notebooks", "--print", str(notebook.parent)]
    printed = command(words, notebook.parent)
    return "\n".join(line for line in printed.splitlines() if line.strip() and not line.startswith(("INFO", "WARN")))


def fresh_environment(requirements: str, like: Path, folder: Path) -> Path:
    """The interpreter of a new environment with these requirements and what a kernel needs."""
    found = uv.find_uv_bin()
    command([found, "venv", "-q", "--python", os.path.realpath(like), str(folder / "env")], folder)
    (folder / "asked.txt").write_text(requirements + "\n")
    python = folder / "env" / "bin" / "python"
    command([found, "pip", "install", "-q", "--python", str(python), "-r", "asked.txt", "ipykernel"], folder)
    return python


def timed(work: Callable[[], object]) -> float | str:
    """Seconds that `work` took; the reason if it did not run."""
    began = time.monotonic()
    try:
        work()
    except DidNotRunError as error:
        return str(error).replace("\n", " ").replace("|", "/")[-220:] or "failed"
    return round(time.monotonic() - began, 1)


def compare(notebook: Path, row: Row, kernels: Mapping[str, Path], home: Path, pipreqs: str | None) -> None:
    """Fill a row. What does not run in its kernel is not tried any further."""
    python = kernels[row.kernel]
    with tempfile.TemporaryDirectory(prefix="lentiq-blocks-") as work:

        def copied(name: str) -> Path:
            shutil.copytree(notebook.parent, Path(work, name), ignore=_others(notebook))
            return Path(work, name, notebook.name)

        row.in_kernel = timed(lambda: execute(copied("kernel"), python))
        if isinstance(row.in_kernel, str):
            return
        name = "b" + "".join(c if c.isalnum() else "-" for c in notebook.stem.lower())[:40].strip("-")
        row.publish = timed(lambda: row.notes.append(publish(copied("publish"), name, row.kernel, home)))
        row.block = timed(lambda: run_block(name, home)) if isinstance(row.publish, float) else "not published"
        if pipreqs is not None:

            def side_by_side() -> None:
                requirements = ask_pipreqs(pipreqs, copied("pipreqs"))
                row.notes.append("pipreqs: " + (", ".join(requirements.split()) or "nothing"))
                execute(copied("fresh"), fresh_environment(requirements, python, Path(work)))

            row.pipreqs = timed(side_by_side)


def _others(notebook: Path) -> Callable[[str, list[str]], set[str]]:
    """What stays behind when a notebook's folder is copied: other notebooks, as pipreqs would read them too."""
    return lambda _folder, names: {one for one in names if one.endswith(".ipynb") and one != notebook.name}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notebooks", type=Path, required=True)
    parser.add_argument("--kernel", action="append", required=True, metavar="NAME=PYTHON")
    parser.add_argument("--list", type=Path)
    parser.add_argument("--pipreqs", help="its command, with options; left out where it is not given")
    parser.add_argument("--home", type=Path, help="state of the blocks; default: a temporary folder")
    parser.add_argument("--out", type=Path, help="also written as JSON, after every notebook")
    given = parser.parse_args()
    kernels = {name: Path(os.path.abspath(path)) for name, _, path in (one.partition("=") for one in given.kernel)}
    below = [path.relative_to(given.notebooks) for path in sorted(given.notebooks.rglob("*.ipynb"))]
    lines = given.list.read_text().splitlines() if given.list else [f"{next(iter(kernels))} {path}" for path in below]
    rows = [Row(notebook=path, kernel=kernel) for kernel, _, path in (one.partition(" ") for one in lines if one)]
    print("| notebook | kernel | in its kernel s | publish s | block s | pipreqs s | notes |")
    with tempfile.TemporaryDirectory(prefix="lentiq-home-") as temporary:
        home = (given.home or Path(temporary)).resolve()
        install_kernels(kernels, home)
        for row in rows:
            compare((given.notebooks / row.notebook).resolve(), row, kernels, home, given.pipreqs)
            cells = (row.notebook, row.kernel, row.in_kernel, row.publish, row.block, row.pipreqs, "; ".join(row.notes))
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)
            if given.out:
                given.out.write_text(json.dumps([vars(one) for one in rows], indent=1))
    ran = [row for row in rows if isinstance(row.in_kernel, float)]
    blocks = sum(isinstance(row.block, float) for row in ran)
    theirs = sum(isinstance(row.pipreqs, float) for row in ran)
    print(f"\nOf {len(ran)} that run in their kernel: {blocks} run as blocks, {theirs} with what pipreqs names.")
    return 0 if blocks == len(ran) else 1


if __name__ == "__main__":
    sys.exit(main())
