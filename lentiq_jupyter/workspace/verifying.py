"""Prove a built image before it is called runnable: start it, without network, with its default inputs."""

from __future__ import annotations

import time
from datetime import datetime

from ..errors import BuildFailed
from ..interfaces import Executor
from ..model import (
    Block,
    Execution,
    ExecutionState,
    Job,
    Reporter,
    Resources,
    Step,
    Verdict,
    Verification,
)

POOL = "lentiq-verify"
LOG_LINES = 60
# Enough for importing any library; a proof is not a production run.
PROOF_RESOURCES = Resources(cpu_millicores=2000, memory_bytes=4 * 2**30)


def verify(block: Block, executor: Executor, *, job_name: str, now: datetime, report: Reporter) -> Verification:
    """Run `block` once and say what that proves.

    With a default for every input the notebook is run; otherwise its imports are tried.

    Raises
    ------
    BuildFailed
        If it does not run, with the end of its log.
    Cancelled
        Through `report`; the job is stopped then.
    """
    needed = [one.name for one in block.spec.inputs if one.required]
    mode = "import" if needed else "run"
    report.say(Step.VERIFY, f"starting the block ({'imports only' if needed else 'with its default inputs'})")
    job = Job(
        name=job_name,
        pool=POOL,
        block=block,
        inputs={},
        resources=PROOF_RESOURCES,
        environment={"LENTIQ_MODE": mode},
        allow_network=False,
    )
    began = time.monotonic()
    executor.start(job)
    try:
        execution = _follow(executor, job_name, report)
        log = executor.log(job_name).decode(errors="replace")
    finally:
        executor.stop(job_name, 0.0)
        _settle(executor, job_name)
        executor.remove(job_name)
    tail = "\n".join(log.splitlines()[-LOG_LINES:])
    if execution.state is not ExecutionState.SUCCEEDED:
        raise BuildFailed(
            f"The block does not run from its image: {execution.reason or execution.state}.",
            "Mend the notebook, or publish it unproven with --no-verify.",
            log=tail,
        )
    seconds = f"{time.monotonic() - began:.1f} s"
    if needed:
        evidence = f"all imports succeeded in {seconds} on {now:%Y-%m-%d}; {', '.join(needed)} must be given to run it"
        return Verification(verdict=Verdict.IMPORT, evidence=evidence, log=tail)
    evidence = f"ran to its end with default inputs in {seconds} on {now:%Y-%m-%d}"
    return Verification(verdict=Verdict.RUN, evidence=evidence, log=tail)


def _follow(executor: Executor, name: str, report: Reporter) -> Execution:
    offset = 0
    while True:
        execution = executor.inspect(name)
        text = executor.log(name, offset)
        # A line may still be growing: the last unfinished one waits for the next look.
        whole = text.rfind(b"\n") + 1
        for line in text[:whole].decode(errors="replace").splitlines():
            report.say(Step.VERIFY, line)
        offset += whole
        if execution is None:
            raise BuildFailed("The block vanished while it was being proven.", "Publish it again.")
        if execution.state is not ExecutionState.RUNNING:
            return execution
        report.check()
        time.sleep(0.1)


def _settle(executor: Executor, name: str, limit_s: float = 10.0) -> None:
    """Wait until a stopped job has ended, so that it can be removed."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        execution = executor.inspect(name)
        if execution is None or execution.state is not ExecutionState.RUNNING:
            return
        time.sleep(0.05)
