"""Execute a notebook in the block's environment, and tell as it goes."""

from __future__ import annotations

import asyncio
import json
import signal
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
from .course import ANSI, Course, collect
from .kernel import Kernel, make_manager
from .log import Log
from .output import OUTPUT_MIME
from .results import Results
from .usage import Meter

SUCCEEDED, CELL_FAILED, BAD_INPUT, KERNEL_DIED, TERMINATED = 0, 1, 2, 3, 143
# A stopped cell has that long to end by itself. Executors give the whole job ten seconds.
INTERRUPT_S = 5.0
_START_S = 300
# When a cell has ended, so long is waited for the rest of what it printed. A kernel sends faster than it is read.
_OUTPUT_S = 600


def prepare(path: Path, inputs: str) -> Any:
    """A notebook with two kinds of cells added: `inputs`, and what takes the outputs of tagged cells.

    The inputs follow the first cell tagged ``parameters``, or come first.
    """
    from nbformat.v4 import new_code_cell, upgrade

    notebook = _read(path)
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


def _read(path: Path) -> Any:
    """A notebook of any version as one of version 4; not checked against its schema, which the block's maker did."""
    import nbformat

    text = path.read_text(encoding="utf-8")
    if json.loads(text).get("nbformat") == 4:
        return nbformat.v4.reads(text)
    return nbformat.reads(text, as_version=4)


def execute(kernel: Kernel, notebook: Any, results: Results, *, contained: bool) -> int:
    """Execute all cells with a kernel that was just started; returns the exit code.

    Parameters
    ----------
    notebook : NotebookNode
        Prepared; receives the outputs.
    contained : bool
        Whether this job has its control group for itself.
    """
    with Log() as log:
        course = Course(notebook, results, Meter(results, contained=contained), log)
        return _execute(course, kernel)


def _execute(course: Course, kernel: Kernel) -> int:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    results, say = course.results, course.log.say
    course.meter.kernel = kernel.process.pid if kernel.process is not None else None
    course.save(0)
    code, ename, evalue, trace = KERNEL_DIED, "", "", ""
    try:
        asyncio.run(_work(course, kernel))
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
        course.save(len(course.code_cells) if code == SUCCEEDED else _done(course), last=True)
        course.meter.write()
    for name, value in collect(course.notebook).items() if code == SUCCEEDED else ():
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


async def _work(course: Course, kernel: Kernel) -> None:
    """Run nbclient until the end, a failure, or SIGTERM.

    At SIGTERM the running cell is interrupted, as by the stop button, so that its ``finally`` blocks run;
    no further cell starts, and one that does not end is left after `INTERRUPT_S` seconds.
    """
    from nbclient import NotebookClient

    if kernel.fault is not None:
        raise kernel.fault
    manager = make_manager(kernel)
    loop = asyncio.get_running_loop()

    class Client(NotebookClient):  # type: ignore[misc]  # nbclient is untyped here
        async def async_start_new_kernel(self, **kwargs: Any) -> None:
            # After nbclient has put its own handlers, which would take the kernel away from the cell.
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop)
            await super().async_start_new_kernel(**kwargs)
            await kernel.listens(_START_S)

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            _show(msg, course)
            return super().process_message(msg, cell, cell_index) if course.heard(msg) else None

    # No limit of time: cells run as long as they like.
    client = Client(
        course.notebook,
        km=manager,
        timeout=None,
        startup_timeout=_START_S,
        iopub_timeout=_OUTPUT_S,
        on_cell_start=course.started,
        on_cell_executed=course.executed,
    )
    task = asyncio.ensure_future(client.async_execute(cleanup_kc=True))
    watch = asyncio.ensure_future(course.watch())
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
        for one in (watch, *interruption):
            one.cancel()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)


def _show(msg: Any, course: Course) -> None:
    """Put what a cell prints into the log while it prints it."""
    content, masked = msg["content"], course.results.masked
    if msg["msg_type"] == "stream":
        course.log.write(masked(ANSI.sub("", content["text"])))
    elif msg["msg_type"] in ("display_data", "execute_result") and OUTPUT_MIME not in content["data"]:
        text = content["data"].get("text/plain")
        if text:
            course.log.say(masked(ANSI.sub("", "".join(text))))


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:400] + "…"
