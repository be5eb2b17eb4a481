"""Which task run somebody means, where its files lie, and how its log becomes text. Pure.

A task is addressed by its label (``train``, ``train.3`` for an item), which means its newest attempt,
or by ``label@attempt``. A task run whose result was taken from an earlier one points at that one's job.
"""

from __future__ import annotations

import codecs
import re
from pathlib import PurePosixPath

from ..errors import BadInput, NotFound
from ..model import Run, TaskRun, newest

_ADDRESS = re.compile(r"([a-z0-9-]+(?:\.[0-9]{1,9})?)(?:@([0-9]{1,9}))?")
_JOB = re.compile(r"lentiq-([^-]+)-(.+)-([0-9]+)")
_SHOWN = 20


def find_task(run: Run, address: str) -> TaskRun:
    """The task run of that address.

    Raises
    ------
    BadInput
        If it is no address.
    NotFound
        If the run has no such task, item or attempt, or it stands for all items of a task.
    """
    found = _ADDRESS.fullmatch(address)
    if not found:
        raise BadInput(
            f"{address!r} names no task.", "Write a task's name, train.3 for an item, train@2 for an attempt."
        )
    label, attempt = found[1], found[2]
    matching = [one for one in run.tasks if one.label == label]
    if not matching:
        raise NotFound(f"Run {run.id} has no task {label}.", f"Its tasks: {_listed(_labels(run))}.")
    if attempt is not None:
        attempts = {one.attempt: one for one in matching}
        if int(attempt) not in attempts:
            raise NotFound(
                f"Task {label} of run {run.id} has no attempt {attempt}.",
                f"Its attempts: {', '.join(map(str, sorted(attempts)))}.",
            )
        return attempts[int(attempt)]
    return max(matching, key=lambda one: one.attempt)


def no_group(run: Run, one: TaskRun) -> None:
    """Raise NotFound for what stands for all items of a task: nothing is executed for it."""
    if one.is_group:
        items = [other.label for other in newest(run.tasks) if other.task.name == one.task.name and not other.is_group]
        hint = f"Name one of its items: {_listed(items)}." if items else f"It has no items yet; it is {one.state}."
        raise NotFound(f"Task {one.label} runs once for each item of a list.", hint)


def _labels(run: Run) -> list[str]:
    """Names of the tasks; items are left out, as there may be a thousand."""
    return list(dict.fromkeys(one.task.name for one in run.tasks))


def _listed(labels: list[str]) -> str:
    rest = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return f"{', '.join(labels[:_SHOWN])}{rest}" if labels else "none"


def executed_job(one: TaskRun) -> tuple[str, str]:
    """Run id and job name of the execution whose result this task run has: its own, or the earlier one it took."""
    if one.reused_from is None:
        return one.run_id, one.job_name
    return _split(one.reused_from)[0], one.reused_from


def result_folder(one: TaskRun) -> PurePosixPath:
    """Where the result files of a task run lie, below the folder of all runs: ``<run>/<label>-<attempt>``."""
    run_id, label, attempt = _split(executed_job(one)[1])
    return PurePosixPath(run_id) / f"{label}-{attempt}"


def _split(job_name: str) -> tuple[str, str, str]:
    found = _JOB.fullmatch(job_name)
    if not found:
        raise NotFound(f"{job_name} is the name of no job of a run.", "Run the task again.")
    return found[1], found[2], found[3]


def log_text(data: bytes, *, final: bool) -> str:
    """Bytes of a log as text whose UTF-8 form is as long as the bytes it was read from, so that offsets stay true.

    What is no UTF-8 becomes ``?``, byte by byte. A character that is not whole at the end is left for the
    next look, unless `final`.
    """
    return codecs.getincrementaldecoder("utf-8")("lentiq-bytewise").decode(data, final)


def _bytewise(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "?" * (error.end - error.start), error.end


codecs.register_error("lentiq-bytewise", _bytewise)
