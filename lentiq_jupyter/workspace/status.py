"""What is up, what is not, and what to do: each part is asked, and what one does not answer keeps no other unasked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from .. import __version__
from ..errors import LentiqError
from ..interfaces import Store
from ..model import Json, Run, TaskRun, TaskState
from ..scheduler import LEASE
from ..scheduler.notices import pending_since, span
from .figures import since_renewal_s
from .logs import without_passwords
from .parts import Parts

T = TypeVar("T")

TTL_TICKS = 1.5
"""How many ticks a scheduler's lease lives without being renewed."""
_LATE_TICKS = 3.0
_FREE_BYTES = 2**30
# A name that nothing has: asking for it costs as little as can be.
_NOBODY = "lentiq-status"
_PROBE_S = 5.0


class Look:
    """One look at the parts of a workspace; `problems` are the sentences it found."""

    def __init__(self, parts: Parts, now: datetime) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._now = now
        self.problems: list[str] = []

    def document(self) -> dict[str, Json]:
        """What `Service.status` gives."""
        settings = self._settings
        store = self._ask(lambda: self._parts.store)
        active = [] if store is None else self._ask(lambda: store.runs(active=True)) or []
        found: dict[str, Json] = {
            "version": __version__,
            "home": str(settings.folder),
            "author": settings.author,
            "database": self._ask(lambda: without_passwords(settings.database_url)) or "",
            "registry": settings.registry_location,
            "executor": settings.executor,
            "scheduler": None,
            "late_s": None,
            "tasks": {},
        }
        if store is not None:
            found.update(self._ask(lambda: self._scheduler(store)) or {})
            found["tasks"] = self._ask(lambda: _counts(store)) or {}
        found["pending"] = self._pending(active)
        self._ask(lambda: self._parts.registry.tags(_NOBODY))
        used = {settings.executor, *(run.executor for run in active)}
        found["executors"] = self._executors(used)
        found["isolation"] = {name: how for name, how in _isolation().items() if name in used}
        found["notify"] = self._ask(self._channels) or []
        self._disk()
        found["problems"] = list(self.problems)
        return found

    def _ask(self, question: Callable[[], T]) -> T | None:
        """The answer; None, and a problem, if there is none."""
        try:
            return question()
        except LentiqError as error:
            sentence = without_passwords(str(error))
            if sentence not in self.problems:
                self.problems.append(sentence)
            return None

    def _scheduler(self, store: Store) -> dict[str, Json]:
        lease = store.lease(LEASE)
        if lease is None:
            self.problems.append("No scheduler runs. Start one with: lentiq scheduler")
            return {}
        holder, expiry = lease
        late_s = since_renewal_s(expiry, self._now, TTL_TICKS * self._settings.tick_s)
        if expiry <= self._now:
            self.problems.append(
                f"The scheduler {holder} has not been heard of for {span(late_s)}. "
                "If none stands by, start one with: lentiq scheduler"
            )
            return {"late_s": round(late_s, 1)}
        for workflow, due in store.due(self._now, 10):
            late = self._now - due
            if late <= timedelta(seconds=_LATE_TICKS * self._settings.tick_s):
                break
            if not store.has_active_run(workflow.project, workflow.name):
                self.problems.append(
                    f"Workflow {workflow.name} of project {workflow.project} was due {span(late.total_seconds())} ago "
                    "and has not been started. See the scheduler's log."
                )
        return {"scheduler": holder, "late_s": round(late_s, 1)}

    def _pending(self, active: list[Run]) -> Json:
        """The task that waits longest for resources, and for what."""
        waiting = [(pending_since(one, run), run, one) for run in active for one in run.tasks if _waits(one, self._now)]
        if not waiting:
            return None
        since, run, one = min(waiting, key=lambda item: item[0])
        waited_s = (self._now - since).total_seconds()
        if waited_s > self._settings.notify_pending_s:
            self.problems.append(
                f"Task {one.label} of run {run.id} ({run.workflow.name}) has been PENDING for {span(waited_s)}: "
                f"{one.reason or 'its turn has not come'}."
            )
        return {
            "run": run.id,
            "task": one.label,
            "workflow": run.workflow.name,
            "project": run.workflow.project,
            "since": since.isoformat(),
            "reason": one.reason,
        }

    def _executors(self, names: set[str]) -> dict[str, object]:
        """Whether those that are used answer."""
        executors: Mapping[str, object] = self._parts.executors
        found: dict[str, object] = {}
        for name in sorted(names):
            if name not in executors:
                self.problems.append(f"Runs use the executor {name}, which is not known here.")
                found[name] = "unknown"
                continue
            before = len(self.problems)
            self._ask(lambda name=name: self._parts.executors[name].inspect(_NOBODY))  # type: ignore[misc]
            found[name] = "up" if len(self.problems) == before else "down"
        return found

    def _channels(self) -> list[object]:
        from .notifying import check_channels

        channels = self._settings.channels
        self.problems += check_channels(channels)
        return [f"{one.shown}: {', '.join(sorted(one.events))}" for one in channels]

    def _disk(self) -> None:
        folder = next(one for one in (self._settings.folder, *self._settings.folder.parents) if one.is_dir())
        free = shutil.disk_usage(folder).free
        if free < _FREE_BYTES:
            self.problems.append(f"Only {free / 2**20:.0f} MiB are free for {folder}. Free some with: lentiq prune")


def _counts(store: Store) -> dict[str, object]:
    counts: dict[str, dict[str, int]] = {}
    for (project, state), number in sorted(store.count_tasks().items()):
        counts.setdefault(project, {})[str(state)] = number
    return {project: dict(states) for project, states in counts.items()}


def _isolation() -> dict[str, object]:
    """What keeps tasks apart, by executor: ``namespaces``, ``none``, ``containers``."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    command = ["unshare", *user, "--mount", "--pid", "--fork", "--mount-proc", "true"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_PROBE_S)
        process = "namespaces" if done.returncode == 0 else "none"
    except FileNotFoundError:
        process = "unknown"
    except (OSError, subprocess.TimeoutExpired):
        process = "none"
    return {"process": process, "docker": "containers"}


def _waits(one: TaskRun, now: datetime) -> bool:
    return one.state is TaskState.PENDING and (one.not_before is None or one.not_before <= now)
