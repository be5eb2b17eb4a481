"""Execute a notebook in the block's environment, and tell as it goes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

from ..model import Json
from .cells import (
    INJECTED_INPUTS,
    INJECTED_OUTPUTS,
    OUTPUTS_TAG,
    PARAMETERS_TAG,
    assigned_names,
    inputs_source,
    outputs_source,
    tags,
)
from .output import OUTPUT_MIME
from .results import Results

SUCCEEDED, CELL_FAILED, BAD_INPUT, KERNEL_DIED, TERMINATED = 0, 1, 2, 3, 143
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def say(text: str) -> None:
    """One line of the log, at once."""
    print(text, flush=True)


def prepare(notebook: Any, values: dict[str, Json]) -> None:
    """Put the inputs behind the ``parameters`` cell (or first), and a cell that takes outputs behind tagged ones."""
    from nbformat.v4 import new_code_cell

    cells = []
    place = 0
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "code" and PARAMETERS_TAG in tags(cell) and not place:
            place = len(cells)
        names = assigned_names(cell.source) if cell.cell_type == "code" and OUTPUTS_TAG in tags(cell) else ()
        if names:
            cells.append(new_code_cell(outputs_source(names), metadata={"tags": [INJECTED_OUTPUTS]}))
    if values:
        cells.insert(place, new_code_cell(inputs_source(values), metadata={"tags": [INJECTED_INPUTS]}))
    notebook.cells = cells


def execute(root: Path, folder: Path, sockets: Path, notebook: Any, results: Results) -> int:
    """Execute all cells with the kernel of ``<root>/env``; returns the exit code.

    Parameters
    ----------
    folder : Path
        Working folder of the kernel: a copy of the block's files.
    sockets : Path
        A short, private folder for the kernel's sockets.
    notebook : NotebookNode
        Prepared; receives the outputs.
    """
    import nbformat
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    class Manager(AsyncKernelManager):
        """Starts the kernel of the block's environment, which no kernelspec on disk names."""

        @property
        def kernel_spec(self) -> KernelSpec:
            argv = [str(root / "env/bin/python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, display_name="Block", language="python")

    code_cells = [
        index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()
    ]

    class Client(NotebookClient):  # type: ignore[misc]  # nbclient is untyped here
        """Shows what cells print while they print it."""

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            content = msg["content"]
            if msg["msg_type"] == "stream":
                sys.stdout.write(_ANSI.sub("", content["text"]))
                sys.stdout.flush()
            elif msg["msg_type"] in ("display_data", "execute_result"):
                text = content["data"].get("text/plain")
                if text:
                    say(_ANSI.sub("", "".join(text)))
            return super().process_message(msg, cell, cell_index)

    def save(done: int, cell: int | None) -> None:
        results.notebook(nbformat.writes(notebook))
        results.progress(done, len(code_cells), cell)
        results.outputs(collect(notebook))

    def started(cell: Any, cell_index: int) -> None:
        if cell_index in code_cells:
            number = code_cells.index(cell_index)
            save(number, cell_index)
            say(f"[{number + 1}/{len(code_cells)}] {cell.source.strip().splitlines()[0][:100]}")

    def executed(cell: Any, cell_index: int, execute_reply: Any) -> None:
        if cell_index in code_cells:
            save(code_cells.index(cell_index) + 1, None)

    manager = Manager()
    # A block never waits for a limit: cells run as long as they like.
    client = Client(
        notebook,
        km=manager,
        timeout=None,
        startup_timeout=300,
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=started,
        on_cell_executed=executed,
    )
    save(0, None)
    # Unix sockets in a folder of our own: nothing listens where others could knock.
    manager.transport = "ipc"
    manager.ip = str(sockets / "kernel")

    async def work() -> None:
        task = asyncio.ensure_future(client.async_execute(env=kernel_environment(root), cleanup_kc=True))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
        try:
            await task
        finally:
            if manager.has_kernel:
                await manager.shutdown_kernel(now=True)

    try:
        asyncio.run(work())
    except CellExecutionError as error:
        index = next((i for i in code_cells if any(o.output_type == "error" for o in notebook.cells[i].outputs)), None)
        trace = "\n".join(
            "\n".join(one.traceback)
            for one in (notebook.cells[index].outputs if index is not None else [])
            if one.output_type == "error"
        )
        results.error(error.ename, error.evalue, index, _ANSI.sub("", trace))
        say(_ANSI.sub("", trace) or f"{error.ename}: {error.evalue}")
        return CELL_FAILED
    except asyncio.CancelledError:
        say("stopped by SIGTERM")
        return TERMINATED
    except (DeadKernelError, RuntimeError, OSError) as error:
        results.error(type(error).__name__, str(error), None, "")
        say(f"The kernel died or could not start: {error}")
        return KERNEL_DIED
    finally:
        results.notebook(nbformat.writes(notebook))
        results.outputs(collect(notebook))
    for name, value in collect(notebook).items():
        say(f"output {name} = {_short(value)}")
    return SUCCEEDED


def collect(notebook: Any) -> dict[str, Json]:
    """The outputs given so far, by name; the last value of a name counts."""
    values: dict[str, Json] = {}
    for cell in notebook.cells:
        for one in cell.get("outputs", ()):
            given = one.get("data", {}).get(OUTPUT_MIME)
            if isinstance(given, dict) and isinstance(given.get("name"), str):
                values[given["name"]] = given.get("value")
    return values


def kernel_environment(root: Path) -> dict[str, str]:
    """The kernel sees what the runner sees, but with its own environment first on PATH."""
    environment = dict(os.environ)
    environment["PATH"] = f"{root / 'env/bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
    environment["VIRTUAL_ENV"] = str(root / "env")
    return environment


def _short(value: Json) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:400] + "…"
