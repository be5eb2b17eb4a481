"""What a notebook's own records say of its last execution: counts, errors, and times where a tool kept them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..model import LastRun
from .notebook import Cell, Notebook


def last_run_of(notebook: Notebook) -> LastRun | None:
    """The last execution; None if no cell was ever run.

    Times come from JupyterLab's ``recordTiming``, the ExecuteTime extension, or papermill.
    """
    ran = [cell for cell in notebook.code if cell.execution_count is not None or cell.outputs]
    if not ran:
        return None
    times = [seconds for cell in ran if (seconds := _seconds(cell)) is not None]
    whole = _number(_mapping(notebook.metadata.get("papermill")).get("duration"))
    failed = next((cell.index for cell in ran if _failed(cell)), None)
    return LastRun(cells=len(ran), seconds=round(sum(times), 3) if times else whole, failed=failed)


def _failed(cell: Cell) -> bool:
    expected = "raises-exception" in cell.tags
    return not expected and any(one.get("output_type") in ("error", "pyerr") for one in cell.outputs)


def _seconds(cell: Cell) -> float | None:
    jupyter = _mapping(cell.metadata.get("execution"))
    began = jupyter.get("iopub.execute_input") or jupyter.get("shell.execute_reply.started")
    ended = jupyter.get("shell.execute_reply") or jupyter.get("iopub.status.idle")
    extension = _mapping(cell.metadata.get("ExecuteTime"))
    papermill = _mapping(cell.metadata.get("papermill"))
    found = _between(began, ended)
    if found is None:
        found = _between(extension.get("start_time"), extension.get("end_time"))
    return _number(papermill.get("duration")) if found is None else found


def _between(began: object, ended: object) -> float | None:
    try:
        first, last = (datetime.fromisoformat(str(one).replace("Z", "+00:00")) for one in (began, ended))
        seconds = (last - first).total_seconds()
    except (ValueError, TypeError):
        return None
    return seconds if seconds >= 0 else None


def _number(value: object) -> float | None:
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else -1.0
    return number if 0 <= number < 1e9 else None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
