"""One small real block whose notebook does what its input `code` says, and jobs of it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import nbformat

from lentiq_jupyter.executors import ProcessExecutor
from lentiq_jupyter.images import LayersBuilder, find_interpreter, find_uv, make_recipe
from lentiq_jupyter.interfaces import Executor, Registry
from lentiq_jupyter.model import (
    Block,
    BlockSpec,
    Execution,
    ExecutionState,
    Input,
    InputType,
    Job,
    Json,
    Lock,
    Reporter,
    Resources,
)
from lentiq_jupyter.registry import Catalogue, DistributionRegistry, LayoutRegistry, parse_reference

T = TypeVar("T")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
RESOURCES = Resources(cpu_millicores=1000, memory_bytes=2**29)
CELLS = (
    ("parameters", "code = ''\ntext = 'none'\ndata = None"),
    (None, "print('begin')"),
    (None, "exec(code, globals())"),
    (None, "from lentiq_jupyter import output\noutput('text', text)\noutput('data', data)"),
)
NOTEBOOK_INPUTS = (
    Input(name="code", type=InputType.STR, default=""),
    Input(name="text", type=InputType.STR, default="none"),
    Input(name="data", type=InputType.JSON, default=None),
)


def kernel_lock() -> Lock:
    """A lock of what a kernel needs and nothing else."""
    words = [find_uv(None), "pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate"]
    done = subprocess.run(
        [*words, "--python-version", PYTHON, "-"], input="ipykernel", capture_output=True, text=True, check=True
    )
    return Lock(python=PYTHON, packages=(), requirements=done.stdout)


def publish(registry: Registry, base: str, folder: Path) -> Block:
    """Build the block without Docker and register it."""
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook()
    for number, (tag, source) in enumerate(CELLS):
        metadata = {"tags": [tag]} if tag else {}
        notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"cell-{number}", metadata=metadata))
    nbformat.write(notebook, folder / "does.ipynb")
    spec = BlockSpec(name="does", python=PYTHON, base=base, notebook="does.ipynb", inputs=NOTEBOOK_INPUTS)
    recipe, sources = make_recipe(
        spec,
        base=base,
        platform="linux/amd64",
        python=PYTHON,
        lock=kernel_lock(),
        files={"does.ipynb": folder / "does.ipynb"},
        notebook="does.ipynb",
    )

    def open_remote(reference: str) -> tuple[Registry, str, str]:
        host, repository, tag = parse_reference(reference)
        return DistributionRegistry(host), repository, tag

    builder = LayersBuilder(cache=folder / "cache", open_remote=open_remote)
    image = builder.build(recipe, sources, registry, Reporter())
    return Catalogue(registry, lambda: datetime.now(UTC)).register(image, recipe.spec)


def process_executor(folder: Path, registry: Registry | None = None) -> ProcessExecutor:
    """An executor over `folder`; `registry` None: the layout folder beside it."""
    return ProcessExecutor(
        folder / "process",
        registry or LayoutRegistry(folder / "registry"),
        lambda python: find_interpreter(python, find_uv(None)),
    )


def wait_for(what: str, look: Callable[[], T], limit_s: float = 60.0) -> T:
    """What `look` gives once that is true; fails after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError(f"no {what} within {limit_s} s")


class Bench:
    """One executor with the block it can run, and a pool of its own."""

    def __init__(self, executor: Executor, block: Block, again: Callable[[], Executor]) -> None:
        self.executor = executor
        self.block = block
        self.again = again
        self.pool = f"pool-{uuid.uuid4().hex[:8]}"
        self.names: list[str] = []

    def job(self, code: str = "", *, secrets: Mapping[str, str] | None = None, **changes: object) -> Job:
        """A job that executes `code` in its third cell."""
        name = f"lentiq-{uuid.uuid4().hex[:8]}-does-1"
        self.names.append(name)
        inputs: dict[str, Json] = {"code": code, "text": "none", "data": None}
        job = Job(
            name=name,
            pool=self.pool,
            block=self.block,
            inputs=inputs,
            resources=RESOURCES,
            environment={"LENTIQ_TASK": "does"},
            secrets=dict(secrets or {}),
        )
        return dataclasses.replace(job, **changes)

    def start(self, code: str = "", **changes: object) -> str:
        """Start such a job; its name."""
        job = self.job(code, **changes)  # type: ignore[arg-type]
        self.executor.start(job)
        return job.name

    def state(self, name: str) -> ExecutionState | None:
        execution = self.executor.inspect(name)
        return execution.state if execution else None

    def ended(self, name: str, limit_s: float = 60.0) -> Execution:
        """What is known of the job when it has ended."""

        def look() -> Execution | None:
            found = self.executor.inspect(name)
            return found if found and found.state is not ExecutionState.RUNNING else None

        return wait_for(f"end of {name}", look, limit_s)

    def says(self, name: str, text: str) -> None:
        """Wait until the log holds `text`."""
        wait_for(f"{text!r} in the log", lambda: text.encode() in self.executor.log(name))

    def results(self, name: str, into: Path) -> dict[str, Json]:
        """All JSON result files, by name without ending."""
        self.executor.collect(name, into)
        return {path.stem: json.loads(path.read_text()) for path in sorted(into.iterdir())}

    def close(self) -> None:
        """End and forget whatever was started."""
        for name in self.names:
            self.executor.stop(name, 0)
        for name in self.names:
            if self.executor.inspect(name) is not None:
                self.ended(name)
            self.executor.remove(name)
