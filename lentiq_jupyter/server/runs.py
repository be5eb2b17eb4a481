"""``runs``: start, follow, cancel, look back."""

from __future__ import annotations

from ..errors import BadInput
from ..model import Run
from .call import Call
from .documents import CancelRequest, LogPart, RerunRequest, RunRequest, Runs

LIMIT_MAX = 1000


def list_runs(call: Call, project: str | None = None, workflow: str | None = None, limit: int = 100) -> Runs:
    """Runs, newest first."""
    if not 1 <= limit <= LIMIT_MAX:
        raise BadInput(f"The limit is {limit}.", f"Ask for 1 to {LIMIT_MAX} runs.")
    return Runs(runs=tuple(call.service.runs(project=project, workflow=workflow, limit=limit)))


def run_block(call: Call, body: RunRequest) -> Run:
    """Run one block, outside any workflow."""
    return call.service.run_block(body.block, body.inputs, resources=body.resources, project=body.project)


def get_run(call: Call, id: str) -> Run:  # noqa: A002 - the address says id
    """One run with its tasks."""
    return call.service.run(id)


def cancel_run(call: Call, id: str, body: CancelRequest = CancelRequest()) -> Run:  # noqa: A002, B008 - frozen
    """Ask a run, or one task in it, to stop."""
    return call.service.cancel_run(id, body.task)


def rerun(call: Call, id: str, body: RerunRequest = RerunRequest()) -> Run:  # noqa: A002, B008 - frozen
    """A new run of the definition that run used; of the failed tasks alone if asked so."""
    return call.service.rerun(id, from_failed=body.from_failed)


def get_log(call: Call, id: str, task: str, offset: int = 0) -> LogPart:  # noqa: A002 - the address says id
    """Output of one task (a label, as ``train``, ``train.3``, ``train@2``) from a byte on, as much as comes at once."""
    if offset < 0:
        raise BadInput(f"The offset is {offset}.", "Give the byte to read from, 0 for all.")
    text = call.service.log(id, task, offset)
    return LogPart(text=text, next=offset + len(text.encode()))


def get_notebook(call: Call, id: str, task: str) -> bytes:  # noqa: A002 - the address says id
    """The executed notebook of one task (a label, as for its log), as far as it is."""
    return call.service.notebook(id, task)
