"""Looks at jobs and brings their results home: runs in a crew's thread, touches no row of the store."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ..errors import LentiqError, NotFound
from ..interfaces import LOG_CHUNK_BYTES, Executor
from ..model import Block, Execution, ExecutionState, Output, TaskRun, record
from .outcome import outcome, read_progress

log = logging.getLogger(__name__)
LOG_FILE = "log.txt"
LOG_LIMIT_BYTES = 256 << 20
"""Of a longer log, this much is kept when its task has ended."""


@record
class Seen:
    """What a look at a job has found.

    `to` is the task run as it is now, ended or further on, its results brought home; None with `gone`: the
    executor does not know the job. `error` is why nothing could be seen.
    """

    to: TaskRun | None = None
    gone: bool = False
    error: str = ""


class Finisher:
    """Reads executors' records and results; parameters are those of `Scheduler`."""

    def __init__(
        self,
        *,
        block: Callable[[TaskRun], Block],
        results: Callable[[TaskRun], Path],
        clock: Callable[[], datetime],
    ) -> None:
        self._block = block
        self._results = results
        self._clock = clock

    def look(self, task: TaskRun, executor: Executor, *, cancelled: bool, refresh: bool) -> Seen:
        """Look at one job; `refresh` also fetches what a running one has written so far."""
        try:
            execution = executor.inspect(task.job_name)
            if execution is None:
                return Seen(gone=True)
            if execution.state is not ExecutionState.RUNNING:
                return Seen(to=self._finish(task, executor, execution, cancelled))
            return Seen(to=self._refresh(task, executor, execution) if refresh else task)
        except LentiqError as error:
            return Seen(error=str(error))
        except OSError as error:
            return Seen(error=f"its results cannot be written ({error.strerror}); it is tried again")

    def _finish(self, task: TaskRun, executor: Executor, execution: Execution, cancelled: bool) -> TaskRun:
        folder = self._collected(task, executor)
        self._keep_log(task, executor, folder)
        return outcome(task, execution, folder, cancelled=cancelled, now=self._clock(), outputs=self._outputs(task))

    def _outputs(self, task: TaskRun) -> tuple[Output, ...]:
        try:
            return self._block(task).spec.outputs
        except NotFound:
            # The block was removed meanwhile: its outputs are taken as they come.
            return ()

    def _refresh(self, task: TaskRun, executor: Executor, execution: Execution) -> TaskRun:
        folder = self._collected(task, executor)
        return dataclasses.replace(
            task,
            reason="",
            progress=read_progress(folder) or task.progress,
            peak_memory_bytes=execution.peak_memory_bytes or task.peak_memory_bytes,
            cpu_s=execution.cpu_s if execution.cpu_s is not None else task.cpu_s,
        )

    def _collected(self, task: TaskRun, executor: Executor) -> Path:
        folder = self._results(task)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            executor.collect(task.job_name, folder)
        except NotFound as error:
            log.info("%s left no results: %s", task.job_name, error)
        return folder

    def _keep_log(self, task: TaskRun, executor: Executor, folder: Path) -> None:
        """Copy the log, chunk by chunk: it may be larger than the memory. The executor's own stays."""
        kept = 0
        with (folder / LOG_FILE).open("wb") as file:
            try:
                while kept < LOG_LIMIT_BYTES and (chunk := executor.log(task.job_name, kept, LOG_CHUNK_BYTES)):
                    kept += file.write(chunk)
                if kept >= LOG_LIMIT_BYTES:
                    file.write(f"\n… the log goes on; {LOG_LIMIT_BYTES >> 20} MiB of it are kept\n".encode())
            except NotFound:
                return
