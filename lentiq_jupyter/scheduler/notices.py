"""What people are told of a run: which events there are, when one has happened, and in which words.

Pure: who is told, and by what way, is not known here. What has been told is remembered in the task runs
themselves (`TaskRun.warned_at`), so that the next scheduler neither forgets nor repeats it.
"""

from __future__ import annotations

from datetime import datetime

from ..model import Run, RunState, StrEnum, TaskRun, TaskState, newest, record

_LISTED = 5
_LONGEST = 1000


class Event(StrEnum):
    """FAILED and SUCCEEDED: a run ended so. PENDING: a task has waited long. SLOW: it has run longer than it said."""

    FAILED = "failed"
    SUCCEEDED = "succeeded"
    PENDING = "pending"
    SLOW = "slow"


_ENDS = {RunState.FAILED: Event.FAILED, RunState.SUCCEEDED: Event.SUCCEEDED}


@record
class Notice:
    """One thing to tell, in words. `id` is the same whenever the same thing is told again; `task` "" for a whole run.

    `title` is one line, `text` plain text of several.
    """

    id: str
    event: Event
    project: str
    workflow: str
    run_id: str
    task: str
    title: str
    text: str


def to_tell(before: Run | None, after: Run, now: datetime, *, pending_s: float) -> list[tuple[Event, TaskRun | None]]:
    """What has happened to a run that somebody may want to know, and the task it happened to (None: the run).

    Parameters
    ----------
    before : Run or None
        As it was when this was last asked; None if it never was.
    pending_s : float
        Seconds after which a task that is PENDING is worth a word.

    Returns
    -------
    list
        A task is named at every call until its `warned_at` says that it was told; of the items and attempts
        of one task, one stands for all.
    """
    ended = _ENDS.get(after.state)
    if ended is not None:
        return [] if before is not None and before.state.ended else [(ended, None)]
    return [] if after.state.ended else _overdue(after, now, pending_s)


def _overdue(run: Run, now: datetime, pending_s: float) -> list[tuple[Event, TaskRun | None]]:
    told = {(_told(one), one.task.name) for one in run.tasks}
    found: dict[tuple[Event, str], tuple[datetime, TaskRun]] = {}
    for one in newest(run.tasks):
        event, since, limit_s = None, None, one.task.warn_after_s
        if one.state is TaskState.PENDING:
            event, since, limit_s = Event.PENDING, pending_since(one, run), pending_s
        elif one.state is TaskState.RUNNING and not one.is_group:
            event, since = Event.SLOW, one.started_at
        if event is None or since is None or limit_s is None or (now - since).total_seconds() < limit_s:
            continue
        key = (event, one.task.name)
        if key not in told and (key not in found or since < found[key][0]):
            found[key] = (since, one)
    return [(event, one) for (event, _), (_, one) in found.items()]


def _told(one: TaskRun) -> Event | None:
    """What has been told of a task of a run that goes on."""
    if one.warned_at is None:
        return None
    return Event.SLOW if one.started_at is not None and one.warned_at >= one.started_at else Event.PENDING


def pending_since(one: TaskRun, run: Run) -> datetime:
    """Since when a PENDING task waits for room: not for its retry's time, which nobody holds back."""
    ready = one.ready_at or run.created_at
    return ready if one.not_before is None else max(ready, one.not_before)


def end_told(run: Run) -> bool:
    """Whether the end of a run has been told: one of its task runs says so since."""
    return run.ended_at is not None and any(
        one.warned_at is not None and one.warned_at >= run.ended_at for one in run.tasks
    )


def notice(event: Event, run: Run, task: TaskRun | None, now: datetime, *, public_url: str = "") -> Notice:
    """An event in words: what, where, why, in numbers, and how to see more.

    `public_url` is the Jupyter server's address as people reach it, "" where there is none.
    """
    name = run.workflow.name
    if task is None:
        title = f"{name} {event}"
        bad = [one for one in newest(run.tasks) if one.state in (TaskState.FAILED, TaskState.LOST) and not one.is_group]
        if bad:
            title += f" at {bad[0].label}" + (f" and {len(bad) - 1} more" if len(bad) > 1 else "")
        lines = _of_run(event, run, bad)
        shown = bad[0] if bad else None
        key = f"{run.id}:{event}"
    else:
        waits = event is Event.PENDING
        title = f"{name}: {task.label} {'waits' if waits else 'runs'} for long"
        lines = _of_task(event, run, task, now)
        shown = None if waits else task
        key = f"{run.id}:{task.label}@{task.attempt}:{event}"
    lines += ["", *_ways(run, shown, public_url), "", f"Notice {key}"]
    return Notice(
        id=key,
        event=event,
        project=run.workflow.project,
        workflow=name,
        run_id=run.id,
        task="" if task is None else task.label,
        title=_plain(title),
        text="\n".join(lines),
    )


def _of_run(event: Event, run: Run, bad: list[TaskRun]) -> list[str]:
    due = f", due {run.due_at:%Y-%m-%d %H:%M} UTC" if run.due_at else ""
    lines = [f"Run {run.id} of workflow {run.workflow.name} in project {run.workflow.project} {event}{due}."]
    if run.started_at and run.ended_at:
        lines[0] += f" It took {span((run.ended_at - run.started_at).total_seconds())}."
    counts: dict[TaskState, int] = {}
    for one in newest(run.tasks):
        if not one.is_group:
            counts[one.state] = counts.get(one.state, 0) + 1
    lines.append("Tasks: " + (", ".join(f"{count} {state}" for state, count in counts.items()) or "none") + ".")
    if run.reason and not bad:
        lines.append(_plain(run.reason))
    for one in bad[:_LISTED]:
        lines += ["", _of_failed(one)]
    if len(bad) > _LISTED:
        lines += ["", f"… and {len(bad) - _LISTED} more."]
    return lines


def _of_failed(one: TaskRun) -> str:
    block = f"{one.task.block}@{one.task.version}"
    attempts = f", attempt {one.attempt} of {one.task.retries + 1}" if one.task.retries else ""
    why = _plain(one.reason) or "no reason is known; see its log"
    cause = f" [{one.cause}]" if one.cause else ""
    return f"{one.label} ({block}) {one.state}{attempts}\n  {why}{cause}\n  {_numbers(one)}".rstrip()


def _numbers(one: TaskRun) -> str:
    parts = []
    if one.started_at and one.ended_at:
        parts.append(f"ran {span((one.ended_at - one.started_at).total_seconds())}")
    if one.progress is not None:
        parts.append(f"{one.progress.done} of {one.progress.total} cells")
    if one.exit_code is not None:
        parts.append(f"exit code {one.exit_code}")
    if one.peak_memory_bytes is not None:
        asked = one.task.resources.memory_bytes
        parts.append(f"peak memory {_size(one.peak_memory_bytes)} of {_size(asked)}")
    if one.cpu_s is not None:
        parts.append(f"{span(one.cpu_s)} of CPU")
    return ", ".join(parts)


def _of_task(event: Event, run: Run, one: TaskRun, now: datetime) -> list[str]:
    where = f"of run {run.id}, workflow {run.workflow.name} in project {run.workflow.project},"
    if event is Event.PENDING:
        waited = span((now - pending_since(one, run)).total_seconds())
        why = _plain(one.reason) or "its turn has not come"
        return [f"Task {one.label} {where} has been PENDING for {waited}.", f"It asks for {one.task.resources}.", why]
    ran = span((now - one.started_at).total_seconds()) if one.started_at else "long"
    warn = f"; a word was asked for after {span(one.task.warn_after_s)}" if one.task.warn_after_s else ""
    lines = [f"Task {one.label} {where} has been running for {ran}{warn}. It goes on."]
    return lines + [line for line in (_numbers(one),) if line]


def _ways(run: Run, one: TaskRun | None, public_url: str) -> list[str]:
    lines = [f"lentiq runs show {run.id}"]
    if one is not None:
        lines.append(f"lentiq runs logs {run.id} {one.label}")
    if public_url:
        address = f"{public_url.rstrip('/')}/lentiq/runs/{run.id}"
        lines.append(f"{address}/tasks/{one.label}/notebook" if one is not None else address)
    return lines


def _plain(text: str) -> str:
    """On one line, without control characters: a mail's header and a terminal take it."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def span(seconds: float) -> str:
    """``3.2 s``, ``4 min``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 60:
        return f"{max(0.0, seconds):.1f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    return _pair(minutes, 60, "h", "min") if minutes < 2880 else _pair(minutes // 60, 24, "d", "h")


def _pair(amount: int, base: int, large: str, small: str) -> str:
    rest = amount % base
    return f"{amount // base} {large}" + (f" {rest} {small}" if rest else "")


def _size(size_bytes: int) -> str:
    """``510 MiB``, ``1.5 GiB``: three digits."""
    size, unit = float(size_bytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1000:
            break
        size, unit = size / 1024, larger
    return f"{size:.3g} {unit}"
