"""Prove a built image before it is called runnable: start it, without network, with its default inputs.

`choose_proof` says how, by the evidence of the notebook; `prove` does it and says how it went.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import datetime

from ..errors import BuildFailed
from ..interfaces import Executor
from ..model import (
    RESULT_ERROR,
    Block,
    Execution,
    ExecutionState,
    Facts,
    ImportFact,
    Input,
    Job,
    Reporter,
    Resources,
    Step,
    Verdict,
    Verification,
    record,
)
from ..scratch import scratch_folder

POOL = "lentiq-verify"
WORK = "lentiq-proof-"
RUN, IMPORT = "run", "import"
# Enough for importing any library; a proof is not a production run.
PROOF_RESOURCES = Resources(cpu_millicores=2000, memory_bytes=4 * 2**30)
_LOG_LINES = 60
_LOG_CHARACTERS = 8000
_SHOWN_LINES = 500  # of what the notebook prints; progress is for people
_LOG_LIMIT_BYTES = 64 * 2**20
# Set wherever a kernel runs, or without meaning for a run from an image.
_ALWAYS_SET = frozenset(("HOME", "PATH", "PWD", "PYTHONPATH", "LANG", "TMPDIR"))


@record
class Failure:
    """Why a proof did not come to its end.

    `name`, `message` and `trace` are of the Python error, "" where there was none; `cell` is its cell in
    the notebook, None where it has none; `reason` is a sentence. `stopped`: a limit of the proof
    ended it, so that nothing was found wrong with the block.
    """

    reason: str
    name: str = ""
    message: str = ""
    trace: str = ""
    cell: int | None = None
    stopped: bool = False

    @property
    def place(self) -> str:
        """``cell 4``, or how else the user finds it."""
        return f"cell {self.cell + 1}" if self.cell is not None else "the imports"

    @property
    def line(self) -> str:
        """The error in one line, at most 300 characters."""
        said = self.message.strip().split("\n")[0]
        text = ": ".join(part for part in (self.name, said) if part) or self.reason
        return text if len(text) <= 300 else text[:299] + "…"


@record
class Proof:
    """One attempt: `mode` is "run" or "import", `log` the end of what was printed, `failure` None if it succeeded."""

    mode: str
    seconds: float
    log: str = ""
    failure: Failure | None = None


def choose_proof(facts: Facts, inputs: Iterable[Input], limit_s: float) -> tuple[str, str]:
    """How to prove a block, and the evidence: "import" where a run would fail for want of something, else "run"."""
    required = [one.name for one in inputs if one.required]
    variables = [one.name for one in facts.environment if not one.has_default and one.name not in _ALWAYS_SET]
    missing = next((one for one in facts.findings if one.code == "missing-file"), None)
    last = facts.last_run
    if required:
        return IMPORT, f"{', '.join(required)} must be given to run it"
    if facts.data:
        one = facts.data[0]
        cell = f", cell {one.place.cell + 1}" if one.place.cell is not None else ""
        return IMPORT, f"it fetches {one.name} ({one.because}{cell}), and a proof has no network"
    if missing is not None:
        return IMPORT, missing.message.rstrip(".")
    if variables:
        return IMPORT, f"it needs the environment variables {', '.join(variables)}"
    if last is not None and last.failed is not None:
        return IMPORT, f"its last execution ended with an error in cell {last.failed + 1}"
    if last is not None and last.seconds is not None and last.seconds > limit_s:
        return IMPORT, f"its last execution took {last.seconds:.0f} s, a proof takes {limit_s:.0f} s at most"
    if last is not None and last.seconds is not None:
        return RUN, f"its last execution took {last.seconds:.0f} s"
    return RUN, "nothing it needs is missing"


def wishes(imports: Iterable[ImportFact]) -> str:
    """What the runner is to import, as its ``LENTIQ_IMPORTS``."""
    return json.dumps([{"module": one.module, "optional": one.optional, "cell": one.place.cell} for one in imports])


def prove(
    block: Block, executor: Executor, *, mode: str, imports: str, job_name: str, limit_s: float, report: Reporter
) -> Proof:
    """Start `block` once and follow it to its end.

    Parameters
    ----------
    mode : str
        "run": the whole notebook; "import": the modules of `imports`, and what no import shows.
    limit_s : float
        Seconds after which it is stopped; that is a failure which says so.

    Raises
    ------
    BadInput, NotFound, Unavailable
        From the executor.
    Cancelled
        Through `report`; the job is stopped then.
    """
    said = "with its default inputs" if mode == RUN else "imports only"
    report.say(Step.VERIFY, f"starting the block ({said})")
    job = Job(
        name=job_name,
        pool=POOL,
        block=block,
        inputs={},
        resources=PROOF_RESOURCES,
        environment={"LENTIQ_MODE": mode, **({"LENTIQ_IMPORTS": imports} if mode == IMPORT else {})},
        allow_network=False,
        bound=True,
    )
    began = time.monotonic()
    watch = _Watch(executor, job_name, report)
    try:
        executor.start(job)
        execution, limit = watch.follow(began + limit_s, limit_s)
        failure = _failure(executor, job_name, execution, limit)
    finally:
        # However it ended, nothing of it stays: no process, no container, no file.
        executor.stop(job_name, 0.0)
        _settle(executor, job_name)
        executor.remove(job_name)
    return Proof(mode=mode, seconds=time.monotonic() - began, log=watch.tail(), failure=failure)


def verification_of(
    proof: Proof, why: str, now: datetime, repairs: Iterable[str] = (), lacking: Iterable[str] = ()
) -> Verification:
    """What a proof that succeeded is worth.

    Parameters
    ----------
    why : str
        Why no more than the imports were tried; "" for a run.
    lacking : Debian packages that the image should have and this machine stood in for
    """
    took = f"{proof.seconds:.1f} s on {now:%Y-%m-%d}"
    if proof.mode == RUN:
        verdict, evidence = Verdict.RUN, f"ran to its end with default inputs in {took}"
    else:
        verdict, evidence = Verdict.IMPORT, f"all imports succeeded in {took}{'; ' + why if why else ''}"
    if without := ", ".join(lacking):
        evidence += f"; on this machine, without {without} in the image"
    return Verification(verdict=verdict, evidence=evidence, log=proof.log, repairs=tuple(repairs))


class _Watch:
    """Reads the log of a job as it grows, shows its first lines and keeps its last."""

    def __init__(self, executor: Executor, name: str, report: Reporter) -> None:
        self._executor, self._name, self._report = executor, name, report
        self._offset = 0
        self._shown = 0
        self._held = b""
        self._tail = b""

    def follow(self, end: float, limit_s: float) -> tuple[Execution | None, str]:
        """The job's end, and the limit that it went over ("" for none; it runs on then)."""
        pause = 0.05
        while True:
            execution = self._executor.inspect(self._name)
            self._read(last=execution is None or execution.state is not ExecutionState.RUNNING)
            if execution is None or execution.state is not ExecutionState.RUNNING:
                return execution, ""
            if time.monotonic() > end:
                return execution, f"it runs longer than the {limit_s:g} s that a proof may take"
            if self._offset > _LOG_LIMIT_BYTES:
                return execution, f"it prints more than {_LOG_LIMIT_BYTES // 2**20} MiB"
            self._report.check()
            time.sleep(pause)
            pause = min(pause * 1.2, 0.5)

    def _read(self, *, last: bool) -> None:
        text = self._executor.log(self._name, self._offset) if self._offset <= _LOG_LIMIT_BYTES else b""
        self._offset += len(text)
        self._tail = (self._tail + text)[-4 * _LOG_CHARACTERS :]
        # A line may still be growing: the last unfinished one waits for the next look.
        lines = (self._held + text).split(b"\n")
        self._held = b"" if last else lines.pop()[-_LOG_CHARACTERS:]
        for line in lines:
            if line and self._shown <= _SHOWN_LINES:
                more = self._shown == _SHOWN_LINES
                words = "it prints more than is shown here" if more else line[:1000].decode(errors="replace")
                self._report.say(Step.VERIFY, words)
                self._shown += 1

    def tail(self) -> str:
        """The end of the log: so many lines, and never more than so many characters."""
        lines = self._tail.decode(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join(lines)[-_LOG_CHARACTERS:]


def _failure(executor: Executor, name: str, execution: Execution | None, limit: str) -> Failure | None:
    if limit:
        return Failure(reason=limit, stopped=True)
    if execution is None:
        raise BuildFailed("The block vanished while it was being proven.", "Publish it again.")
    if execution.state is ExecutionState.SUCCEEDED:
        return None
    with scratch_folder(WORK) as folder:
        executor.collect(name, folder)
        try:
            said = json.loads((folder / RESULT_ERROR).read_bytes())
        except (OSError, ValueError):
            said = {}
    cell = said.get("own_cell")
    killed = execution.reason.startswith("killed")
    return Failure(
        reason=execution.reason or str(execution.state),
        name="" if killed else str(said.get("ename") or ""),
        message="" if killed else str(said.get("evalue") or ""),
        trace=str(said.get("traceback") or ""),
        cell=cell if isinstance(cell, int) else None,
    )


def _settle(executor: Executor, name: str, limit_s: float = 10.0) -> None:
    """Wait until a stopped job has ended, so that it can be removed."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        execution = executor.inspect(name)
        if execution is None or execution.state is not ExecutionState.RUNNING:
            return
        time.sleep(0.05)
