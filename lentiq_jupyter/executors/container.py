"""A job as a container, and a container as an execution: plain functions of values, no engine here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..model import (
    ENV_INPUTS,
    ENV_RESULTS,
    RESULTS_FOLDER,
    BlockKind,
    Execution,
    ExecutionState,
    Job,
    Json,
    format_memory,
)
from .inputs import inputs_text

LABEL_POOL = "io.lentiq.pool"
LABEL_JOB = "io.lentiq.job"
PIDS_LIMIT = 4096
_NEVER = "0001-"  # how the engine writes the time of what has not happened
_SIGTERM_CODE, _SIGKILL_CODE, _LOST_CODE = 143, 137, 255
_KERNEL_DIED_CODE = 3


def container_options(job: Job, image: str) -> dict[str, Any]:
    """Arguments of ``docker.containers.create`` for a job.

    A notebook block gets a read-only file system with a ``/tmp`` of its own (part of its memory); an
    image block runs as its author built it, with its inputs as ``LENTIQ_INPUT_<NAME>`` too.
    Capabilities are dropped and privileges cannot be gained in either.
    """
    ours = job.block.spec.kind is BlockKind.NOTEBOOK
    environment = dict(job.environment) | dict(job.secrets)
    if not ours:
        environment |= {f"LENTIQ_INPUT_{name.upper()}": _plain(value) for name, value in job.inputs.items()}
    environment |= {ENV_INPUTS: inputs_text(job.inputs), ENV_RESULTS: RESULTS_FOLDER}
    options: dict[str, Any] = {
        "image": image,
        "name": job.name,
        "labels": {LABEL_POOL: job.pool, LABEL_JOB: job.name},
        "environment": environment,
        "nano_cpus": job.resources.cpu_millicores * 1_000_000,
        "mem_limit": job.resources.memory_bytes,
        # Equal to the memory: no swap.
        "memswap_limit": job.resources.memory_bytes,
        "pids_limit": PIDS_LIMIT,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": ours,
        # A small first process of the engine's own reaps what the notebook leaves behind.
        "init": ours,
        # Anonymous: takes the owner that the image gave the folder, and goes with the container.
        "volumes": [RESULTS_FOLDER],
        "log_config": {"Type": "json-file", "Config": {}},
        "restart_policy": {"Name": "no"},
        "auto_remove": False,
        "detach": True,
    }
    if ours:
        options["tmpfs"] = {"/tmp": "rw,exec,nosuid,nodev,mode=1777"}  # noqa: S108  the container's own
    elif job.block.spec.command:
        options["command"] = list(job.block.spec.command)
    if not job.allow_network:
        options["network_mode"] = "none"
    return options


def was_started(state: Mapping[str, Any]) -> bool:
    """Whether a container of this ``State`` was ever started."""
    return not str(state.get("StartedAt") or _NEVER).startswith(_NEVER)


def execution_of(name: str, attributes: Mapping[str, Any], said: str = "") -> Execution | None:
    """What the engine's record of a container says; None if it was made but never started.

    Parameters
    ----------
    attributes : mapping
        As ``docker inspect`` shows it.
    said : str
        What the job itself says of its failure, "" if nothing.

    The engine does not record who ended a container. Nothing but a request ends one by SIGTERM or
    SIGKILL, the lack of memory apart, so that is what `stopped` is taken from.
    """
    state = attributes["State"]
    if not was_started(state):
        return None
    starts = 1 + int(attributes.get("RestartCount") or 0)
    started_at = _time(state["StartedAt"])
    if state["Status"] in ("running", "paused", "restarting"):
        return Execution(name=name, state=ExecutionState.RUNNING, starts=starts, started_at=started_at)
    code = int(state["ExitCode"])
    known: dict[str, Any] = {
        "name": name,
        "starts": starts,
        "started_at": started_at,
        "ended_at": _time(state["FinishedAt"]),
        "exit_code": code,
    }
    if state.get("Dead") or (code == _LOST_CODE and not said):
        return Execution(state=ExecutionState.LOST, reason="the Docker Engine lost it", **known)
    if code == 0:
        return Execution(state=ExecutionState.SUCCEEDED, **known)
    if state.get("OOMKilled") and code in (_SIGKILL_CODE, _KERNEL_DIED_CODE, 1):
        limit = int(attributes["HostConfig"]["Memory"])
        return Execution(
            state=ExecutionState.FAILED, reason=f"killed: used more than {format_memory(limit)} of memory", **known
        )
    return Execution(
        state=ExecutionState.FAILED,
        reason=said or state.get("Error") or f"exit code {code}",
        stopped=code in (_SIGTERM_CODE, _SIGKILL_CODE),
        **known,
    )


def grace(seconds: float) -> int:
    """Whole seconds, which the engine counts in; never less than was asked for."""
    return math.ceil(seconds)


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _time(text: str) -> datetime | None:
    return None if text.startswith(_NEVER) else datetime.fromisoformat(text)
