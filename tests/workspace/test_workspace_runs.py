"""Starts with other inputs, backfills, runs again from what failed, what tasks left: on a real store."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lentiq_jupyter.errors import BadInput, Conflict, Invalid, NotFound
from lentiq_jupyter.interfaces import LOG_CHUNK_BYTES
from lentiq_jupyter.model import (
    LABEL_BASE_LAYERS,
    LABEL_SPEC,
    BlockSpec,
    Descriptor,
    Image,
    Input,
    InputType,
    Json,
    Output,
    RequestedStart,
    Resources,
    Run,
    RunState,
    Schedule,
    Task,
    TaskRun,
    TaskState,
    When,
    Workflow,
    encode,
    run_state,
)
from lentiq_jupyter.workspace import Settings, Workspace, workflow_cases

NOW = datetime(2026, 12, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SPEC = BlockSpec(
    name="count",
    notebook="count.ipynb",
    inputs=(
        Input(name="rows", type=InputType.INT, default=3),
        Input(name="name", default="x"),
        Input(name="key", secret=True, required=True),
    ),
    outputs=(Output(name="total"),),
)
KEY: dict[str, Json] = {"key": "${{ secrets.KEY }}"}


def task(name: str, **more: object) -> Task:
    return Task(name=name, block="count", **{"inputs": dict(KEY), **more})  # type: ignore[arg-type]


@pytest.fixture
def told() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def workspace(tmp_path: Path, told: list[tuple[str, str, str]]) -> Iterator[Workspace]:
    made = Workspace(
        Settings(home=str(tmp_path / "home"), author="ana"), clock=lambda: NOW, notify=lambda *words: told.append(words)
    )
    labels = {LABEL_SPEC: json.dumps(encode(SPEC)), LABEL_BASE_LAYERS: "0"}
    config = json.dumps({"config": {"Labels": labels}}).encode()
    digest = "sha256:" + hashlib.sha256(config).hexdigest()
    made.registry.put_blob(SPEC.name, config, digest)
    described = Descriptor(media_type="application/vnd.oci.image.config.v1+json", digest=digest, size=len(config))
    image = Image(
        repository=SPEC.name, config=described, layers=(), base_layers=0, complete=True, bytes_sent=0, bytes_total=0
    )
    made.catalogue.register(image, SPEC, author="ana")
    yield made
    made.close()


def save(workspace: Workspace, *tasks: Task, schedule: Schedule | None = None) -> Workflow:
    return workspace.save_workflow(Workflow(name="nightly", project="default", tasks=tasks, schedule=schedule))


def end(workspace: Workspace, run: Run, *tasks: TaskRun) -> Run:
    """Bring a run to its end with these task runs, as a scheduler would, step by step."""
    old = {(one.task.name, one.item, one.attempt): one for one in run.tasks}
    moves: list[tuple[TaskRun, TaskRun]] = []
    for one in tasks:
        before = old.get((one.task.name, one.item, one.attempt))
        if before is not None and before.state is not one.state:
            for state in (TaskState.PENDING, TaskState.STARTING, TaskState.RUNNING):
                if one.state not in (TaskState.SKIPPED, TaskState.CANCELLED) and not one.is_group:
                    step = dataclasses.replace(before, state=state)
                    moves.append((before, step))
                    before = step
            moves.append((before, one))
    new = [one for one in tasks if (one.task.name, one.item, one.attempt) not in old]
    assert workspace.store.move_tasks(moves, new=new)
    state = run_state(workspace.store.run(run.id).tasks)
    assert workspace.store.move_run(run.id, RunState.PENDING, state, at=NOW)
    return workspace.run(run.id)


def fate(run: Run, name: str, state: TaskState, **more: object) -> TaskRun:
    """A task run of that run, ended."""
    words: dict[str, object] = {"started_at": NOW, "ended_at": NOW + timedelta(seconds=10), **more}
    return TaskRun(run_id=run.id, task=run.workflow.task(name), state=state, **words)  # type: ignore[arg-type]


# ---- inputs for one run ----------------------------------------------------------------------------------------------


def test_inputs_of_a_start_are_for_that_run_alone(workspace: Workspace) -> None:
    save(workspace, task("clean", inputs={**KEY, "rows": 1}), task("train"))
    run = workspace.start_workflow("nightly", inputs={"clean": {"name": "y"}, "train": {"rows": 9}})
    assert [one.task.inputs for one in run.tasks] == [{**KEY, "rows": 1, "name": "y"}, {**KEY, "rows": 9}]
    assert workspace.run(run.id) == run
    assert [one.inputs for one in workspace.workflow("nightly").tasks] == [{**KEY, "rows": 1}, KEY]


def test_inputs_that_do_not_fit_are_all_said_and_nothing_starts(workspace: Workspace) -> None:
    save(workspace, task("clean"), task("train"))
    inputs: dict[str, dict[str, Json]] = {
        "claen": {"rows": 1},
        "clean": {"rwos": 1, "name": 3},
        "train": {"key": "plain", "rows": "${{ tasks.clean.outputs.totl }}"},
    }
    with pytest.raises(Invalid) as caught:
        workspace.start_workflow("nightly", inputs=inputs)
    assert [fault.partition(": ")[0] for fault in caught.value.faults] == [
        "tasks.claen",
        "tasks.clean.inputs.rwos",
        "tasks.clean.inputs.name",
        "tasks.train.inputs.key",
        "tasks.train.inputs.rows",
    ]
    assert [fault.rpartition("Did you mean ")[2] for fault in caught.value.faults[:2]] == ["clean?", "rows?"]
    assert workspace.runs() == []


# ---- backfill --------------------------------------------------------------------------------------------------------


def daily(workspace: Workspace, **more: object) -> Workflow:
    return save(workspace, task("clean"), schedule=Schedule(start=NOW - 5 * DAY, every="1d", **more))  # type: ignore[arg-type]


def dues(starts: list[RequestedStart]) -> list[datetime]:
    return [one.due_at for one in starts]


def test_check_says_what_a_change_of_the_clocks_does_to_each_start(workspace: Workspace) -> None:
    start = datetime(2027, 3, 26, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    schedule = Schedule(start=start, timezone="Europe/Berlin", every="1d")
    saved = save(workspace, task("clean"), schedule=schedule)
    check = workspace.check_workflow(saved)
    assert [one.strftime("%d %H:%M %z") for one in check.next_starts[1:4]] == [
        "27 02:30 +0100",
        "28 03:30 +0200",
        "29 02:30 +0200",
    ]
    assert check.clock_changes == ("", "", "02:30 does not exist that day", *[""] * 7)


def test_backfill_asks_for_each_start_once(workspace: Workspace, told: list[tuple[str, str, str]]) -> None:
    daily(workspace)
    workspace.pause_workflow("nightly")
    workspace.pause_workflow("nightly", paused=False)
    shown = workspace.backfill_workflow("nightly", first=NOW - 3 * DAY, last=NOW - DAY, preview=True)
    assert workspace.requested_starts("nightly") == []
    asked = workspace.backfill_workflow("nightly", first=NOW - 3 * DAY, last=NOW - DAY)
    assert (
        shown
        == asked
        == [
            RequestedStart(
                project="default", workflow="nightly", due_at=NOW - days * DAY, requested_at=NOW, author="ana"
            )
            for days in (3, 2, 1)
        ]
    )
    assert told[-1] == ("workflows", "nightly", "backfill")
    assert workspace.requested_starts("nightly") == asked
    more = workspace.backfill_workflow("nightly", first=NOW - 30 * DAY, last=NOW - 2 * DAY)
    assert dues(more) == [NOW - 5 * DAY, NOW - 4 * DAY]
    assert workspace.withdraw_backfill("nightly") == 5
    assert workspace.requested_starts("nightly") == []


def test_backfill_leaves_out_what_has_run_but_not_what_was_held_back(workspace: Workspace) -> None:
    saved = daily(workspace)
    workspace.pause_workflow("nightly")
    for days, state in ((4, RunState.FAILED), (3, RunState.SKIPPED), (2, RunState.SUCCEEDED)):
        run = Run(id=f"r{days}", workflow=saved, state=state, created_at=NOW, due_at=NOW - days * DAY)
        assert workspace.store.create_run(run)
    assert dues(workspace.backfill_workflow("nightly", first=NOW - 4 * DAY, last=NOW)) == [
        NOW - 3 * DAY,
        NOW - DAY,
        NOW,
    ]


def test_backfill_finds_answered_starts_however_many_runs_came_after(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow_cases, "WINDOW", 1)
    saved = daily(workspace)
    workspace.pause_workflow("nightly")
    for number in range(9):
        due = NOW - 4 * DAY if number == 0 else None
        created = NOW - 4 * DAY + timedelta(hours=number)
        run = Run(id=f"r{number}", workflow=saved, state=RunState.SUCCEEDED, created_at=created, due_at=due)
        assert workspace.store.create_run(run)
    found = workspace.backfill_workflow("nightly", first=NOW - 5 * DAY, last=NOW - 3 * DAY)
    assert dues(found) == [NOW - 5 * DAY, NOW - 3 * DAY]


def test_backfill_leaves_what_is_due_or_to_come_to_the_schedule(workspace: Workspace) -> None:
    daily(workspace)  # its first start is due, and has not happened yet
    assert workspace.backfill_workflow("nightly", first=NOW - 9 * DAY, last=NOW + 9 * DAY) == []
    workspace.pause_workflow("nightly")
    found = workspace.backfill_workflow("nightly", first=NOW - 9 * DAY, last=NOW + 9 * DAY)
    assert dues(found) == [NOW - days * DAY for days in (5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("first", "last"),
    [(NOW, NOW - DAY), (datetime(2026, 12, 1), NOW), (NOW - 10**4 * DAY, NOW)],
)
def test_backfill_of_no_sensible_time_is_refused(workspace: Workspace, first: datetime, last: datetime) -> None:
    save(workspace, task("clean"), schedule=Schedule(start=NOW - 10**4 * DAY, every="1d"))
    with pytest.raises(BadInput):
        workspace.backfill_workflow("nightly", first=first, last=last)
    assert workspace.requested_starts("nightly") == []


def test_backfill_needs_a_schedule_and_a_workflow(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        workspace.backfill_workflow("nightly", first=NOW, last=NOW)
    with pytest.raises(NotFound):
        workspace.withdraw_backfill("nightly")
    with pytest.raises(NotFound):
        workspace.requested_starts("nightly")
    save(workspace, task("clean"))
    with pytest.raises(BadInput, match="has no schedule"):
        workspace.backfill_workflow("nightly", first=NOW, last=NOW)


def test_deleted_workflow_takes_its_requested_starts_along(workspace: Workspace) -> None:
    daily(workspace)
    workspace.pause_workflow("nightly")
    assert workspace.backfill_workflow("nightly", first=NOW - 3 * DAY, last=NOW)
    workspace.delete_workflow("nightly")
    daily(workspace)
    assert workspace.requested_starts("nightly") == []


# ---- run again -------------------------------------------------------------------------------------------------------


def test_rerun_from_failed_keeps_what_had_succeeded_and_all_before_it(workspace: Workspace) -> None:
    save(
        workspace,
        task("load"),
        task("clean", after=("load",)),
        task("train", after=("clean",)),
        task("report", after=("train",), when=When.ALWAYS),
        task("alarm", after=("load",), when=When.ON_FAILURE),
        task("tidy", after=("alarm",), when=When.ALWAYS),
    )
    run = workspace.start_workflow("nightly")
    load = fate(run, "load", TaskState.SUCCEEDED, outputs={"total": 1}, inputs={"rows": 3}, fingerprint="f" * 64)
    failed = end(
        workspace,
        run,
        load,
        fate(run, "clean", TaskState.FAILED),
        fate(run, "clean", TaskState.SUCCEEDED, attempt=2, outputs={"total": 2}),
        fate(run, "train", TaskState.FAILED),
        fate(run, "report", TaskState.SUCCEEDED),
        fate(run, "alarm", TaskState.SKIPPED),
        fate(run, "tidy", TaskState.SUCCEEDED),
    )
    assert failed.state is RunState.FAILED
    again = workspace.rerun(run.id, from_failed=True)
    assert (again.rerun_of, again.state, again.workflow) == (run.id, RunState.PENDING, run.workflow)
    kept = {one.task.name: one for one in again.tasks}
    assert {name: one.state for name, one in kept.items()} == {
        "load": TaskState.SUCCEEDED,
        "clean": TaskState.SUCCEEDED,
        "train": TaskState.WAITING,
        "report": TaskState.WAITING,
        "alarm": TaskState.WAITING,
        "tidy": TaskState.SUCCEEDED,
    }
    assert kept["load"] == TaskRun(
        run_id=again.id,
        task=load.task,
        state=TaskState.SUCCEEDED,
        inputs={"rows": 3},
        outputs={"total": 1},
        reused_from=load.job_name,
    )
    assert kept["clean"].reused_from == f"lentiq-{run.id}-clean-2"
    assert workspace.run(again.id) == again


def test_rerun_of_a_rerun_points_at_the_execution_itself(workspace: Workspace) -> None:
    save(workspace, task("load"), task("clean", after=("load",)))
    first = workspace.start_workflow("nightly")
    end(workspace, first, fate(first, "load", TaskState.SUCCEEDED), fate(first, "clean", TaskState.FAILED))
    second = workspace.rerun(first.id, from_failed=True)
    end(workspace, second, fate(second, "clean", TaskState.LOST))
    third = workspace.rerun(second.id, from_failed=True)
    assert third.tasks[0].reused_from == f"lentiq-{first.id}-load-1"
    assert third.rerun_of == second.id


def test_foreach_is_kept_with_all_its_items_or_done_again_for_all(workspace: Workspace) -> None:
    save(workspace, task("each", foreach=[1, 2]), task("every", foreach=[1, 2]))
    run = workspace.start_workflow("nightly")
    end(
        workspace,
        run,
        fate(run, "each", TaskState.SUCCEEDED, outputs={"total": [1, 2]}),
        fate(run, "each", TaskState.SUCCEEDED, item=0, outputs={"total": 1}),
        fate(run, "each", TaskState.SUCCEEDED, item=1, outputs={"total": 2}),
        fate(run, "every", TaskState.FAILED),
        fate(run, "every", TaskState.SUCCEEDED, item=0),
        fate(run, "every", TaskState.FAILED, item=1),
    )
    again = workspace.rerun(run.id, from_failed=True)
    assert [(one.label, one.state, one.reused_from) for one in again.tasks] == [
        ("each", TaskState.SUCCEEDED, f"lentiq-{run.id}-each-1"),
        ("each.0", TaskState.SUCCEEDED, f"lentiq-{run.id}-each.0-1"),
        ("each.1", TaskState.SUCCEEDED, f"lentiq-{run.id}-each.1-1"),
        ("every", TaskState.WAITING, None),
    ]


def test_rerun_from_failed_needs_an_ended_run_that_failed(workspace: Workspace) -> None:
    save(workspace, task("load"))
    run = workspace.start_workflow("nightly")
    with pytest.raises(Conflict, match="has not ended"):
        workspace.rerun(run.id, from_failed=True)
    end(workspace, run, fate(run, "load", TaskState.SUCCEEDED))
    with pytest.raises(Conflict, match="did not fail; it is SUCCEEDED"):
        workspace.rerun(run.id, from_failed=True)
    whole = workspace.rerun(run.id)
    assert (whole.rerun_of, [one.state for one in whole.tasks]) == (None, [TaskState.WAITING])
    with pytest.raises(Conflict, match="has a run that is pending or running"):
        workspace.rerun(run.id)


def test_rerun_stands_for_the_same_time(workspace: Workspace) -> None:
    saved = daily(workspace)
    run = Run(id="r1", workflow=saved, state=RunState.FAILED, created_at=NOW, due_at=NOW - DAY)
    assert workspace.store.create_run(run)
    assert workspace.rerun("r1").due_at == NOW - DAY


# ---- cancel ----------------------------------------------------------------------------------------------------------


def test_task_is_cancelled_with_the_run_going_on(workspace: Workspace, told: list[tuple[str, str, str]]) -> None:
    save(workspace, task("load"), task("clean"))
    run = workspace.start_workflow("nightly")
    found = workspace.cancel_run(run.id, "load")
    assert [(one.task.name, one.cancel_requested) for one in found.tasks] == [("load", True), ("clean", False)]
    assert not found.cancel_requested
    assert told[-1] == ("run", run.id, "cancelling")
    with pytest.raises(NotFound):
        workspace.cancel_run(run.id, "laod")
    assert workspace.cancel_run(run.id).cancel_requested


# ---- what tasks left -------------------------------------------------------------------------------------------------


def left(workspace: Workspace, one: TaskRun, log: bytes, notebook: bytes = b"{}") -> None:
    folder = workspace.results(one)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_bytes(log)
    (folder / "notebook.ipynb").write_bytes(notebook)


def test_logs_and_notebooks_are_found_by_label_and_attempt(workspace: Workspace, tmp_path: Path) -> None:
    save(workspace, task("load"), task("each", foreach=[1, 2]))
    run = workspace.start_workflow("nightly")
    ended = end(
        workspace,
        run,
        fate(run, "load", TaskState.FAILED),
        fate(run, "load", TaskState.FAILED, attempt=2),
        fate(run, "each", TaskState.SUCCEEDED),
        fate(run, "each", TaskState.SUCCEEDED, item=0),
        fate(run, "each", TaskState.SUCCEEDED, item=1),
    )
    for one in ended.tasks:
        if not one.is_group:
            left(workspace, one, one.job_name.encode(), one.job_name.encode())
    assert workspace.results(ended.tasks[1]) == tmp_path / "home" / "runs" / run.id / "load-2"
    for address, label in {
        "load": "load-2",
        "load@1": "load-1",
        "load@2": "load-2",
        "each.1": "each.1-1",
        "each.0@1": "each.0-1",
    }.items():
        assert workspace.log(run.id, address) == f"lentiq-{run.id}-{label}"
        assert workspace.notebook(run.id, address) == f"lentiq-{run.id}-{label}".encode()


@pytest.mark.parametrize(
    ("address", "kind", "text"),
    [
        ("laod", NotFound, "has no task laod. Its tasks: load, each."),
        ("load@3", NotFound, "has no attempt 3. Its attempts: 1."),
        ("each.7", NotFound, "has no task each.7."),
        ("each", NotFound, "runs once for each item of a list. It has no items yet; it is WAITING."),
        ("../load", BadInput, "'../load' names no task."),
        ("load@x", BadInput, "names no task."),
    ],
)
def test_address_of_no_task_is_refused(workspace: Workspace, address: str, kind: type[Exception], text: str) -> None:
    save(workspace, task("load"), task("each", foreach=[1, 2]))
    run = workspace.start_workflow("nightly")
    for read in (workspace.log, workspace.notebook):
        with pytest.raises(kind) as caught:
            read(run.id, address)
        assert text in str(caught.value)


def test_kept_result_shows_log_and_notebook_of_its_execution(workspace: Workspace) -> None:
    save(workspace, task("load"), task("clean", after=("load",)))
    run = workspace.start_workflow("nightly")
    ended = end(workspace, run, fate(run, "load", TaskState.SUCCEEDED), fate(run, "clean", TaskState.FAILED))
    left(workspace, ended.tasks[0], b"then\n", b"{1}")
    again = workspace.rerun(run.id, from_failed=True)
    assert workspace.log(again.id, "load") == "then\n"
    assert workspace.notebook(again.id, "load") == b"{1}"
    assert workspace.results(again.tasks[0]) == workspace.results(ended.tasks[0])
    assert workspace.store.delete_runs([run.id]) == 1
    with pytest.raises(NotFound, match=f"took its result from run {run.id}, which is not kept any more"):
        workspace.log(again.id, "load")


def test_log_comes_in_pieces_whose_offsets_hold_for_any_bytes(workspace: Workspace) -> None:
    save(workspace, task("load"))
    run = workspace.start_workflow("nightly")
    (one,) = end(workspace, run, fate(run, "load", TaskState.FAILED)).tasks
    whole = "ț".encode() * (LOG_CHUNK_BYTES // 2) + b"a" + "ț€😀".encode() + b"\xff\xfe end \xe2\x82"
    left(workspace, one, whole)
    pieces: list[str] = []
    while text := workspace.log(run.id, "load", sum(len(piece.encode()) for piece in pieces)):
        pieces.append(text)
    assert len(pieces) == 2
    assert "".join(pieces) == "ț" * (LOG_CHUNK_BYTES // 2) + "aț€😀?? end ??"
    assert sum(len(piece.encode()) for piece in pieces) == len(whole)


def test_resources_are_proposed_from_what_past_runs_used(workspace: Workspace) -> None:
    save(workspace, task("load"))
    assert workspace.propose_resources("count") is None
    run = workspace.start_workflow("nightly")
    end(workspace, run, fate(run, "load", TaskState.SUCCEEDED, cpu_s=2.0, peak_memory_bytes=100 * 2**20))
    assert workspace.propose_resources("count@1") == Resources(cpu_millicores=200, memory_bytes=128 * 2**20)
    with pytest.raises(NotFound):
        workspace.propose_resources("none")


def test_task_is_told_which_start_its_run_answers(workspace: Workspace) -> None:
    daily(workspace)
    run = workspace.start_workflow("nightly")
    assert workspace._environment(run, run.tasks[0]) == {
        "LENTIQ_PROJECT": "default",
        "LENTIQ_WORKFLOW": "nightly",
        "LENTIQ_RUN_ID": run.id,
        "LENTIQ_TASK": "clean",
    }
    due = dataclasses.replace(run, due_at=NOW)
    assert workspace._environment(due, run.tasks[0])["LENTIQ_DUE_AT"] == "2026-12-10T12:00:00+00:00"
