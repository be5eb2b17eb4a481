"""A secret reaches the code that needs it, and nothing that is kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest_road import Road, holding, write_notebook

from lentiq_jupyter.errors import BadInput, SecretFound
from lentiq_jupyter.model import Input, PublishRequest, Reporter, TaskState, Verdict

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
    assert holding(process_road.home, "DOOR_TOKEN") != []
    assert holding(process_road.home.parent, VALUE) == []


def test_plain_value_for_a_secret_input_is_refused(process_road: Road, door: str) -> None:
    with pytest.raises(BadInput, match=r"DOOR_TOKEN: is secret, so it takes no value. Write \$\{\{ secrets.NAME"):
        process_road.workspace.run_block(door, {"DOOR_TOKEN": VALUE})


def test_literal_secret_becomes_an_input_of_the_block(process_road: Road, tmp_path: Path) -> None:
    token = "ghp_" + "aB3" * 12
    cells = [(None, f"token = '{token}'"), (None, "from lentiq_jupyter import output\noutput('length', len(token))")]
    path = write_notebook(tmp_path / "literal.ipynb", cells)
    with pytest.raises(SecretFound, match="--secret token"):
        process_road.workspace.publish(PublishRequest(path=str(path)), Reporter())
    result = process_road.workspace.publish(PublishRequest(path=str(path), secrets=("token",)), Reporter())
    assert (result.block.verification.verdict, result.block.spec.inputs[0].secret) == (Verdict.IMPORT, True)
    process_road.workspace.set_secret("token", "another one")
    run = process_road.workspace.run_block(result.block.reference, {})
    process_road.scheduler()
    assert process_road.ended(run.id).tasks[0].outputs == {"length": len("another one")}
    process_road.workspace.remove_secret("token")
