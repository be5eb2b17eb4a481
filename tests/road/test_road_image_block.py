"""Image blocks and notebook blocks in one workflow: the same tasks, values flowing both ways."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner
from conftest_road import Road, holding, wait_for

from lentiq_jupyter.cli import app
from lentiq_jupyter.magics.magic import LentiqMagic
from lentiq_jupyter.model import ImageRequest, Output, Run, RunState, Task, TaskState, Workflow, format_memory
from lentiq_jupyter.panels import BlockPanel, WorkflowPanel
from lentiq_jupyter.registry import DistributionRegistry

pytestmark = [pytest.mark.docker, pytest.mark.registry, pytest.mark.network, pytest.mark.slow]
HOSTILE = "; rm -rf / $(id) 'q' \"dq\" --flag\nsecond line"
SECRET = "open-sesame-4711"


@pytest.fixture(autouse=True)
def leave_no_containers(docker_road: Road) -> Iterator[None]:
    yield
    for run in docker_road.workspace.runs():
        for one in run.tasks:
            docker_road.workspace.executors["docker"].remove(one.job_name)


@pytest.fixture
def make(docker_road: Road, registry_host: str) -> Callable[..., str]:
    """Make a block of busybox with the command line; its reference."""

    def made(*words: str) -> str:
        image = f"{registry_host}/library/busybox"
        command = ["block", "from-image", "--json", image, *words]
        done = CliRunner().invoke(app, command, obj=docker_road.workspace, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        shown = json.loads(done.stdout)
        return f"{shown['spec']['name']}@{shown['version']}"

    return made


def task(name: str, reference: str, /, **inputs: object) -> Task:
    block, _, version = reference.partition("@")
    return Task(name=name, block=block, version=version, inputs=inputs)  # type: ignore[arg-type]


def ended(road: Road, run: Run) -> dict[str, tuple[TaskState, object]]:
    """State and outputs of each task, the reason where it failed."""
    with road.workspace.ensure_scheduler():
        tasks = road.ended(run.id).tasks
    return {one.task.name: (one.state, one.outputs or one.reason) for one in tasks}


def test_values_flow_between_notebooks_and_images(docker_road: Road, make: Callable[..., str]) -> None:
    count = make(
        "--name", "count", "--input", "text", "--input", "least:int=2",
        "--output", "rows", "--output", "note=/tmp/note", "--output", "code=exit-code",
        "--", "sh", "-c", 'printf %s "$2" | wc -l > $LENTIQ_RESULTS/rows; printf %s "$2" > /tmp/note; exit $1',
        "count", "${{ inputs.least }}", "${{ inputs.text }}",
    )  # fmt: skip
    shout = make(
        "--name", "shout", "--input", "text", "--input", "total:int", "--output", "text=/out",
        "--", "sh", "-c", 'echo "$TEXT!" | tr a-z A-Z > /out; echo "$TOTAL" >> /out',
    )  # fmt: skip
    workflow = Workflow(
        name="mixed",
        project="default",
        tasks=(
            task("first", count, text=HOSTILE),
            task("middle", "sleeper@1", rows="${{ tasks.first.outputs.code }}", name="${{ tasks.first.outputs.note }}"),
            task("last", shout, text="${{ tasks.middle.outputs.greeting }}", total="${{ tasks.middle.outputs.total }}"),
        ),
    )
    docker_road.workspace.save_workflow(workflow)
    run = docker_road.workspace.start_workflow("mixed")
    assert ended(docker_road, run) == {
        "first": (TaskState.SUCCEEDED, {"rows": 1, "note": HOSTILE, "code": 2}),
        "middle": (TaskState.SUCCEEDED, {"total": 4, "greeting": f"hello {HOSTILE}"}),
        "last": (TaskState.SUCCEEDED, {"text": f"hello {HOSTILE}!".upper() + "\n4"}),
    }
    assert "has no notebook" in docker_road.lentiq("runs", "open", run.id, "first", code=3).stderr


def test_missing_output_file_fails_the_task_and_skips_what_follows(docker_road: Road, make: Callable[..., str]) -> None:
    lazy = make("--name", "lazy", "--output", "score=/out/score.json", "--", "true")
    tasks = (task("one", lazy), task("two", "sleeper@1", name="${{ tasks.one.outputs.score }}"))
    docker_road.workspace.save_workflow(Workflow(name="lazy-flow", project="default", tasks=tasks))
    assert ended(docker_road, docker_road.workspace.start_workflow("lazy-flow")) == {
        "one": (
            TaskState.FAILED,
            "output score cannot be read: the file /out/score.json in the container is missing",
        ),
        "two": (TaskState.SKIPPED, "one before it did not succeed (FAILED)"),
    }


def test_secret_reaches_the_program_and_nothing_that_is_kept(docker_road: Road, make: Callable[..., str]) -> None:
    door = make(
        "--name", "door", "--secret", "key", "--env", "HEADER=Bearer ${{ inputs.key }}", "--output", "seen=/seen",
        "--", "sh", "-c", 'echo "header: $HEADER"; echo "$HEADER" > /seen',
    )  # fmt: skip
    docker_road.workspace.set_secret("key", SECRET)
    try:
        run = docker_road.workspace.run_block(door, {})
        assert ended(docker_road, run) == {"door": (TaskState.SUCCEEDED, {"seen": "Bearer ***"})}
    finally:
        docker_road.workspace.remove_secret("key")
    assert docker_road.workspace.log(run.id, "door") == "header: Bearer ***\n"
    assert holding(docker_road.home, "door") != []
    assert holding(docker_road.home, SECRET) == []


def test_panels_compose_and_run_an_image_block_like_any_other(docker_road: Road, make: Callable[..., str]) -> None:
    reference = make(
        "--name", "panelled", "--input", "word=hi", "--input", "loud:bool=true", "--secret", "key", "--output", "said",
        "--", "sh", "-c", 'echo "$WORD $LOUD" > $LENTIQ_RESULTS/said',
    )  # fmt: skip
    service = docker_road.workspace
    panel = BlockPanel(reference, service)
    assert list(panel.fields) == ["word", "loud", "key"]
    panel.fields["word"].value = "hello"
    assert panel.value == {"word": "hello", "loud": True}
    panel.close()
    magic = LentiqMagic(lambda: service, {})
    assert "panelled" in str(magic("blocks panelled"))
    flow = WorkflowPanel(Workflow(name="panel-flow", project="default", tasks=(task("say", reference),)), service)
    try:
        assert {one["spec"]["name"]: one["spec"]["kind"] for one in flow.blocks}["panelled"] == "image"
        assert flow.check["faults"] == []
        run = magic("run panelled -i word=hey --no-wait")
        assert isinstance(run, Run)
        docker_road.workspace.cancel_run(run.id)
    finally:
        flow.close()


def test_cancelled_image_is_cancelled_though_its_exit_code_is_an_output(
    docker_road: Road, make: Callable[..., str]
) -> None:
    reference = make(
        "--name", "patient", "--output", "code=exit-code",
        "--", "sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done",
    )  # fmt: skip
    run = docker_road.workspace.run_block(reference, {})
    with docker_road.workspace.ensure_scheduler():
        wait_for("the program", lambda: "ready" in _log(docker_road, run))
        docker_road.workspace.cancel_run(run.id)
        found = docker_road.ended(run.id)
    assert (found.state, found.tasks[0].state, found.tasks[0].outputs) == (
        RunState.CANCELLED,
        TaskState.CANCELLED,
        None,
    )


def test_image_of_several_platforms_is_pinned_by_its_index_and_runs(docker_road: Road, registry_host: str) -> None:
    library = DistributionRegistry(registry_host)
    described, body = library.get_manifest("library/busybox", "latest")
    manifest = json.loads(body)
    repository = f"lentiq-test/{uuid.uuid4().hex[:12]}/tool"
    for one in (manifest["config"], *manifest["layers"]):
        with library.open_blob("library/busybox", one["digest"]) as stream:
            library.put_blob(repository, stream.read(), one["digest"], mount_from="library/busybox")
    library.put_manifest(repository, None, described.media_type, body)
    entry = {"mediaType": described.media_type, "digest": described.digest, "size": described.size}
    machine = {"os": "linux", "architecture": "amd64"}
    index_type = "application/vnd.docker.distribution.manifest.list.v2+json"
    index = {"schemaVersion": 2, "mediaType": index_type, "manifests": [{**entry, "platform": machine}]}
    digest = library.put_manifest(repository, "1", index_type, json.dumps(index).encode())
    outputs = (Output(name="said"),)
    command = ("sh", "-c", "echo hi > $LENTIQ_RESULTS/said")
    request = ImageRequest(image=f"{registry_host}/{repository}:1", name="several", outputs=outputs, command=command)
    made = docker_road.workspace.block_from_image(request)
    assert made.spec.base == f"{registry_host}/{repository}@{digest}"
    run = docker_road.workspace.run_block(made.reference, {})
    assert ended(docker_road, run) == {"several": (TaskState.SUCCEEDED, {"said": "hi"})}
    library.delete_tag(repository, "1")


def test_show_says_what_the_block_runs(docker_road: Road, make: Callable[..., str]) -> None:
    reference = make(
        "--name", "shown", "--input", "x=1", "--env", "A=b c", "--memory", "64Mi", "--cpu", "100m", "--", "env"
    )
    text = docker_road.lentiq("block", "show", reference).stdout  # as users do: a program of its own
    for expected in ("/library/busybox@sha256:", '["env"]', "A=b c", 'x: str = "1"', format_memory(2**26)):
        assert expected in text
    assert "has no Dockerfile" in docker_road.lentiq("block", "dockerfile", reference, code=3).stderr
    assert "shown" in [one.spec.name for one in docker_road.workspace.blocks()]


def _log(road: Road, run: Run) -> str:
    one = road.workspace.run(run.id).tasks[0]
    return road.workspace.log(run.id, one.task.name) if one.state is TaskState.RUNNING else ""
