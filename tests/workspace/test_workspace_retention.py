"""Old runs go, with their results and the executors' records, in an order that survives a crash anywhere."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lentiq_jupyter.errors import Unavailable
from lentiq_jupyter.model import (
    Execution,
    ExecutionState,
    Project,
    Resources,
    Run,
    RunState,
    Task,
    TaskRun,
    TaskState,
    Workflow,
)
from lentiq_jupyter.scratch import Swept
from lentiq_jupyter.store import SqlStore, open_store
from lentiq_jupyter.workspace import Workspace, load_settings
from lentiq_jupyter.workspace.retention import sweep_records, sweep_runs

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
TASK = Task(name="train", block="work", version="1")


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


class Records:
    """What an executor remembers, and whether it answers."""

    def __init__(self) -> None:
        self.known: dict[str, Execution] = {}
        self.off = False

    def add(self, name: str, ended: datetime | None, state: ExecutionState = ExecutionState.SUCCEEDED) -> None:
        self.known[name] = Execution(name=name, state=state, ended_at=ended)

    def find(self, pool: str) -> dict[str, Execution]:
        if self.off:
            raise Unavailable("The engine is off.")
        return dict(self.known)

    def remove(self, name: str) -> None:
        if self.off:
            raise Unavailable("The engine is off.")
        self.known.pop(name, None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/lentiq.db")
    opened.save_project(Project(name="default", quota=Resources(cpu_millicores=1000, memory_bytes=2**30)))
    yield opened
    opened.close()


class House:
    """A store with runs, an executor with records, a folder with results."""

    def __init__(self, store: SqlStore, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.records = Records()

    def run(self, run_id: str, days: float, *, reused_from: str | None = None, workflow: str = "nightly") -> str:
        """A run that ended so many days ago; returns its job's name."""
        one = TaskRun(run_id=run_id, task=TASK, state=TaskState.PENDING)
        made = Run(
            id=run_id,
            workflow=Workflow(name=workflow, project="default", tasks=(TASK,)),
            state=RunState.PENDING,
            created_at=ago(days),
            tasks=(one,),
            executor="recording",
        )
        assert self.store.create_run(made)
        ended = dataclasses.replace(one, state=TaskState.SUCCEEDED, reused_from=reused_from, ended_at=ago(days))
        assert self.store.move_tasks([(one, ended)])
        assert self.store.move_run(run_id, RunState.PENDING, RunState.SUCCEEDED, at=ago(days))
        self.records.add(one.job_name, ago(days))
        results = self.folder / run_id / "train-1"
        results.mkdir(parents=True)
        (results / "log.txt").write_bytes(os.urandom(5000))
        return one.job_name

    def saved(self, workflow: str = "nightly") -> None:
        self.store.save_workflow(Workflow(name=workflow, project="default", tasks=(TASK,)), None, NOW)

    def sweep(self, keep_days: float = 90, keep_runs: int = 0, **words: object) -> Swept:
        return sweep_runs(
            self.store,
            {"recording": self.records},  # type: ignore[dict-item]
            self.folder,
            NOW,
            keep_days=keep_days,
            keep_runs=keep_runs,
            **words,  # type: ignore[arg-type]
        )

    @property
    def left(self) -> tuple[list[str], list[str], list[str]]:
        """Runs in the store, folders, and runs that the executor knows."""
        folders = sorted(one.name for one in self.folder.iterdir()) if self.folder.is_dir() else []
        return sorted(one.id for one in self.store.runs()), folders, sorted(n.split("-")[1] for n in self.records.known)


@pytest.fixture
def house(store: SqlStore, tmp_path: Path) -> House:
    return House(store, tmp_path / "runs")


def test_run_goes_with_its_folder_and_records_when_it_is_old(house: House) -> None:
    house.run("old", 91)
    house.run("young", 89)
    assert house.left == (["old", "young"],) * 3
    gone = house.sweep()
    assert (gone.count, gone.left) == (1, ())
    assert gone.freed >= 5000
    assert house.left == (["young"],) * 3


def test_dry_run_measures_and_changes_nothing(house: House) -> None:
    house.run("old", 91)
    would = house.sweep(dry_run=True)
    assert house.left == (["old"],) * 3
    assert house.sweep() == would


def test_zero_days_keep_all_for_ever(house: House) -> None:
    house.run("old", 9999)
    assert house.sweep(keep_days=0) == Swept()
    assert house.left == (["old"],) * 3


def test_newest_of_each_workflow_stay_however_old(house: House) -> None:
    house.saved()
    house.saved("weekly")
    for number in range(4):
        house.run(f"n{number}", 200 - number)
    house.run("w0", 300, workflow="weekly")
    house.sweep(keep_runs=2)
    assert house.left == (["n2", "n3", "w0"],) * 3


def test_active_run_stays(house: House) -> None:
    house.run("old", 91)
    one = TaskRun(run_id="active", task=TASK, state=TaskState.PENDING)
    workflow = Workflow(name="nightly", project="default", tasks=(TASK,))
    house.store.create_run(
        Run(id="active", workflow=workflow, state=RunState.PENDING, created_at=ago(400), tasks=(one,))
    )
    house.sweep()
    assert house.left[0] == ["active"]


def test_run_stays_whose_result_a_kept_run_has(house: House) -> None:
    given = house.run("giver", 200)
    house.run("taker", 10, reused_from=given)
    house.run("other", 200)
    house.sweep()
    assert house.left == (["giver", "taker"],) * 3


def test_giver_and_taker_go_together_when_both_are_old(house: House) -> None:
    given = house.run("giver", 200)
    house.run("taker", 150, reused_from=given)
    house.sweep()
    assert house.left == ([], [], [])


def test_run_that_stays_for_another_keeps_what_it_has_taken_itself(house: House) -> None:
    first = house.run("first", 300)
    second = house.run("second", 200, reused_from=first)
    house.run("third", 10, reused_from=second)
    house.sweep()
    assert house.left == (["first", "second", "third"],) * 3


def test_work_of_one_call_is_bounded(house: House) -> None:
    for number in range(5):
        house.run(f"r{number}", 200 - number)
    assert house.sweep(limit=2).count == 2
    assert house.left[0] == ["r2", "r3", "r4"]
    asked = iter([False, True])
    assert house.sweep(stop=lambda: next(asked)).count == 1
    assert house.left == (["r3", "r4"],) * 3


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", range(1, 7))
def test_killed_anywhere_the_next_call_finishes(house: House, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    for number in range(2):
        house.run(f"r{number}", 200 - number)
    steps = iter(range(1, 99))

    def dies(inner: object) -> object:
        def stepped(*words: object, **named: object) -> object:
            if next(steps) == step:
                raise Killed
            return inner(*words, **named)  # type: ignore[operator]

        return stepped

    monkeypatch.setattr(house.records, "remove", dies(house.records.remove))
    monkeypatch.setattr(house.store, "delete_runs", dies(house.store.delete_runs))
    monkeypatch.setattr("shutil.rmtree", dies(__import__("shutil").rmtree))
    with pytest.raises(Killed):
        house.sweep()
    monkeypatch.undo()
    runs, folders, _ = house.left
    assert {one for one in folders if not one.startswith(".gone-")} <= set(runs), "no folder without its row"
    house.sweep()
    assert house.left == ([], [], [])


def test_folder_that_cannot_be_removed_keeps_its_row(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run("old", 91)
    monkeypatch.setattr(Path, "rename", lambda self, to: (_ for _ in ()).throw(PermissionError(13, "not permitted")))
    gone = house.sweep()
    assert gone.left == (f"{house.folder / 'old'} cannot be removed (not permitted).",)
    assert house.left[0] == ["old"]


def test_engine_that_is_off_keeps_no_run(house: House) -> None:
    house.run("old", 91)
    house.records.off = True
    house.sweep()
    assert house.left == ([], [], ["old"])
    house.records.off = False
    assert sweep_records(house.store, {"recording": house.records}, NOW, pool="p") == 1  # type: ignore[dict-item]
    assert house.left == ([], [], [])


def test_records_go_a_day_after_the_end_but_not_those_of_active_runs(house: House) -> None:
    house.run("young", 0.9)
    house.run("old", 1.1)
    house.records.add("lentiq-unknown-x-1", ago(5))
    house.records.add("lentiq-busy-x-1", None, ExecutionState.RUNNING)
    # It ended long ago and no scheduler was there to take it in.
    one = TaskRun(run_id="late", task=TASK, state=TaskState.RUNNING)
    house.store.create_run(
        Run(
            id="late",
            workflow=Workflow(name="late", project="default", tasks=(TASK,)),
            state=RunState.RUNNING,
            created_at=ago(9),
            tasks=(one,),
        )
    )
    house.records.add(one.job_name, ago(8))
    executors = {"off": Records(), "recording": house.records}
    executors["off"].off = True
    assert sweep_records(house.store, executors, NOW, pool="p") == 2  # type: ignore[arg-type]
    assert house.left[2] == ["busy", "late", "young"]
    assert house.left[0] == ["late", "old", "young"], "rows stay"


def test_prune_frees_old_runs_and_shows_their_size(tmp_path: Path) -> None:
    workspace = Workspace(load_settings(home=str(tmp_path / "home"), registry=str(tmp_path / "registry")))
    kinds = {one.kind: one for one in workspace.prune(dry_run=True).kinds}
    assert (kinds["runs"].count, kinds["runs"].bytes_before) == (0, 0)
    house = House(workspace.store, tmp_path / "home" / "runs")  # type: ignore[arg-type]
    house.run("old", (NOW - datetime.now(UTC)).days + 400)
    workspace.settings.keep_runs = 0
    would, done = ({one.kind: one for one in workspace.prune(dry_run=dry).kinds}["runs"] for dry in (True, False))
    assert would == done
    assert (done.count, done.bytes_after < done.bytes_before) == (1, True)
    assert house.left[:2] == ([], [])
    workspace.close()
