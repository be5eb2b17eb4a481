"""Execute a notebook in the block's environment, and tell as it goes."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..model import Json
from .cells import (
    INJECTED_INPUTS,
    INJECTED_OUTPUTS,
    OUTPUTS_TAG,
    PARAMETERS_TAG,
    assigned_names,
    outputs_source,
    tags,
)
from .kernel import die_with_parent, kernel_environment, make_manager
from .output import OUTPUT_MIME
from .results import Results

SUCCEEDED, CELL_FAILED, BAD_INPUT, KERNEL_DIED, TERMINATED = 0, 1, 2, 3, 143
# A stopped cell has that long to end by itself. Executors give the whole job ten seconds.
INTERRUPT_S = 5.0
_START_S = 300
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def say(text: str) -> None:
    """One line of the log, at once."""
    print(text, flush=True)


def prepare(notebook: Any, inputs: str) -> Any:
    """The notebook with two kinds of cells added: `inputs`, and what takes the outputs of tagged cells.

    The inputs follow the first cell tagged ``parameters``, or come first.
    """
    from nbformat.v4 import new_code_cell, upgrade

    # Cells have ids from format 4.5 on; the added ones bring theirs.
    notebook = upgrade(notebook, from_version=4, from_minor=notebook.get("nbformat_minor", 0))
    cells = []
    place = 0
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "code" and PARAMETERS_TAG in tags(cell) and not place:
            place = len(cells)
        names = assigned_names(cell.source) if cell.cell_type == "code" and OUTPUTS_TAG in tags(cell) else ()
        if names:
            cells.append(new_code_cell(outputs_source(names), metadata={"tags": [INJECTED_OUTPUTS]}))
    if inputs:
        cells.insert(place, new_code_cell(inputs, metadata={"tags": [INJECTED_INPUTS]}))
    for cell in cells:
        if cell.cell_type == "code":
            # What an earlier session left there is not what this run gives.
            cell.outputs, cell.execution_count = [], None
    notebook.cells = cells
    return notebook


class Course:
    """One execution: where it is, whether it was asked to stop, and the files that say so."""

    def __init__(self, notebook: Any, results: Results) -> None:
        self.notebook = notebook
        self.results = results
        self.code_cells = [
            index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()
        ]
        self.cell: int | None = None
        self.stopping = False

    def started(self, cell: Any, cell_index: int) -> None:
        """Hook of nbclient: before each cell."""
        if self.stopping:
            raise asyncio.CancelledError
        if cell_index in self.code_cells:
            self.cell = cell_index
            number = self.code_cells.index(cell_index)
            self.save(number)
            say(f"[{number + 1}/{len(self.code_cells)}] {cell.source.strip().splitlines()[0][:100]}")

    def executed(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        """Hook of nbclient: after each cell, failed or not."""
        if cell_index in self.code_cells:
            failed = execute_reply["content"]["status"] == "error"
            self.save(self.code_cells.index(cell_index) + (not failed))

    def save(self, done: int) -> None:
        """Write what there is now."""
        import nbformat

        self.results.notebook(nbformat.writes(self.notebook))
        self.results.progress(done, len(self.code_cells), self.cell if done < len(self.code_cells) else None)
        self.results.outputs(collect(self.notebook))

    def failure(self) -> tuple[str, str, str]:
        """Name, message and traceback of the error in the current cell; empty if it has none."""
        outputs = self.notebook.cells[self.cell].outputs if self.cell is not None else []
        for one in reversed(outputs):
            if one.output_type == "error":
                return one.ename, one.evalue, _ANSI.sub("", "\n".join(one.traceback))
        return "", "", ""


def execute(
    root: Path, folder: Path, sockets: Path, notebook: Any, results: Results, secrets: Mapping[str, str]
) -> int:
    """Execute all cells with the kernel of ``<root>/env``; returns the exit code.

    Parameters
    ----------
    folder : Path
        Working folder of the kernel: a copy of the block's files.
    sockets : Path
        A short, private folder for the kernel's sockets.
    notebook : NotebookNode
        Prepared; receives the outputs.
    secrets : mapping
        Environment variables that the kernel alone gets.
    """
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    course = Course(notebook, results)
    course.save(0)
    code, ename, evalue, trace = KERNEL_DIED, "", "", ""
    try:
        asyncio.run(_work(course, root, folder, sockets, secrets))
        code = SUCCEEDED
    except CellExecutionError as error:
        code = CELL_FAILED
        ename, evalue, trace = course.failure()
        ename, evalue = ename or error.ename, evalue or error.evalue
    except asyncio.CancelledError:
        code = TERMINATED
    except DeadKernelError:
        ename, evalue = "KernelDied", "the kernel ended by itself, often for lack of memory"
    except (RuntimeError, OSError) as error:
        ename, evalue = type(error).__name__, f"{error}"
    if course.stopping and code != SUCCEEDED:
        code = TERMINATED
        say("stopped as asked")
    elif code != SUCCEEDED:
        say(results.masked(trace or f"{ename}: {evalue}"))
    with suppress(OSError):
        # Where the disk is full, the log above says so.
        if code not in (SUCCEEDED, TERMINATED):
            results.error(ename, evalue, course.cell, trace, _own_cell(course))
        course.save(len(course.code_cells) if code == SUCCEEDED else _done(course))
    for name, value in collect(notebook).items() if code == SUCCEEDED else ():
        say(results.masked(f"output {name} = {_short(value)}"))
    return code


def _done(course: Course) -> int:
    return course.code_cells.index(course.cell) if course.cell is not None else 0


def _own_cell(course: Course) -> int | None:
    """The current cell's place in the block's own notebook; None for one that the runner added."""
    if course.cell is None:
        return None
    added = [bool({INJECTED_INPUTS, INJECTED_OUTPUTS} & set(tags(one))) for one in course.notebook.cells]
    return None if added[course.cell] else course.cell - sum(added[: course.cell])


async def _work(course: Course, root: Path, folder: Path, sockets: Path, secrets: Mapping[str, str]) -> None:
    """Run nbclient until the end, a failure, or SIGTERM.

    At SIGTERM the running cell is interrupted, as by the stop button, so that its ``finally`` blocks run;
    no further cell starts, and one that does not end is left after `INTERRUPT_S` seconds.
    """
    from nbclient import NotebookClient

    manager = make_manager(root, sockets)
    loop = asyncio.get_running_loop()

    class Client(NotebookClient):  # type: ignore[misc]  # nbclient is untyped here
        async def async_start_new_kernel(self, **kwargs: Any) -> None:
            # After nbclient has put its own handlers, which would take the kernel away from the cell.
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop)
            await super().async_start_new_kernel(**kwargs)

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            _show(msg, course.results.masked)
            return super().process_message(msg, cell, cell_index)

    # No limit of time: cells run as long as they like.
    client = Client(
        course.notebook,
        km=manager,
        timeout=None,
        startup_timeout=_START_S,
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=course.started,
        on_cell_executed=course.executed,
    )
    environment = kernel_environment(root, secrets)
    task = asyncio.ensure_future(client.async_execute(env=environment, preexec_fn=die_with_parent, cleanup_kc=True))
    interruption: list[asyncio.Future[None]] = []

    async def interrupt() -> None:
        await manager.interrupt_kernel()
        await asyncio.sleep(INTERRUPT_S)
        task.cancel()

    def stop() -> None:
        if course.stopping:
            return
        course.stopping = True
        if course.cell is None:
            task.cancel()
        else:
            interruption.append(asyncio.ensure_future(interrupt()))

    try:
        await task
    finally:
        for one in interruption:
            one.cancel()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)


def _show(msg: Any, masked: Callable[[str], str]) -> None:
    """Put what a cell prints into the log while it prints it."""
    content = msg["content"]
    if msg["msg_type"] == "stream":
        sys.stdout.write(masked(_ANSI.sub("", content["text"])))
        sys.stdout.flush()
    elif msg["msg_type"] in ("display_data", "execute_result") and OUTPUT_MIME not in content["data"]:
        text = content["data"].get("text/plain")
        if text:
            say(masked(_ANSI.sub("", "".join(text))))


def collect(notebook: Any) -> dict[str, Json]:
    """The outputs given so far, by name; the last value of a name counts."""
    values: dict[str, Json] = {}
    for cell in notebook.cells:
        for one in cell.get("outputs", ()):
            given = one.get("data", {}).get(OUTPUT_MIME)
            if isinstance(given, dict) and isinstance(given.get("name"), str):
                values[given["name"]] = given.get("value")
    return values


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:400] + "…"
