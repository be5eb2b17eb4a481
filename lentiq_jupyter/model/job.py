"""What an executor gets, and what it says."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Optional

from .block import Block
from .record import StrEnum, record
from .resources import Resources
from .run import Cause
from .values import Json


@record
class Job:
    """One task run, ready to start.

    `name` is unique and deterministic; `pool` marks what belongs to this data pool. `environment`
    is what the task sees besides its inputs; values in `secrets` too, and they must never be logged
    or stored. `allow_network` False starts it without network where the executor can. `bound` ends it, and
    forgets it, with the process that starts it, where the executor can: a proof is of no use to anybody else.
    """

    name: str
    pool: str
    block: Block
    inputs: dict[str, Json]
    resources: Resources
    environment: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    allow_network: bool = True
    bound: bool = False


class ExecutionState(StrEnum):
    """RUNNING includes being prepared. LOST: it was started once and neither runs nor left a result."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    LOST = "LOST"


@record
class Execution:
    """What an executor knows of one job.

    `starts` counts how often the executor really started it, from its own record. `reason` is a
    sentence for FAILED and LOST (``killed: used more than 512Mi of memory``). `stopped` is True when it
    ended because it was asked to. `cause` is the kind of failure where the executor knows it. `peak_memory_bytes`
    and `cpu_s` (seconds of processor time) are None where the executor did not measure.
    """

    name: str
    state: ExecutionState
    starts: int = 1
    started_at: Optional[datetime] = None
    ended_at: Optional[datetime] = None
    exit_code: Optional[int] = None
    reason: str = ""
    stopped: bool = False
    peak_memory_bytes: Optional[int] = None
    cpu_s: Optional[float] = None
    cause: Optional[Cause] = None


# Files in a job's results folder, the same for every executor.
RESULT_NOTEBOOK = "notebook.ipynb"
RESULT_OUTPUTS = "outputs.json"
RESULT_PROGRESS = "progress.json"
RESULT_ERROR = "error.json"
# What the job has used: ``{"peak_memory_bytes": int, "cpu_s": float}``, as far as the runner can tell.
RESULT_USAGE = "usage.json"

# Environment variables between executor and runner.
ENV_INPUTS = "LENTIQ_INPUTS"
ENV_RESULTS = "LENTIQ_RESULTS"
