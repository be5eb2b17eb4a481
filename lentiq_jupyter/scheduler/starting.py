"""From an admitted task to a job in an executor: runs in a crew's thread, touches no row of the store."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import Conflict, LentiqError, NotFound, Unavailable
from ..interfaces import Executor
from ..model import Block, Cause, Input, Job, Json, Run, TaskRun, record, referenced_secret
from .graph import foreach_items, resolve_inputs

_BLOCKS_LIMIT = 500


@record
class Started:
    """The end of one attempt to start a task.

    `inputs` are what it was given, None if that could not be found out. `error` says why it did not start;
    with `again` it may at the next look. `cause` is the kind of an error that is final. `fingerprint` as in
    `TaskRun`, for tasks that may be reused.
    """

    inputs: dict[str, Json] | None = None
    error: str = ""
    again: bool = False
    cause: Cause | None = None
    fingerprint: str | None = None


class Starter:
    """Knows blocks, inputs, environments and secrets, so that tasks can be started.

    Parameters are those of `Scheduler`. Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        load_block: Callable[[str], Block],
        environment: Callable[[Run, TaskRun], Mapping[str, str]],
        secret: Callable[[str, str], str],
        pool: str,
        still_mine: Callable[[], bool],
    ) -> None:
        self._load_block = load_block
        self._environment = environment
        self._secret = secret
        self._pool = pool
        self._still_mine = still_mine
        self._blocks: dict[str, Block] = {}
        self._lock = threading.Lock()

    def block(self, task: TaskRun) -> Block:
        """The block of a task; a pinned version never changes, so it is loaded once. Raises NotFound, Unavailable."""
        version = task.task.version
        reference = f"{task.task.block}@{version}" if version else task.task.block
        with self._lock:
            found = self._blocks.get(reference)
        if found is None:
            found = self._load_block(reference)
            if version:
                with self._lock:
                    if len(self._blocks) >= _BLOCKS_LIMIT:
                        self._blocks.pop(next(iter(self._blocks)))
                    self._blocks[reference] = found
        return found

    def inputs(self, task: TaskRun, block: Block, outputs: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
        """All input values of a task, references replaced, defaults filled in. Raises BadInput."""
        if task.item is None:
            return block.spec.fill(resolve_inputs(task.task, outputs))
        item = foreach_items(task.task, outputs)[task.item]
        return block.spec.fill(resolve_inputs(task.task, outputs, item=item))

    def start(self, run: Run, task: TaskRun, executor: Executor, outputs: Mapping[str, Mapping[str, Json]]) -> Started:
        """Start a STARTING task; harmless if that has happened before."""
        inputs: dict[str, Json] | None = None
        try:
            block = self.block(task)
            inputs = self.inputs(task, block, outputs)
        except Unavailable as error:
            return Started(error=f"cannot start yet: {error}", again=True)
        except NotFound as error:
            return Started(error=str(error), cause=Cause.IMAGE_MISSING)
        except LentiqError as error:
            return Started(error=str(error), cause=Cause.BAD_INPUT)
        hidden = {one.name: one for one in block.spec.inputs if one.secret}
        try:
            job = Job(
                name=task.job_name,
                pool=self._pool,
                block=block,
                inputs={name: value for name, value in inputs.items() if name not in hidden},
                resources=task.task.resources,
                environment=dict(self._environment(run, task)),
                secrets=self._secrets(run.workflow.project, hidden, inputs),
            )
        except Unavailable as error:
            return Started(inputs=inputs, error=f"cannot start yet: {error}", again=True)
        except LentiqError as error:
            return Started(inputs=inputs, error=str(error), cause=Cause.BAD_INPUT)
        if not self._still_mine():
            return Started(inputs=inputs, error="another scheduler may have taken over", again=True)
        try:
            executor.start(job)
        except Unavailable as error:
            return Started(inputs=inputs, error=f"cannot start yet: {error}", again=True)
        except Conflict:
            # Forbidden meanwhile: whoever did that has written why.
            return Started(inputs=inputs, error="it must not start any more", again=True)
        except NotFound as error:
            return Started(inputs=inputs, error=str(error), cause=Cause.IMAGE_MISSING)
        except LentiqError as error:
            return Started(inputs=inputs, error=str(error), cause=Cause.START_FAILED)
        return Started(inputs=inputs, fingerprint=_fingerprint(block, inputs) if task.task.reuse else None)

    def _secrets(self, project: str, hidden: Mapping[str, Input], given: Mapping[str, Json]) -> dict[str, str]:
        """Values of secret inputs, looked up at the last moment; those the code can do without may be missing."""
        values: dict[str, str] = {}
        for name, one in hidden.items():
            try:
                values[name] = self._secret(referenced_secret(given.get(name)) or name, project)
            except NotFound:
                if one.required:
                    raise
        return values

    def fingerprint(self, task: TaskRun, outputs: Mapping[str, Mapping[str, Json]]) -> str | None:
        """A SHA-256 of what decides a task's outputs; None for one that takes secrets, whose values may change.

        Raises
        ------
        BadInput
            If its inputs cannot be found out.
        NotFound, Unavailable
            From the registry.
        """
        block = self.block(task)
        return _fingerprint(block, self.inputs(task, block, outputs))


def _fingerprint(block: Block, inputs: Mapping[str, Json]) -> str | None:
    """A SHA-256, in hexadecimal, of a block's digest and input values, whatever their order."""
    if any(one.secret for one in block.spec.inputs):
        return None
    document: Any = {"block": block.digest, "inputs": dict(inputs)}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
