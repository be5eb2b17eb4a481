"""Blocks made of existing images: what is asked for is checked whole, what is found is pinned, nothing is copied."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lentiq_jupyter.errors import BadInput, Conflict, Invalid, NotFound, SecretFound
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.model import (
    EXIT_CODE,
    BlockKind,
    BlockSpec,
    ImageRequest,
    Input,
    InputType,
    Output,
    Resources,
    Task,
    Verdict,
    Workflow,
)
from lentiq_jupyter.registry import LayoutRegistry
from lentiq_jupyter.registry.content import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, digest_of
from lentiq_jupyter.workspace import Workspace, load_settings
from lentiq_jupyter.workspace.from_image import find_image
from lentiq_jupyter.workspace.image_request import image_spec

BASE = "host/tool@sha256:" + "a" * 64
WORD = Input(name="word", required=True)
TOKEN = Input(name="token", required=True, secret=True)


def asked(**words: object) -> ImageRequest:
    return ImageRequest(**{"image": "host/tool:1", "name": "tool", **words})  # type: ignore[arg-type]


def faults(entrypoint: tuple[str, ...] = (), **words: object) -> tuple[str, ...]:
    with pytest.raises(Invalid) as caught:
        image_spec(asked(**words), BASE, entrypoint)
    return caught.value.faults


def test_request_becomes_a_description() -> None:
    request = asked(
        inputs=(WORD, TOKEN),
        outputs=(Output(name="text"), Output(name="code", source=EXIT_CODE)),
        command=("print", "${{ inputs.word }}"),
        environment={"BEARER": "Bearer ${{ inputs.token }}"},
    )
    assert image_spec(request, BASE) == BlockSpec(
        name="tool",
        kind=BlockKind.IMAGE,
        description="The image host/tool:1.",
        inputs=(WORD, TOKEN),
        outputs=(Output(name="text", source="/lentiq/results/text"), Output(name="code", source=EXIT_CODE)),
        base=BASE,
        command=("print", "${{ inputs.word }}"),
        environment={"BEARER": "Bearer ${{ inputs.token }}"},
    )


def test_all_faults_are_said_at_once() -> None:
    found = faults(
        inputs=(WORD, Input(name="Word", default=1), TOKEN, Input(name="path", default="")),
        outputs=(Output(name="out"), Output(name="out", source="/out/")),
        command=("${{ inputs.wrod }}", "${{ secrets.X }}", "${{ inputs.token }}", "a\0b"),
        environment={"A B": "", "LENTIQ_TASK": "x", "OPEN": "${{ inputs.word"},
    )
    assert [fault.partition(": ")[::2] for fault in found] == [
        ("inputs.Word", "there is an input word, and variables are named in capitals. Rename one."),
        ("inputs.Word", "Input Word takes str, not int (1). Correct the value."),
        ("outputs.out", "2 outputs have this name. Rename one."),
        ("outputs.out", "'/out/' is no path of a file. Write one, as in /out/out."),
        ("command[1]", "there is no input wrod. Its inputs: word, Word, token, path."),
        ("command[2]", "${{ secrets.X }} is not a reference. Write ${{ inputs.NAME }}."),
        (
            "command[3]",
            "token is secret, and everyone on the machine can read arguments. "
            "Leave it out: it is set as an environment variable.",
        ),
        ("command[4]", "holds a NUL character. Take it out."),
        ("environment", "'A B' names no variable. Use letters, digits and underscores, as in LOG_LEVEL."),
        ("environment.LENTIQ_TASK", "variables of that beginning are set for every task. Choose another name."),
        ("environment.OPEN", "${{ inputs.word is not a reference. Write ${{ inputs.NAME }}."),
        (
            "inputs.path",
            "would be set as PATH, which programs need for themselves. Say where it goes, as in the variable "
            "INPUT_PATH=${{ inputs.path }}, or rename it.",
        ),
    ]


def test_input_and_variable_of_one_name_are_told_apart() -> None:
    assert faults(inputs=(WORD,), environment={"WORD": "fixed"}) == (
        "environment.WORD: input word would be set under the same name. "
        "Write WORD=${{ inputs.word }}, or rename the input.",
    )
    image_spec(asked(inputs=(WORD,), environment={"WORD": "${{ inputs.word }}"}), BASE)


def test_secret_input_is_text_without_a_default() -> None:
    expected = "inputs.token: is secret, so it is text and has no default. Its value: lentiq secret set token."
    assert faults(inputs=(Input(name="token", default="x", secret=True),)) == (expected,)
    assert faults(inputs=(Input(name="token", type=InputType.INT, required=True, secret=True),)) == (expected,)


@pytest.mark.parametrize(
    ("entrypoint", "command", "place"),
    [
        ((), ("sh", "-c", "echo ${{ inputs.word }}"), 3),
        ((), ("/bin/bash", "-euo", "pipefail", "-c", "echo ${{ inputs.word }}", "x"), 5),
        ((), ("timeout", "5", "sh", "-lc", "${{ inputs.word }}"), 5),
        (("/bin/sh", "-c"), ("${{ inputs.word }}",), 1),
        ((), ("python3.11", "-c", "print('${{ inputs.word }}')"), 3),
        ((), ("perl", "-ne", "${{ inputs.word }}"), 3),
    ],
)
def test_text_never_becomes_a_part_of_a_program(
    entrypoint: tuple[str, ...], command: tuple[str, ...], place: int
) -> None:
    found = faults(entrypoint, inputs=(WORD,), command=command)
    assert len(found) == 1
    assert found[0].startswith(f"command[{place}]: the value of word would be read as a part of a program.")
    # A number cannot be one.
    image_spec(asked(inputs=(Input(name="word", type=InputType.INT, default=1),), command=command), BASE, entrypoint)


@pytest.mark.parametrize(
    "command",
    [
        ("sh", "-c", 'echo "$1"', "x", "${{ inputs.word }}"),
        ("bash", "script.sh", "-c", "${{ inputs.word }}"),
        ("python", "-m", "tool", "-c", "${{ inputs.word }}"),
        ("tool", "-c", "${{ inputs.word }}"),
    ],
)
def test_text_may_be_an_argument_of_a_program(command: tuple[str, ...]) -> None:
    image_spec(asked(inputs=(WORD,), command=command), BASE)


class Shelf:
    """A layout folder that stands for a registry server: images of a few bytes each."""

    def __init__(self, folder: Path) -> None:
        self.registry = LayoutRegistry(folder)

    def put(self, tag: str, body: dict[str, object], media_type: str) -> str:
        return self.registry.put_manifest("tool", tag, media_type, json.dumps(body).encode())

    def image(self, tag: str, *, config_type: str = OCI_CONFIG, **config: object) -> dict[str, object]:
        body = json.dumps(config).encode()
        self.registry.put_blob("tool", body, digest_of(body))
        config_of = {"mediaType": config_type, "digest": digest_of(body), "size": len(body)}
        manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config_of, "layers": []}
        digest = self.put(tag, manifest, OCI_MANIFEST)
        return {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(json.dumps(manifest))}

    def open(self, reference: str) -> tuple[Registry, str, str]:
        class Server:
            def __getattr__(this, name: str) -> object:  # noqa: N805
                return getattr(self.registry, name)

            def pull_reference(this, repository: str, digest: str) -> str:  # noqa: N805
                return f"host/{repository}@{digest}"

        return Server(), "tool", reference.rpartition(":")[2]  # type: ignore[return-value]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def test_index_stays_an_index_and_this_machine_says_what_starts(shelf: Shelf) -> None:
    arm = shelf.image("arm", os="linux", config={"Cmd": ["arm"]})
    amd = shelf.image("amd", os="linux", config={"Cmd": ["amd"], "Entrypoint": ["/go"]})
    machine = "arm64" if os.uname().machine == "aarch64" else "amd64"
    manifests = [
        {**arm, "platform": {"os": "linux", "architecture": "unknown"}},
        {**arm, "platform": {"os": "linux", "architecture": "riscv64"}},
        {**amd, "platform": {"os": "linux", "architecture": machine}},
    ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    digest = shelf.put("1", index, OCI_INDEX)
    found = find_image("host/tool:1", shelf.open)
    assert (found.reference, found.entrypoint, found.command) == (f"host/tool@{digest}", ("/go",), ("amd",))
    shelf.put("2", {**index, "manifests": manifests[:2]}, OCI_INDEX)
    assert find_image("host/tool:2", shelf.open).command == ("arm",)


def test_what_is_no_image_for_linux_is_refused(shelf: Shelf) -> None:
    windows = shelf.image("windows", os="windows")
    with pytest.raises(BadInput, match=r"is for windows"):
        find_image("host/tool:windows", shelf.open)
    shelf.put("index", {"schemaVersion": 2, "manifests": [{**windows, "platform": {"os": "windows"}}]}, OCI_INDEX)
    with pytest.raises(BadInput, match=r"has no image for Linux; it has windows/None"):
        find_image("host/tool:index", shelf.open)
    shelf.image("chart", config_type="application/vnd.cncf.helm.config.v1+json")
    with pytest.raises(BadInput, match=r"is no container image but application/vnd.cncf.helm"):
        find_image("host/tool:chart", shelf.open)
    with pytest.raises(NotFound, match=r"There is no image host/tool:none .* pushed to a registry first"):
        find_image("host/tool:none", shelf.open)


@pytest.fixture(params=["layout", "distribution"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path, registry_host: str) -> Iterator[Workspace]:
    """With each kind of registry for blocks; images are in a server always."""
    registry = f"{registry_host}/lentiq-test/{uuid.uuid4().hex[:12]}" if request.param == "distribution" else None
    found = Workspace(load_settings(home=str(tmp_path / "home"), registry=registry, executor="docker"))
    yield found
    found.close()


@pytest.mark.registry
class TestInARegistry:
    """Real registries."""

    def request(self, host: str, **words: object) -> ImageRequest:
        return asked(image=f"{host}/library/busybox:latest", inputs=(WORD,), **words)

    def test_block_is_listed_like_any_other(self, workspace: Workspace, registry_host: str) -> None:
        made = workspace.block_from_image(self.request(registry_host, command=("echo", "hi")))
        again = Workspace(workspace.settings)
        assert (again.blocks(), again.block_versions("tool"), again.block("tool@1")) == ([made], [made], made)
        again.close()
        assert made.spec.base.startswith(f"{registry_host}/library/busybox@sha256:")
        assert (made.spec.kind, made.complete, made.size, made.verification.verdict, made.reference) == (
            BlockKind.IMAGE,
            True,
            0,
            Verdict.NONE,
            "tool@1",
        )
        assert workspace.readme("tool") == ""
        with pytest.raises(NotFound, match="has no Dockerfile: it is an image as it was found"):
            workspace.dockerfile("tool")
        with pytest.raises(NotFound, match="has no Dockerfile"):
            workspace.build_context("tool", workspace.settings.folder / "context")

    def test_same_request_is_the_same_version(self, workspace: Workspace, registry_host: str) -> None:
        first = workspace.block_from_image(self.request(registry_host))
        assert workspace.block_from_image(self.request(registry_host)) == first
        assert workspace.block_from_image(self.request(registry_host, version="1")) == first
        second = workspace.block_from_image(self.request(registry_host, description="another"))
        named = workspace.block_from_image(self.request(registry_host, version="v-1"))
        assert [one.version for one in (second, named)] == ["2", "v-1"]
        with pytest.raises(Conflict, match="exists already"):
            workspace.block_from_image(self.request(registry_host, version="2"))

    def test_nothing_is_registered_when_something_is_wrong(self, workspace: Workspace, registry_host: str) -> None:
        with pytest.raises(NotFound, match="There is no image"):
            workspace.block_from_image(asked(image=f"{registry_host}/library/none:1"))
        with pytest.raises(NotFound, match="There is no image"):
            workspace.block_from_image(asked(image=f"{registry_host}/library/busybox@sha256:" + "0" * 64))
        with pytest.raises(BadInput, match="is not a repository"):
            workspace.block_from_image(asked(image=f"{registry_host}/UPPER"))
        with pytest.raises(SecretFound, match=r"environment.DB_PASSWORD holds a password, .*secret set DB_PASSWORD"):
            workspace.block_from_image(self.request(registry_host, environment={"DB_PASSWORD": "hunter2x9"}))
        with pytest.raises(SecretFound, match=r"command\[1\] holds a GitHub token"):
            workspace.block_from_image(self.request(registry_host, command=("ghp_" + "aB3" * 12,)))
        assert workspace.blocks() == []

    def test_executor_without_images_is_said_before_anything_starts(
        self, workspace: Workspace, registry_host: str
    ) -> None:
        workspace.block_from_image(self.request(registry_host))
        task = Task(
            name="one", block="tool", inputs={"word": "x"}, resources=Resources(cpu_millicores=1, memory_bytes=1)
        )
        workflow = Workflow(name="w", project="default", tasks=(task,))
        assert workspace.check_workflow(workflow).faults == ()
        settings = load_settings(
            home=str(workspace.settings.folder), registry=workspace.settings.registry_location, executor="process"
        )
        other = Workspace(settings)
        fault = "tasks.one.block: tool is an image, which executor process cannot run. "
        with pytest.raises(Invalid, match=fault):
            other.save_workflow(workflow)
        with pytest.raises(BadInput, match=r"executor process cannot run\. Set LENTIQ_EXECUTOR=docker"):
            other.run_block("tool", {"word": "x"})
        other.close()

    def test_executed_notebook_of_an_image_is_said_to_be_none(self, workspace: Workspace, registry_host: str) -> None:
        workspace.block_from_image(self.request(registry_host))
        run = workspace.run_block("tool", {"word": "x"})
        with pytest.raises(NotFound, match="Task tool runs an image, which has no notebook"):
            workspace.notebook(run.id, "tool")
        workspace.remove_block("tool@1")
        with pytest.raises(NotFound, match="has no executed notebook yet"):
            workspace.notebook(run.id, "tool")
