"""A job as a container, and a container as an execution: plain functions of values, no engine here."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..model import (
    ENV_INPUTS,
    ENV_RESULTS,
    RESULTS_FOLDER,
    BlockKind,
    Cause,
    Execution,
    ExecutionState,
    Job,
    format_memory,
)
from .image_block import arguments, takes_exit_code, variables
from .inputs import inputs_text

LABEL_POOL = "io.lentiq.pool"
LABEL_JOB = "io.lentiq.job"
# Of image blocks alone: where the outputs are (JSON, source by name), which variables hold secrets (JSON, a list).
LABEL_OUTPUTS = "io.lentiq.outputs"
LABEL_SECRETS = "io.lentiq.secrets"
# Of those whose image knows nothing of the results folder, or gives it to another user than theirs.
LABEL_OPEN = "io.lentiq.open-results"
PIDS_LIMIT = 4096
# What a job prints is kept up to 1 GiB, by the engine, in files of which the oldest is dropped.
LOG_FILES = 8
LOG_FILE_BYTES = 128 * 2**20
# Who a notebook runs as where its image does not say; the owner of its results folder.
USER = "1000:1000"
# What images need that start as root and go on as a user of their own: to own and read files, to change user, to
# end what runs as that user. Gained by root only; a part of what Docker grants by default.
IMAGE_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
_NEVER = "0001-"  # how the engine writes the time of what has not happened
_SIGTERM_CODE, _SIGKILL_CODE, _LOST_CODE = 143, 137, 255
_CELL_FAILED_CODE, _BAD_INPUT_CODE, _KERNEL_DIED_CODE = 1, 2, 3  # the runner's
_SIGNALS = 128  # codes from here on say which signal ended a program


@dataclass(frozen=True)
class Told:
    """What is known of a job besides the engine's record of its container.

    Parameters
    ----------
    said : str
        What the job itself says of its failure, or what is wrong with the outputs it left; "" if nothing.
    stopped : bool
        Whether an executor was asked to stop it.
    peak_memory_bytes, cpu_s : int, float, or None
        As far as somebody measured.
    """

    said: str = ""
    stopped: bool = False
    peak_memory_bytes: int | None = None
    cpu_s: float | None = None


_NOTHING = Told()


def container_options(job: Job, image: str, image_user: str = USER) -> dict[str, Any]:
    """Arguments of ``docker.containers.create`` for a job.

    A notebook block gets a read-only file system with a ``/tmp`` of its own (part of its memory) and no
    capabilities; an image block runs as its author built it, user, entry point and first process included,
    with `IMAGE_CAPABILITIES` at most. Privileges cannot be gained in either, and nothing of the host is mounted.

    Parameters
    ----------
    image_user : str
        The user that the image names; a notebook does not run as root, so `USER` takes the place of that.

    Raises
    ------
    BadInput
        If the inputs are too large, or a program cannot be given one of them.
    """
    spec = job.block.spec
    ours = spec.kind is BlockKind.NOTEBOOK
    environment = dict(job.environment) | dict(job.secrets)
    labels = {LABEL_POOL: job.pool, LABEL_JOB: job.name}
    if not ours:
        environment |= variables(spec, job.inputs, job.secrets)
        labels[LABEL_OUTPUTS] = json.dumps({one.name: one.source for one in spec.outputs if one.source})
        labels[LABEL_OPEN] = "1"
        labels[LABEL_SECRETS] = json.dumps(sorted(job.secrets))
    environment |= {ENV_INPUTS: inputs_text(job.inputs), ENV_RESULTS: RESULTS_FOLDER}
    options: dict[str, Any] = {
        "image": image,
        "name": job.name,
        "labels": labels,
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
        "log_config": {"Type": "json-file", "Config": {"max-size": str(LOG_FILE_BYTES), "max-file": str(LOG_FILES)}},
        "restart_policy": {"Name": "no"},
        "auto_remove": False,
        "detach": True,
    }
    if ours:
        options["tmpfs"] = {"/tmp": "rw,exec,nosuid,nodev,mode=1777"}  # noqa: S108  the container's own
        if is_root(image_user):
            options["user"] = USER
            labels[LABEL_OPEN] = "1"
    else:
        options["cap_add"] = list(IMAGE_CAPABILITIES)
        if spec.command:
            options["command"] = arguments(spec, job.inputs)
    if not job.allow_network:
        options["network_mode"] = "none"
    return options


def is_root(user: str) -> bool:
    """Whether what an image names as its user is root; "" names nobody, which is root, too."""
    return user.partition(":")[0] in ("", "0", "root")


def is_ours(name: str, attributes: Mapping[str, Any]) -> bool:
    """Whether a container is the job of that name, and no stranger's that is called so."""
    return _labels(attributes).get(LABEL_JOB) == name


def was_started(state: Mapping[str, Any]) -> bool:
    """Whether a container of this ``State`` was ever started."""
    return not str(state.get("StartedAt") or _NEVER).startswith(_NEVER)


def output_sources(attributes: Mapping[str, Any]) -> dict[str, str] | None:
    """Where the outputs of an image block are, by name; None if the container is no image block's."""
    text = _labels(attributes).get(LABEL_OUTPUTS)
    return None if text is None else dict(json.loads(text))


def needs_open_folder(attributes: Mapping[str, Any]) -> bool:
    """Whether the container's user may not write into its results folder by itself."""
    return LABEL_OPEN in _labels(attributes)


def secret_values(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """The secrets an image block was given; the runner of a notebook block hides its own."""
    names = json.loads(_labels(attributes).get(LABEL_SECRETS, "[]"))
    environment = dict(one.partition("=")[::2] for one in attributes["Config"].get("Env") or ())
    return tuple(environment[name] for name in names if name in environment)


def _labels(attributes: Mapping[str, Any]) -> dict[str, str]:
    return (attributes.get("Config") or {}).get("Labels") or {}


def execution_of(name: str, attributes: Mapping[str, Any], told: Told = _NOTHING) -> Execution | None:
    """What the engine's record of a container says; None if it was made but never started.

    Parameters
    ----------
    attributes : mapping
        As ``docker inspect`` shows it.
    """
    state = attributes["State"]
    if not was_started(state):
        return None
    known: dict[str, Any] = {
        "name": name,
        "starts": 1 + int(attributes.get("RestartCount") or 0),
        "started_at": _time(state["StartedAt"]),
        "peak_memory_bytes": told.peak_memory_bytes,
        "cpu_s": told.cpu_s,
    }
    if is_alive(state):
        return Execution(state=ExecutionState.RUNNING, **known)
    code = int(state["ExitCode"])
    known |= {"ended_at": _time(state["FinishedAt"]), "exit_code": code}
    sources = output_sources(attributes)
    ours = sources is None
    # Our runner never ends with 255, but many programs do.
    if state.get("Dead") or (code == _LOST_CODE and not told.said and ours):
        return Execution(state=ExecutionState.LOST, cause=Cause.LOST, reason="the Docker Engine lost it", **known)
    memory_ran_out = state.get("OOMKilled") and (
        code in (_SIGKILL_CODE, _KERNEL_DIED_CODE, _CELL_FAILED_CODE) or not ours
    )
    is_value = sources is not None and takes_exit_code(sources) and code < _SIGNALS and not memory_ran_out
    if code == 0 or is_value:
        if told.said:
            return Execution(state=ExecutionState.FAILED, cause=Cause.BAD_OUTPUT, reason=told.said, **known)
        return Execution(state=ExecutionState.SUCCEEDED, **known)
    if memory_ran_out and not told.stopped:
        limit = int(attributes["HostConfig"]["Memory"])
        known["peak_memory_bytes"] = limit
        reason = f"killed: used more than {format_memory(limit)} of memory"
        if ours and code == _CELL_FAILED_CODE and told.said:
            # The kernel lived on: it was a process of it that was killed, and the error tells what came of that.
            reason += f" ({told.said})"
        return Execution(state=ExecutionState.FAILED, cause=Cause.OUT_OF_MEMORY, reason=reason, **known)
    cause, reason = _failure(code, told, ours=ours)
    return Execution(
        state=ExecutionState.FAILED,
        cause=cause,
        reason=told.said or state.get("Error") or reason,
        stopped=told.stopped,
        **known,
    )


def _failure(code: int, told: Told, *, ours: bool) -> tuple[Cause, str]:
    """What kind of failure an exit code other than 0 is, and a sentence for it."""
    if told.stopped:
        return Cause.CANCELLED, f"exit code {code}"
    if code in (_SIGTERM_CODE, _SIGKILL_CODE):
        # Engines stop what they run when they are stopped themselves, unless they are set to keep it alive.
        word = "stopped" if code == _SIGTERM_CODE else "killed"
        return Cause.SIGNAL, f"{word} from outside: Docker was shut down, or somebody ended the container"
    if name := _signal_name(code - _SIGNALS):
        return Cause.SIGNAL, f"killed by {name}"
    if ours and code == _CELL_FAILED_CODE and told.said:
        return Cause.CELL_FAILED, ""
    if ours and code == _BAD_INPUT_CODE:
        return Cause.BAD_INPUT, "its inputs were refused; see its log"
    return Cause.EXIT_CODE, f"exit code {code}"


def _signal_name(number: int) -> str:
    return signal.Signals(number).name if number in list(signal.Signals) else ""


def is_alive(state: Mapping[str, Any]) -> bool:
    """Whether a container of this ``State`` has started and not ended."""
    return state["Status"] in ("running", "paused", "restarting")


def grace(seconds: float) -> int:
    """Whole seconds, which the engine counts in; never less than was asked for."""
    return math.ceil(seconds)


def _time(text: str) -> datetime | None:
    return None if text.startswith(_NEVER) else datetime.fromisoformat(text)
