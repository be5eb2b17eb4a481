"""The whole product, used as its users do: the `lentiq` command in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from lentiq_jupyter.model import PublishRequest, Reporter, Resources, Run, Schedule, Task, Workflow
from lentiq_jupyter.workspace import Workspace, load_settings

SLEEPER = [
    ("parameters", "seconds: float = 0.2\nrows: int = 3\nname = 'x'  # whom to greet"),
    (None, "import time\nend = time.time() + seconds\nwhile time.time() < end:\n    time.sleep(0.05)"),
    (None, "print('hello', name)"),
    (None, "from lentiq_jupyter import output\noutput('total', rows * 2)\noutput('greeting', 'hello ' + name)"),
]


def write_notebook(path: Path, cells: list[tuple[str | None, str]]) -> Path:
    """A notebook of code cells given as (tag or None, source)."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, (tag, source) in enumerate(cells):
        cell = nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        if tag:
            cell.metadata["tags"] = [tag]
        notebook.cells.append(cell)
    nbformat.write(notebook, path)
    return path


def wait_for(what: str, test: Callable[[], object], limit_s: float = 90.0) -> object:
    """What `test` gives once that is true; fails after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = test()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {what} within {limit_s} s")


def holding(folder: Path, text: str) -> list[str]:
    """Files below a folder that hold a text, by another process: to open and close a database's file in one that
    uses it takes SQLite's locks away (sqlite.org/howtocorrupt.html, 2.2)."""
    words = ["grep", "--recursive", "--files-with-matches", "--binary-files=text", "--fixed-strings", "--", text]
    found = subprocess.run([*words, str(folder)], capture_output=True, text=True, check=False)
    assert found.returncode in (0, 1), found.stderr
    return found.stdout.splitlines()


class Road:
    """One home with the command line and the workspace over it."""

    def __init__(self, home: Path, executor: str, registry: str = "", base: str = "") -> None:
        self.home = home
        self.executor = executor
        self.environment = {
            **os.environ,
            "LENTIQ_HOME": str(home),
            "LENTIQ_EXECUTOR": executor,
            "LENTIQ_REGISTRY": registry,
            "LENTIQ_BASE": base,
        }
        self.workspace = Workspace(
            load_settings(home=str(home), executor=executor, registry=registry or None, base=base or None)
        )
        self.children: list[subprocess.Popen[bytes]] = []

    def lentiq(self, *words: str, code: int = 0, timeout: float = 280) -> subprocess.CompletedProcess[str]:
        """Run the command; its exit code must be `code`."""
        done = subprocess.run(
            [sys.executable, "-m", "lentiq_jupyter.cli", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            cwd=self.home.parent,
        )
        assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str) -> dict[str, object]:
        """The document a command prints with ``--json``."""
        return dict(json.loads(self.lentiq(*words, "--json").stdout))

    def scheduler(self, tick_s: float = 1.0) -> subprocess.Popen[bytes]:
        """A scheduler process of its own."""
        log = (self.home.parent / f"scheduler-{uuid.uuid4().hex[:6]}.log").open("wb")
        child = subprocess.Popen(
            [sys.executable, "-m", "lentiq_jupyter.cli", "scheduler", "--tick", str(tick_s)],
            env=self.environment,
            stdout=log,
            stderr=log,
        )
        log.close()
        self.children.append(child)
        return child

    def publish(self, path: Path, name: str) -> str:
        """Publish without proving; the reference ``name@version``."""
        result = self.workspace.publish(PublishRequest(path=str(path), name=name, verify=False), Reporter())
        return result.block.reference

    def workflow(
        self, name: str, tasks: dict[str, dict[str, object]], block: str, schedule: Schedule | None = None
    ) -> Workflow:
        """Save a workflow of tasks of one block: name → {inputs, after, cpu, memory}."""
        made = tuple(
            Task(
                name=task,
                block=block,
                inputs=dict(words.get("inputs", {})),  # type: ignore[call-overload]
                after=tuple(words.get("after", ())),  # type: ignore[arg-type]
                resources=Resources(
                    cpu_millicores=int(str(words.get("cpu", 1000))), memory_bytes=int(str(words.get("memory", 2**28)))
                ),
            )
            for task, words in tasks.items()
        )
        return self.workspace.save_workflow(Workflow(name=name, project="default", tasks=made, schedule=schedule))

    def ended(self, run_id: str, limit_s: float = 120.0) -> Run:
        """The run, once it has ended."""
        wait_for(f"end of run {run_id}", lambda: self.workspace.run(run_id).state.ended, limit_s)
        return self.workspace.run(run_id)

    def stop_schedulers(self) -> None:
        """End the schedulers that `scheduler` started, those of earlier tests of this home too."""
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            child.wait(timeout=20)
        self.children.clear()

    def close(self) -> None:
        self.stop_schedulers()
        self.workspace.close()


def _process_road(folder: Path) -> Road:
    return Road(folder / "home", "process")


def _docker_road(folder: Path) -> Road:
    host = os.environ.get("LENTIQ_TEST_REGISTRY", "127.0.0.1:5000")
    prefix = f"road-{uuid.uuid4().hex[:8]}"
    return Road(folder / "home", "docker", f"{host}/{prefix}", f"{host}/library/python:3.11-slim")


@pytest.fixture(scope="session")
def sleeper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that sleeps for its input `seconds` and gives outputs `total` and `greeting`."""
    return write_notebook(tmp_path_factory.mktemp("notebooks") / "sleeper.ipynb", SLEEPER)


@pytest.fixture(scope="session")
def process_road(tmp_path_factory: pytest.TempPathFactory, sleeper: Path) -> Iterator[Road]:
    road = _process_road(tmp_path_factory.mktemp("process"))
    road.publish(sleeper, "sleeper")
    yield road
    road.close()


@pytest.fixture(scope="session")
def docker_road(tmp_path_factory: pytest.TempPathFactory, sleeper: Path) -> Iterator[Road]:
    road = _docker_road(tmp_path_factory.mktemp("docker"))
    road.publish(sleeper, "sleeper")
    yield road
    road.close()


@pytest.fixture(
    params=["process", pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.registry])],
)
def road(request: pytest.FixtureRequest) -> Road:
    """Both homes in turn; the block `sleeper` is published in each."""
    found: Road = request.getfixturevalue(f"{request.param}_road")
    return found
