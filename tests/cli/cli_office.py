"""The fake service of the faces, with a scheduler that moves runs one step at each look."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from fake_service import LOG, NOW, FakeService

from lentiq_jupyter.errors import NotFound
from lentiq_jupyter.model import (
    Json,
    Progress,
    PublishRequest,
    PublishResult,
    Reporter,
    Run,
    TaskRun,
    TaskState,
    Workflow,
    run_state,
)
from lentiq_jupyter.workspace.pruning import Pruned, Pruning


class Office(FakeService):
    """`end` is the state in which tasks end; `interrupt` raises Ctrl-C at that look (counted from 1, 0: never)."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.home = home
        self.end = TaskState.SUCCEEDED
        self.interrupt = 0
        self.looks = 0
        self.scheduled = False
        self.problems: tuple[str, ...] = ()
        self.woken = threading.Event()
        self.active = False
        self.turned_s = 0.0

    def status(self) -> dict[str, Json]:
        return {**super().status(), "home": str(self.home)}

    @contextmanager
    def ensure_scheduler(self) -> Iterator[bool]:
        self.scheduled = True
        yield True
        self.scheduled = False

    def scheduler(self) -> Office:
        return self

    def run_forever(self, stop: threading.Event) -> None:
        self.asked.append(("run_forever", None))
        self.woken.wait(20)
        self.asked.append(("stopped", stop.is_set()))

    def wake(self) -> None:
        self.woken.set()

    def build_context(self, reference: str, folder: Path) -> None:
        self.block(reference)
        folder.mkdir()
        (folder / "Dockerfile").write_text("FROM python:3.11-slim\n")

    def log(self, run_id: str, task: str, offset: int = 0) -> str:
        return LOG.encode()[offset:].decode()

    def prune(self, *, dry_run: bool = False, keep_days: float | None = None, docker: bool = False) -> Pruning:
        self.asked.append(("prune", (dry_run, keep_days, docker)))
        kinds = (
            Pruned(kind="packed layers", count=2, bytes_before=30_000_000, bytes_freed=10_500_000),
            Pruned(kind="unpacked blocks", count=0, bytes_before=2000, bytes_freed=0, left=("One is in use.",)),
        )
        return Pruning(dry_run=dry_run, kinds=kinds, problems=self.problems)

    def dockerfile(self, reference: str) -> str:
        return "FROM python:3.11-slim\n"

    def results(self, one: TaskRun) -> Path:
        return self.home / "runs" / one.run_id / one.task.name

    def notebook(self, run_id: str, task: str) -> bytes:
        found = [one for one in self.run(run_id).tasks if one.task.name == task]
        if not found:
            raise NotFound(f"Run {run_id} has no task {task}.", "See its tasks.")
        body = super().notebook(run_id, task)
        self.results(found[0]).mkdir(parents=True, exist_ok=True)
        (self.results(found[0]) / "notebook.ipynb").write_bytes(body)
        return body

    def publish(self, request: PublishRequest, report: Reporter) -> PublishResult:
        result = super().publish(dataclasses.replace(request, name=request.name or Path(request.path).stem), report)
        return dataclasses.replace(result, notes=("unchanged: version 2 is the same",))

    def save_workflow(self, workflow: Workflow) -> Workflow:
        saved = super().save_workflow(workflow)
        if self.scheduled and saved.schedule and saved.schedule.start < NOW + timedelta(days=36500) and not self.made:
            self.start_workflow(saved.name, saved.project)
        return saved

    def run(self, run_id: str) -> Run:
        found = super().run(run_id)
        if self.scheduled:
            self.looks += 1
            if self.looks == self.interrupt:
                raise KeyboardInterrupt
            if not found.state.ended:
                tasks = tuple(self._moved(one) for one in found.tasks)
                began = tasks[0].started_at
                ended = NOW + timedelta(seconds=9) if all(one.state.ended for one in tasks) else None
                found = dataclasses.replace(
                    found, tasks=tasks, state=run_state(tasks), started_at=began, ended_at=ended
                )
                self.made[run_id] = found
        return found

    def _moved(self, one: TaskRun) -> TaskRun:
        if one.state is TaskState.PENDING and not one.reason:
            return dataclasses.replace(one, reason="needs 1 CPU; free 500m CPU; held by other")
        if one.state is TaskState.PENDING:
            return dataclasses.replace(one, state=TaskState.RUNNING, reason="", started_at=NOW)
        if one.state is TaskState.RUNNING and one.progress is None:
            return dataclasses.replace(one, progress=Progress(done=1, total=2))
        failed = self.end is TaskState.FAILED
        return dataclasses.replace(
            one,
            state=self.end,
            reason="cell 2 raised ValueError" if failed else "",
            outputs=None if failed else {"total": 6},
            ended_at=NOW + timedelta(seconds=3),
        )


__all__ = ["LOG", "NOW", "Office"]
