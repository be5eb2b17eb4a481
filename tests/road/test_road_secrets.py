"""A secret reaches the code that needs it, and nothing that is kept."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest_road import Road, write_notebook

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.model import Input, PublishRequest, Reporter, TaskState

pytestmark = [pytest.mark.network, pytest.mark.slow]
VALUE = "open-sesame-4711"
CELLS = [
    (None, "import os\ntoken = os.environ['DOOR_TOKEN']"),
    (None, "print('the token is', token)\ntoken"),
    (None, "from lentiq_jupyter import output\noutput('length', len(token))\noutput('leak', token)"),
]


@pytest.fixture(scope="module")
def door(process_road: Road, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = write_notebook(tmp_path_factory.mktemp("door") / "door.ipynb", CELLS)
    request = PublishRequest(
        path=str(path), verify=False, inputs=(Input(name="DOOR_TOKEN", required=True, secret=True),)
    )
    return process_road.workspace.publish(request, Reporter()).block.reference


def test_task_without_its_secret_fails_with_the_command_to_set_it(process_road: Road, door: str) -> None:
    run = process_road.workspace.run_block(door, {})
    process_road.scheduler()
    task = process_road.ended(run.id).tasks[0]
    assert task.state is TaskState.FAILED
    assert task.reason.endswith("Set it with: lentiq secret set DOOR_TOKEN")
    assert task.started_at is None


def test_secret_reaches_the_kernel_and_stands_nowhere(process_road: Road, door: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "lentiq_jupyter.cli", "secret", "set", "DOOR_TOKEN"],
        env=process_road.environment, input=VALUE, text=True, check=True,
    )  # fmt: skip
    assert process_road.json("secret", "list") == {"project": "default", "secrets": ["DOOR_TOKEN"]}
    run = process_road.workspace.run_block(door, {})
    process_road.scheduler()
    task = process_road.ended(run.id).tasks[0]
    assert (task.state, task.outputs) == (TaskState.SUCCEEDED, {"length": len(VALUE), "leak": "***"})
    assert "the token is ***" in process_road.workspace.log(run.id, task.task.name)
    process_road.lentiq("secret", "remove", "DOOR_TOKEN")
    holding = [
        one
        for one in process_road.home.parent.rglob("*")
        if one.is_file() and not one.is_symlink() and VALUE.encode() in one.read_bytes()
    ]
    assert holding == []


def test_plain_value_for_a_secret_input_is_refused(process_road: Road, door: str) -> None:
    with pytest.raises(BadInput, match=r"DOOR_TOKEN: is secret, so it takes no value. Write \$\{\{ secrets.NAME"):
        process_road.workspace.run_block(door, {"DOOR_TOKEN": VALUE})
