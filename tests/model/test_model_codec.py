"""Records survive JSON; faults are listed all at once and say where."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lentiq_jupyter import errors
from lentiq_jupyter.errors import BadInput, Invalid
from lentiq_jupyter.model import (
    Resources,
    Run,
    RunState,
    Schedule,
    Task,
    TaskRun,
    TaskState,
    Workflow,
    decode,
    encode,
)

names = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
tasks = st.builds(
    Task,
    name=names,
    block=names,
    version=st.none() | st.just("3"),
    inputs=st.dictionaries(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), documents, max_size=3),
    resources=st.builds(Resources, cpu_millicores=st.integers(1, 10**5), memory_bytes=st.integers(1, 2**45)),
    after=st.lists(names, max_size=2).map(tuple),
)
schedules = st.builds(
    Schedule,
    start=st.datetimes(timezones=st.just(UTC)),
    timezone=st.sampled_from(["UTC", "Europe/Bucharest"]),
    every=st.none() | st.just("1d"),
)
workflows = st.builds(
    Workflow,
    name=names,
    project=names,
    tasks=st.lists(tasks, max_size=3).map(tuple),
    schedule=st.none() | schedules,
    description=st.text(max_size=30),
)


@given(workflows)
def test_workflow_survives_json(workflow: Workflow) -> None:
    assert decode(Workflow, json.loads(json.dumps(encode(workflow)))) == workflow


def test_run_survives_json() -> None:
    task = Task(name="a", block="b", version="1")
    now = datetime(2026, 3, 29, 3, 0, tzinfo=UTC)
    run = Run(
        id="r1",
        workflow=Workflow(name="w", project="p", tasks=(task,)),
        state=RunState.RUNNING,
        created_at=now,
        tasks=(TaskRun(run_id="r1", task=task, state=TaskState.RUNNING, started_at=now),),
    )
    assert decode(Run, encode(run)) == run


def test_all_faults_are_reported_with_their_place() -> None:
    document = {
        "name": "w",
        "tasks": [{"name": "a", "block": "b", "inptus": {}, "resources": {"cpu_millicores": "2", "memory_bytes": 1}}],
        "schedule": {"start": "2026-12-01T02:00"},
    }
    with pytest.raises(Invalid) as caught:
        decode(Workflow, document)
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "project",
        "tasks[0].inptus",
        "tasks[0].resources.cpu_millicores",
        "schedule.start",
    ]


@given(documents)
def test_any_other_document_is_refused_with_reasons(document: object) -> None:
    with pytest.raises(Invalid) as caught:
        decode(Workflow, document)
    assert caught.value.faults


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a--b", "a" * 51, "ä", "a/b", "a b", "../a", "a\n"])
def test_names_that_would_need_escaping_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        Task(name=name, block="b")


@pytest.mark.parametrize("name", errors.__all__)
def test_errors_survive_pickling(name: str) -> None:
    error = getattr(errors, name)("What is wrong.", hint="Do this.")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.hint) == (str(error), "Do this.")
