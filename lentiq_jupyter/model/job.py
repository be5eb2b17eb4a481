"""What an executor gets, and what it says."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Optional

from .block import Block
from .record import StrEnum, record
from .resources import Resources
from .values import Json


@record
class Job:
    """One task run, ready to start.

    `name` is unique and deterministic; `pool` marks what belongs to this data pool. `environment`
    is what the task sees besides its inputs; values in `secrets` too, and they must never be logged
    or stored. `allow_network` False starts it without network where the executor can.
    """

    name: str
    pool: str
    block: Block
    inputs: dict[str, Json]
    resources: Resources
    environment: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    allow_network: bool = True


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
    ended because it was asked to.
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


# Files in a job's results folder, the same for every executor.
RESULT_NOTEBOOK = "notebook.ipynb"
RESULT_OUTPUTS = "outputs.json"
RESULT_PROGRESS = "progress.json"
RESULT_ERROR = "error.json"

# Environment variables between executor and runner.
ENV_INPUTS = "LENTIQ_INPUTS"
ENV_RESULTS = "LENTIQ_RESULTS"
