"""Seconds of a one-cell notebook: as a task, by plain nbclient, and by jupyter-scheduler.

All take turns in this run, and medians count. nbclient runs in a process of its own, whose start counts, with the
kernel of the task's own environment; jupyter-scheduler with the kernel of its environment, from the request that
makes the job until it is COMPLETED, asked every 50 ms. The task is one of a run that a scheduler in a thread of this
process moves, from the trigger to the end of the run; block and caches are warm.

    python tests/benchmarks/notebook_task.py --nbclient PYTHON [--jupyter-scheduler PYTHON] [--rounds 5] [--json FILE]

`--nbclient` is the Python of an environment with nbclient; `--jupyter-scheduler` of one with that and a kernel.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from own_parts import quota, scheduler, trigger, workflow

sys.path.insert(0, str(Path(__file__).parents[1] / "executors"))
from executor_blocks import PYTHON, kernel_lock

from lentiq_jupyter.executors import ProcessExecutor
from lentiq_jupyter.executors.process import run_block
from lentiq_jupyter.images import LayersBuilder, find_interpreter, find_uv, make_recipe
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.model import Block, BlockSpec, Reporter, Resources, RunState, Task, parse_memory
from lentiq_jupyter.registry import Catalogue, DistributionRegistry, LayoutRegistry, parse_reference
from lentiq_jupyter.store import open_store

# As much as the others have: all of a machine of two processors.
ROOM = Resources(cpu_millicores=2000, memory_bytes=parse_memory("512Mi"))
NBCLIENT = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, kernel_name="block").execute()
nbformat.write(notebook, sys.argv[2])
"""


def write_notebook(path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1 + 1)")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def published(folder: Path, notebook: Path) -> Block:
    """The notebook as a block in the layout registry of that folder, without base layers."""
    spec = BlockSpec(name="does", python=PYTHON, base="127.0.0.1:1/library/python:none", notebook=notebook.name)
    recipe, sources = make_recipe(
        spec,
        base=spec.base,
        platform="linux/amd64",
        python=PYTHON,
        lock=kernel_lock(),
        files={notebook.name: notebook},
        notebook=notebook.name,
    )

    def open_remote(reference: str) -> tuple[Registry, str, str]:
        host, repository, tag = parse_reference(reference)
        return DistributionRegistry(host), repository, tag

    registry = LayoutRegistry(folder / "registry")
    image = LayersBuilder(cache=folder / "cache", open_remote=open_remote).build(recipe, sources, registry, Reporter())
    return Catalogue(registry, lambda: datetime.now(UTC)).register(image, recipe.spec)


@contextmanager
def as_task(folder: Path, notebook: Path) -> Iterator[tuple[Callable[[], float], Path]]:
    """Seconds of one run, and the interpreter of its kernel."""
    folder.mkdir()
    block = published(folder, notebook)
    roots: set[Path] = set()

    def command(root: Path) -> list[str]:
        roots.add(root)
        return run_block(root)

    executor = ProcessExecutor(
        folder / "process",
        LayoutRegistry(folder / "registry"),
        lambda python: find_interpreter(python, find_uv(None)),
        command=command,
    )
    store = open_store(f"sqlite:///{folder}/lentiq.db")
    quota(store, 8)
    made = scheduler(store, executor, folder / "runs", block)
    stop = threading.Event()
    thread = threading.Thread(target=made.run_forever, args=(stop,))
    thread.start()
    one = Task(name="one", block="does", version="1", resources=ROOM)

    def once() -> float:
        began = time.perf_counter()
        run_id = trigger(store, workflow("one", one), "process")
        made.wake()
        while not store.run(run_id).state.ended:
            time.sleep(0.01)
        taken = time.perf_counter() - began
        run = store.run(run_id)
        assert run.state is RunState.SUCCEEDED, run.tasks[0].reason
        return taken

    try:
        once()
        (root,) = roots
        yield once, root / "env/bin/python"
    finally:
        stop.set()
        made.wake()
        thread.join()
        store.close()


def by_nbclient(python: str, kernel: Path, folder: Path, notebook: Path) -> Callable[[], float]:
    """Seconds of one process that executes the notebook with that kernel."""
    spec = folder / "kernels" / "block"
    spec.mkdir(parents=True)
    argv = [str(kernel), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "block", "language": "python"}))
    environment = {**os.environ, "JUPYTER_PATH": str(folder)}

    def once() -> float:
        began = time.perf_counter()
        subprocess.run(
            [python, "-c", NBCLIENT, str(notebook), str(folder / "out.ipynb")],
            check=True,
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        return time.perf_counter() - began

    return once


@contextmanager
def by_jupyter_scheduler(python: str, folder: Path, notebook: Path) -> Iterator[Callable[[], float]]:
    """Seconds from the request to COMPLETED, in a server that is up."""
    home, token = folder / "home", secrets.token_hex(8)
    home.mkdir(parents=True)
    # It does not make its database's folder.
    (folder / "data").mkdir()
    (home / notebook.name).write_bytes(notebook.read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = ("CONFIG", "DATA", "RUNTIME")
    environment = {**os.environ, **{f"JUPYTER_{one}_DIR": str(folder / one.lower()) for one in places}}
    extension = "--ServerApp.jpserver_extensions={'jupyter_scheduler': True}"
    words = [extension, f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={home}"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [python, "-m", "jupyter_server", "--no-browser", "--allow-root", *words],
            stdout=log,
            stderr=log,
            env=environment,
        )

    def ask(path: str, body: object = None) -> dict[str, object]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answered:
            found: dict[str, object] = json.load(answered)
        return found

    def once() -> float:
        began = time.perf_counter()
        job = ask(
            "scheduler/jobs",
            {
                "name": "one",
                "input_uri": notebook.name,
                "runtime_environment_name": environments[0]["name"],
                "output_formats": ["ipynb"],
            },
        )["job_id"]
        while True:
            status = ask(f"scheduler/jobs/{job}")
            if status["status"] == "COMPLETED":
                return time.perf_counter() - began
            # STOPPED is also what a job is called that has not begun.
            assert status["status"] != "FAILED", status.get("status_message")
            assert time.perf_counter() - began < 120, f"the job is {status['status']}"
            time.sleep(0.05)

    try:
        end = time.monotonic() + 60
        while True:
            try:
                environments: list[dict[str, object]] = ask("scheduler/runtime_environments")  # type: ignore[assignment]
                break
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < end, (folder / "log").read_text()[-2000:]
                time.sleep(0.3)
        yield once
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nbclient", required=True)
    parser.add_argument("--jupyter-scheduler")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    # Whoever compiles at every start is not what is measured.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="lentiq-benchmark-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        notebook = folder / "work" / "one.ipynb"
        notebook.parent.mkdir()
        write_notebook(notebook)
        task_once, kernel = stack.enter_context(as_task(folder / "own", notebook))
        sides = {"task": task_once, "nbclient": by_nbclient(given.nbclient, kernel, folder / "nbclient", notebook)}
        if given.jupyter_scheduler:
            sides["jupyter-scheduler"] = stack.enter_context(
                by_jupyter_scheduler(given.jupyter_scheduler, folder / "jupyter", notebook)
            )
        taken: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(given.rounds + 1):
            for name, once in sides.items():
                seconds = once()
                # The first warms every side up, and does not count.
                if number:
                    taken[name].append(seconds)
    middle = {name: statistics.median(many) for name, many in taken.items()}
    for name, many in taken.items():
        ratio = middle["task"] / middle[name]
        print(
            f"{name:18} {middle[name]:6.2f} s ({min(many):.2f} to {max(many):.2f}); the task takes {ratio:.2f} of that"
        )
    if given.json:
        given.json.write_text(json.dumps(taken, indent=2))


if __name__ == "__main__":
    main()
