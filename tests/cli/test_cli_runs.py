"""How runs with attempts, items, waits and earlier results are shown, followed and acted on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cli_office import NOW, Office
from click.testing import Result
from fake_service import BLOCK, WORKFLOW

from lentiq_jupyter.cli import run_text, timeline
from lentiq_jupyter.cli.follow import changes
from lentiq_jupyter.cli.log_lines import LogLines
from lentiq_jupyter.errors import NotFound
from lentiq_jupyter.model import (
    Cause,
    Resources,
    Run,
    RunState,
    Task,
    TaskRun,
    TaskState,
    Workflow,
    run_state,
)

Lentiq = Callable[..., Result]
CLEAN = Task(name="clean", block="clean-sales", version="2")
TRAIN = Task(name="train", block="train-model", version="1", foreach=["a", "b"], retries=1)


def at(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


def task_run(task: Task, state: TaskState, **more: object) -> TaskRun:
    return TaskRun(run_id="r1", task=task, state=state, **more)  # type: ignore[arg-type]


def run_of(*tasks: TaskRun, **more: object) -> Run:
    workflow = Workflow(
        name="nightly", project="default", tasks=tuple({one.task.name: one.task for one in tasks}.values())
    )
    return Run(id="r1", workflow=workflow, state=run_state(tasks), created_at=NOW, tasks=tasks, **more)  # type: ignore[arg-type]


RETRIED = run_of(
    task_run(
        CLEAN,
        TaskState.FAILED,
        ready_at=at(0),
        started_at=at(1),
        ended_at=at(3),
        exit_code=1,
        cause=Cause.CELL_FAILED,
        reason="cell 4 raised ValueError",
    ),
    task_run(
        CLEAN,
        TaskState.SUCCEEDED,
        attempt=2,
        ready_at=at(3),
        started_at=at(5),
        ended_at=at(7),
        cpu_s=1.0,
        peak_memory_bytes=50_000_000,
        outputs={"total": 6},
    ),
    task_run(TRAIN, TaskState.RUNNING, ready_at=at(7), started_at=at(7)),
    task_run(TRAIN, TaskState.SUCCEEDED, item=0, ready_at=at(7), started_at=at(8), ended_at=at(10), cpu_s=4.0),
    task_run(TRAIN, TaskState.LOST, item=1, ready_at=at(7), started_at=at(7), ended_at=at(9), reason="found gone"),
    task_run(TRAIN, TaskState.PENDING, item=1, attempt=2, ready_at=at(9), reason="needs 1 CPU; free 0"),
    started_at=at(1),
)


def test_run_shows_attempts_items_causes_waits_and_what_was_used() -> None:
    proposals = {"clean-sales@2": Resources(cpu_millicores=500, memory_bytes=2**28)}
    assert run_text.run(RETRIED, proposals).split("\n\n", 1)[1] == (
        "clean (clean-sales@2): SUCCEEDED after 2.0 s, attempt 2, peak 50.0 MB\n"
        "  attempt 1: FAILED after 2.0 s, exit code 1, cell failed: cell 4 raised ValueError\n"
        "  asked for 500m CPU, 1Gi; used 500m CPU on average, 50.0 MB at most\n"
        "  past runs suggest 500m CPU, 256Mi; see: lentiq block resources clean-sales@2\n"
        "  output total = 6\n"
        "\n"
        "train (train-model@1): RUNNING 1 of 2 done\n"
        "  asked for 500m CPU, 1Gi; used 2 CPU on average"
    )


def test_many_items_are_counted_and_only_those_that_tell_something_are_listed() -> None:
    items = [
        task_run(TRAIN, TaskState.FAILED if number < 12 else TaskState.SUCCEEDED, item=number, reason="no")
        for number in range(100)
    ]
    run = run_of(task_run(TRAIN, TaskState.FAILED, reason="12 items failed"), *items)
    lines = run_text.run(run).splitlines()
    begin = lines.index("train (train-model@1): FAILED 88 of 100 done, 12 failed: 12 items failed")
    assert lines[begin + 1 :] == [*(f"  train.{number}: FAILED: no" for number in range(10)), "  and 2 more"]
    assert run_text.why(run) == "train.0: no"


def test_request_near_what_runs_used_is_not_remarked_on() -> None:
    asked = Resources(cpu_millicores=500, memory_bytes=2**30)
    near = Resources(cpu_millicores=300, memory_bytes=700 * 2**20)
    assert not run_text.differs_much(asked, near)
    assert run_text.differs_much(asked, dataclasses.replace(near, cpu_millicores=1000))


def test_repeated_run_says_whose_results_it_took() -> None:
    run = run_of(
        task_run(CLEAN, TaskState.SUCCEEDED, reused_from="lentiq-r0-clean-1"),
        task_run(dataclasses.replace(TRAIN, foreach=None), TaskState.WAITING),
        rerun_of="r0",
    )
    shown = run_text.run(run)
    assert "repeats   what failed in run r0\n" in shown
    assert "clean (clean-sales@2): SUCCEEDED result of lentiq-r0-clean-1\n" in shown


def test_timeline_draws_waits_and_work() -> None:
    assert timeline.chart(RETRIED, at(10), 58) == (
        "run r1 of nightly: RUNNING\n"
        "           0                       10.0 s\n"
        "clean      ░░░██████                       FAILED 2.0 s\n"
        "clean@2             ░░░░░░██████           SUCCEEDED 2.0 s\n"
        "train      ·····················█████████  RUNNING 3.0 s\n"
        "train.0    ·····················░░░██████  SUCCEEDED 2.0 s\n"
        "train.1    ·····················██████     LOST 2.0 s\n"
        "train.1@2                             ░░░  PENDING\n"
        "· waits for tasks before it   ░ waits for resources   █ runs"
    )


def test_timeline_as_json_has_the_seconds_of_each_phase(lentiq: Lentiq, office: Office) -> None:
    ended = (*RETRIED.tasks[:2], *RETRIED.tasks[3:5])
    office.made["r1"] = run_of(*ended, ended_at=at(10))
    found = json.loads(lentiq("runs", "timeline", "r1", "--json").stdout)
    assert [
        (one["label"], one["attempt"], one["waiting_s"], one["pending_s"], one["running_s"]) for one in found["tasks"]
    ] == [("clean", 1, 0, 1, 2), ("clean", 2, 0, 2, 2), ("train.0", 1, 7, 1, 2), ("train.1", 1, 7, 0, 2)]
    assert found["tasks"][0]["started_at"] == "2026-12-01T02:00:01+00:00"
    assert lentiq("runs", "timeline", "r1").stdout.startswith("run r1 of nightly: FAILED\n")


def test_task_that_ran_for_a_moment_is_seen_and_one_that_did_not_has_no_bar() -> None:
    run = run_of(
        task_run(CLEAN, TaskState.SUCCEEDED, ready_at=at(0), started_at=at(0), ended_at=at(0.01)),
        task_run(dataclasses.replace(TRAIN, foreach=None), TaskState.SUCCEEDED, reused_from="lentiq-r0-train-1"),
        ended_at=at(100),
    )
    lines = timeline.chart(run, at(100), 60).splitlines()
    assert [line.split() for line in lines[2:4]] == [
        ["clean", "█", "SUCCEEDED", "0.0", "s"],
        ["train", "SUCCEEDED", "(earlier", "result)"],
    ]


def test_items_are_counted_while_a_run_is_followed() -> None:
    before = run_of(task_run(TRAIN, TaskState.RUNNING), *(task_run(TRAIN, TaskState.RUNNING, item=n) for n in range(3)))
    after = run_of(
        task_run(TRAIN, TaskState.RUNNING),
        task_run(TRAIN, TaskState.SUCCEEDED, item=0),
        task_run(TRAIN, TaskState.FAILED, item=1, reason="no"),
        task_run(TRAIN, TaskState.RUNNING, item=2),
        task_run(TRAIN, TaskState.PENDING, item=1, attempt=2),
    )
    assert changes(None, before) == ["run r1 of nightly: RUNNING", "  train: RUNNING"]
    assert changes(before, after) == ["  train: 1 of 3 done, 1 running", "  train.1: FAILED (no)"]
    assert changes(after, after) == []


class Logs(Office):
    """Gives the bytes of `texts` by address, at most five at once, as a service gives a long log in pieces."""

    texts: dict[str, str] = {}  # noqa: RUF012

    def log(self, run_id: str, task: str, offset: int = 0) -> str:
        self.asked.append(("log", (task, offset)))
        if task not in self.texts:
            raise NotFound(f"No log of {task}.", "Look elsewhere.")
        whole = self.texts[task].encode()[offset : offset + 5]
        return whole.decode(errors="ignore")


@pytest.fixture
def office(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Logs:
    from lentiq_jupyter.cli import follow

    monkeypatch.setattr(follow, "POLL_S", 0.001)
    return Logs(tmp_path / "home")


def test_logs_of_any_length_are_read_in_pieces_without_loss(lentiq: Lentiq, office: Logs) -> None:
    office.made["r1"] = run_of(task_run(CLEAN, TaskState.FAILED), task_run(CLEAN, TaskState.SUCCEEDED, attempt=2))
    office.texts = {"clean@1": "ăîșțâ first\nlast", "clean@2": "second\n"}
    assert lentiq("runs", "logs", "r1").stdout == "ăîșțâ first\nlast\nsecond\n"
    assert lentiq("runs", "logs", "r1", "clean@1").stdout == "ăîșțâ first\nlast\n"
    assert lentiq("runs", "logs", "r1", "clean").stdout == "ăîșțâ first\nlast\nsecond\n"
    assert lentiq("runs", "logs", "r1", "--follow").stdout == "ăîșțâ first\nlast\nsecond\n"


def test_logs_of_items_begin_with_their_labels(lentiq: Lentiq, office: Logs) -> None:
    office.made["r1"] = dataclasses.replace(RETRIED, state=RunState.FAILED)
    office.texts = {"clean@1": "c\n", "clean@2": "d\n", "train.0@1": "a\n", "train.1@1": "b\n"}
    assert lentiq("runs", "logs", "r1", "train").stdout == "train.0 | a\ntrain.1 | b\n"
    assert lentiq("runs", "logs", "r1", "train.1").stdout == "b\n"
    assert lentiq("runs", "logs", "r1").stdout == "clean | c\nclean | d\ntrain.0 | a\ntrain.1 | b\n"
    assert "Its tasks: clean, train." in lentiq("runs", "logs", "r1", "train.7", code=3).stderr


def test_result_of_an_earlier_run_shows_its_log_only_when_named(lentiq: Lentiq, office: Logs) -> None:
    reused = task_run(CLEAN, TaskState.SUCCEEDED, reused_from="lentiq-r0-clean-1")
    office.made["r1"] = run_of(reused)
    office.texts = {"clean@1": "then\n"}
    assert lentiq("runs", "logs", "r1").stdout == ""
    assert lentiq("runs", "logs", "r1", "clean").stdout == "then\n"
    office.texts = {}
    assert lentiq("runs", "logs", "r1", "clean").stderr == "No log of clean@1. Look elsewhere.\n"


def test_following_a_log_reads_each_byte_once_and_ends_with_the_task(lentiq: Lentiq, office: Logs) -> None:
    steps = [
        ("one\ntw", TaskState.RUNNING),
        ("one\ntwo\nth", TaskState.RUNNING),
        ("one\ntwo\nthree", TaskState.SUCCEEDED),
    ]

    def run(run_id: str) -> Run:
        text, state = steps[0] if len(steps) == 1 else steps.pop(0)
        office.texts = {"clean@1": text}
        return run_of(task_run(CLEAN, state), task_run(TRAIN, TaskState.WAITING))

    office.run = run  # type: ignore[method-assign]
    assert lentiq("runs", "logs", "r1", "clean", "--follow").stdout == "one\ntwo\nthree\n"
    offsets = [asked[1] for name, asked in office.asked if name == "log"]
    assert offsets == sorted(offsets)
    assert offsets[-1] == len("one\ntwo\nthree")


def test_ended_logs_are_not_asked_for_again(office: Logs) -> None:
    office.texts = {"clean@1": "x\n"}
    said: list[str] = []
    lines = LogLines(office, said.append, said.append)
    run = run_of(task_run(CLEAN, TaskState.SUCCEEDED))
    lines.read(run)
    count = len(office.asked)
    lines.read(run)
    assert (said, len(office.asked)) == (["x"], count)


def test_task_of_a_run_is_cancelled(lentiq: Lentiq, office: Office) -> None:
    office.made["r1"] = RETRIED
    assert lentiq("runs", "cancel", "r1", "train").stdout == "Task train of run r1 is being cancelled.\n"
    assert office.asked[-1] == ("cancel_run", ("r1", "train"))
    assert lentiq("runs", "cancel", "r1").stdout == "Run r1 has ended: CANCELLED.\n"


def test_run_is_repeated_from_what_failed(lentiq: Lentiq, office: Office) -> None:
    office.made["r1"] = RETRIED
    assert "Run r1 has not ended" in lentiq("runs", "rerun", "r1", "--from-failed", code=4).stderr
    office.finish("r1", RunState.FAILED)
    assert lentiq("runs", "rerun", "r1", "--from-failed").stdout.startswith("Started run r2.")
    assert office.made["r2"].rerun_of == "r1"


def test_runs_are_listed_by_state(lentiq: Lentiq, office: Office) -> None:
    for number, state in enumerate(("FAILED", "SUCCEEDED", "FAILED", "SKIPPED"), start=1):
        office.made[f"r{number}"] = dataclasses.replace(RETRIED, id=f"r{number}", state=RunState(state))
    words = ("runs", "list", "--state", "failed", "--state", "SKIPPED", "--limit", "2", "--json")
    assert [one["id"] for one in json.loads(lentiq(*words).stdout)] == ["r4", "r3"]
    assert office.asked[-1] == ("runs", (None, None, 1000))
    assert "See all with" in lentiq("runs", "list", "--state", "PENDING").stdout


def test_workflow_starts_with_inputs_for_this_run(lentiq: Lentiq, office: Office) -> None:
    office.saved["default", "nightly"] = WORKFLOW
    lentiq("workflow", "start", "nightly", "-i", "clean.limit=7", "-i", "clean.fast=yes")
    assert office.asked == [("start_workflow", {"clean": {"limit": 7, "fast": True}})]
    assert office.made["r1"].workflow.tasks[0].inputs == {"limit": 7, "fast": True}


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("limit=7", "'limit=7' is not task.input=value. Write for example -i clean.country=RO."),
        ("claen.limit=7", "Workflow nightly has no task claen. Did you mean clean?"),
        ("train.limit=7", "Workflow nightly has no task train. Its tasks: clean."),
        ("clean.limt=7", "Block clean-sales has no input limt. Did you mean limit?"),
        ("clean.limit=many", "Input limit takes int, not 'many'. Correct the value."),
    ],
)
def test_wrong_input_of_a_task_is_refused(lentiq: Lentiq, office: Office, word: str, sentence: str) -> None:
    office.saved["default", "nightly"] = WORKFLOW
    assert lentiq("workflow", "start", "nightly", "-i", word, code=2).stderr == f"lentiq: {sentence}\n"
    assert office.made == {}


def test_block_says_what_past_runs_suggest(lentiq: Lentiq) -> None:
    assert lentiq("block", "resources", "clean-sales").stdout == (
        "clean-sales@2 asks for 500m CPU, 1Gi unless a task says otherwise.\nPast runs suggest 200m CPU, 256Mi.\n"
    )
    assert "No run of it was measured yet." in lentiq("block", "resources", "clean-sales@1").stdout
    assert json.loads(lentiq("block", "resources", "clean-sales@1", "--json").stdout) == {
        "block": "clean-sales@1",
        "asked": {"cpu_millicores": 500, "memory_bytes": 2**30},
        "proposed": None,
    }
    assert BLOCK.spec.resources == Resources(cpu_millicores=500, memory_bytes=2**30)


def test_project_shows_its_queue_and_that_it_is_over_its_quota(lentiq: Lentiq, office: Office, monkeypatch) -> None:
    running = task_run(CLEAN, TaskState.RUNNING)
    office.made["r1"] = run_of(running, *RETRIED.tasks[2:])
    shown = lentiq("project", "show", "default").stdout
    assert shown == (
        "project default\nquota   2 CPU, 2Gi\nused    500m CPU, 1Gi\n"
        "  500m CPU, 1Gi  clean of nightly, run r1\n"
        "queue   1 waiting\n"
        "  500m CPU, 1Gi  train.1 of nightly, run r1: needs 1 CPU; free 0\n"
    )
    over = [{"project": office.projects()[0]["project"], "used": {"cpu_millicores": 3000, "memory_bytes": 1}}]
    monkeypatch.setattr(office, "projects", lambda: over)
    assert "        more than the quota: nothing is stopped" in lentiq("project", "show", "default").stdout
    found = json.loads(lentiq("project", "show", "default", "--json").stdout)
    assert [one["task"] for one in found["holding"]] == ["clean"]
    assert [(one["task"], one["reason"]) for one in found["queue"]] == [("train.1", "needs 1 CPU; free 0")]
