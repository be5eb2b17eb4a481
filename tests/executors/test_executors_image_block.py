"""Blocks around existing images: values in, files and exit codes out, on a real engine."""

from __future__ import annotations

import dataclasses
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import docker
import pytest
from executor_blocks import Bench, process_executor
from hypothesis import given, settings
from hypothesis import strategies as st

from lentiq_jupyter.errors import BadInput, NotFound
from lentiq_jupyter.executors import DockerExecutor
from lentiq_jupyter.executors.container import container_options
from lentiq_jupyter.executors.image_block import (
    OUTPUT_LIMIT_BYTES,
    Mask,
    arguments,
    output_value,
    outputs_document,
    variables,
)
from lentiq_jupyter.model import (
    EXIT_CODE,
    Block,
    BlockKind,
    BlockSpec,
    ExecutionState,
    Input,
    InputType,
    Job,
    Output,
    Resources,
    input_reference,
)
from lentiq_jupyter.registry import LayoutRegistry

HOSTILE = "; rm -rf / $(id) `id` 'q' \"dq\" \\ é\n--flag=${HOME} ${{ inputs.rows }}\t*"
PRINT = 'printf "%s|" "$#" "$@" > /got'
SPEC = BlockSpec(
    name="greets",
    kind=BlockKind.IMAGE,
    base="host/busybox@sha256:" + "a" * 64,
    inputs=(
        Input(name="rows", type=InputType.INT, default=3),
        Input(name="name", default="é"),
        Input(name="fast", type=InputType.BOOL, default=True),
        Input(name="note"),
        Input(name="token", required=True, secret=True),
    ),
    outputs=(Output(name="text", source="/out/text"), Output(name="code", source=EXIT_CODE)),
    command=("count", "--rows=${{ inputs.rows }}", "${{inputs.name}}", "[${{ inputs.note }}]"),
    environment={"BEARER": "Bearer ${{ inputs.token }}", "NOTE": "<${{ inputs.note }}>", "PLAIN": "a $b"},
)
VALUES = {"rows": 3, "name": HOSTILE, "fast": True, "note": None}


def block_of(spec: BlockSpec) -> Block:
    return Block(
        spec=spec,
        version="1",
        image=f"{spec.name}@sha256:" + "a" * 64,
        digest="sha256:" + "a" * 64,
        image_id="sha256:" + "b" * 64,
        created=datetime(2026, 11, 1, tzinfo=UTC),
    )


def test_values_are_put_in_once_and_each_argument_stays_one() -> None:
    assert arguments(SPEC, VALUES) == ["count", "--rows=3", HOSTILE, "[]"]
    assert arguments(dataclasses.replace(SPEC, command=()), VALUES) == []


def test_inputs_named_nowhere_become_variables_and_what_has_no_value_none() -> None:
    assert variables(SPEC, VALUES, {"token": "s3cret"}) == {
        "LENTIQ_INPUT_ROWS": "3",
        "LENTIQ_INPUT_NAME": HOSTILE,
        "LENTIQ_INPUT_FAST": "true",
        "FAST": "true",
        "BEARER": "Bearer s3cret",
        "PLAIN": "a $b",
    }
    plain = dataclasses.replace(SPEC, command=(), environment={})
    assert variables(plain, VALUES, {"token": "s3cret"})["TOKEN"] == "s3cret"
    assert "TOKEN" not in variables(plain, VALUES, {})


def test_null_is_a_value_of_type_json_alone() -> None:
    spec = BlockSpec(name="b", inputs=(Input(name="data", type=InputType.JSON), Input(name="word")))
    assert variables(spec, {"data": None, "word": None}, {}) == {"LENTIQ_INPUT_DATA": "null", "DATA": "null"}


@pytest.mark.parametrize(
    ("value", "message"),
    [("a\0b", "NUL"), ("x" * 140_000, "Write large data to a file"), ("\ud800", "is no text")],
)
def test_value_that_no_program_can_be_given_is_refused(value: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        arguments(SPEC, {**VALUES, "name": value})
    with pytest.raises(BadInput, match=message):
        variables(SPEC, {**VALUES, "name": value}, {})
    job = Job(
        name="j", pool="p", block=block_of(SPEC), inputs={**VALUES, "name": value}, environment={},
        resources=Resources(cpu_millicores=1, memory_bytes=1),
    )  # fmt: skip
    with pytest.raises(BadInput):
        container_options(job, "busybox")


def test_container_of_an_image_block_keeps_what_the_image_says() -> None:
    job = Job(
        name="lentiq-r-t-1",
        pool="pool",
        block=block_of(SPEC),
        inputs=VALUES,
        resources=Resources(cpu_millicores=500, memory_bytes=2**28),
        environment={"LENTIQ_TASK": "t"},
        secrets={"token": "s3cret"},
    )
    options = container_options(job, "busybox")
    assert "s3cret" not in json.dumps([options["command"], options["labels"]])
    assert {key: options[key] for key in ("labels", "command", "cap_drop", "cap_add", "read_only", "init")} == {
        "labels": {
            "io.lentiq.pool": "pool",
            "io.lentiq.job": "lentiq-r-t-1",
            "io.lentiq.outputs": '{"text": "/out/text", "code": "exit-code"}',
            "io.lentiq.open-results": "1",
            "io.lentiq.secrets": '["token"]',
        },
        "command": ["count", "--rows=3", HOSTILE, "[]"],
        "cap_drop": ["ALL"],
        "cap_add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"],
        "read_only": False,
        "init": False,
    }
    assert {"user", "entrypoint", "working_dir", "tmpfs", "privileged"}.isdisjoint(options)
    assert "command" not in container_options(
        dataclasses.replace(job, block=block_of(dataclasses.replace(SPEC, command=()))), "busybox"
    )


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"rows": 3}\n', {"rows": 3}),
        (b"7\n", 7),
        (b"hello\n", "hello"),
        (b"two\nlines\n\n", "two\nlines\n"),
        (b"007", "007"),
        (b"NaN", "NaN"),
        (b"1e999", "1e999"),
        (b'"\\ud800"', '"\\ud800"'),
        (b"[" * 20_000, "[" * 20_000),
        (b"", ""),
        (b"null", None),
    ],
)
def test_output_is_json_if_it_reads_as_that_else_text(body: bytes, value: object) -> None:
    assert output_value(body) == value


def test_outputs_hold_no_secrets() -> None:
    values = {"leak": "the s3cret", "deep": [{"s3cret": ["s3cret", 1, None]}], "short": "abc"}
    assert json.loads(outputs_document(values, ("s3cret", "abc"))) == {
        "leak": "the ***",
        "deep": [{"***": ["***", 1, None]}],
        "short": "abc",
    }


@given(
    st.text("abc", max_size=40),
    st.lists(st.text("abc", min_size=4, max_size=7), max_size=3).map(tuple),
    st.integers(0, 40),
)
@settings(max_examples=400)
def test_log_that_grows_begins_with_what_was_shown(text: str, secrets: tuple[str, ...], cut: int) -> None:
    body = text.encode()
    mask = Mask(secrets)
    whole = mask.whole(body)
    first, held = mask.feed(body[:cut])
    second, end = mask.feed(held + body[cut:])
    assert first + second + mask.whole(end) == whole
    assert all(one.encode() not in whole for one in secrets)
    assert Mask(()).feed(body) == (body, b"")


def test_process_executor_says_which_executor_runs_images(tmp_path: Path) -> None:
    job = Job(
        name="j", pool="p", block=block_of(SPEC), inputs={}, environment={},
        resources=Resources(cpu_millicores=1, memory_bytes=1),
    )  # fmt: skip
    with pytest.raises(BadInput, match=r"is an image\. Run it with the docker executor"):
        process_executor(tmp_path, LayoutRegistry(tmp_path / "registry")).start(job)


class Images:
    """Starts a shell script of busybox as an image block and waits for its end."""

    def __init__(self, host: str, folder: Path) -> None:
        self.executor = DockerExecutor(LayoutRegistry(folder / "registry"))
        self.image = f"{host}/library/busybox:latest"
        self.folder = folder
        self.bench = Bench(self.executor, block_of(SPEC), lambda: self.executor)

    def start(
        self, script: str, outputs: dict[str, str], inputs: dict[str, object] | None = None, **job: object
    ) -> str:
        found = inputs or {}
        spec = BlockSpec(
            name="greets",
            kind=BlockKind.IMAGE,
            base=self.image,
            inputs=tuple(Input(name=name, type=InputType.JSON) for name in found),
            outputs=tuple(Output(name=name, source=source) for name, source in outputs.items()),
            command=("sh", "-c", script),
        )
        block = job.pop("block", None) or block_of(spec)
        return self.bench.start(block=block, inputs=found, **job)

    def run(self, script: str, outputs: dict[str, str], inputs: dict[str, object] | None = None, **job: object):
        """State, reason and outputs of such a job."""
        name = self.start(script, outputs, inputs, **job)
        ended = self.bench.ended(name)
        (self.folder / name).mkdir()
        found = self.bench.results(name, self.folder / name)
        assert set(found) <= {"outputs"}
        return ended.state, ended.reason, found.get("outputs")


@pytest.fixture
def images(registry_host: str, tmp_path: Path) -> Iterator[Images]:
    found = Images(registry_host, tmp_path)
    yield found
    found.bench.close()


@pytest.mark.docker
@pytest.mark.registry
class TestOnTheEngine:
    """Real containers."""

    def test_files_become_outputs(self, images: Images) -> None:
        script = (
            'mkdir /out; echo \'{"rows": [1, 2]}\' > /out/table; printf "%s" "$TEXT" > /lentiq/results/text; '
            "ln -s /out/table /out/latest; id -u > $LENTIQ_RESULTS/user"
        )
        outputs = {"table": "/out/table", "text": "/lentiq/results/text", "latest": "/out/latest"}
        assert images.run(script, outputs, {"text": HOSTILE}) == (
            ExecutionState.SUCCEEDED,
            "",
            {"table": {"rows": [1, 2]}, "text": HOSTILE, "latest": {"rows": [1, 2]}},
        )

    def test_hostile_values_arrive_verbatim_as_arguments(self, images: Images) -> None:
        spec = BlockSpec(
            name="greets",
            kind=BlockKind.IMAGE,
            base=images.image,
            inputs=(Input(name="word"), Input(name="other")),
            outputs=(Output(name="got", source="/got"),),
            command=(
                "sh",
                "-c",
                'printf "%s|" "$#" "$@" > /got',
                "x",
                input_reference("word"),
                "a=${{ inputs.other }}",
            ),
        )
        values = {"word": HOSTILE, "other": "-rf --help\n"}
        state, _, outputs = images.run("", {}, values, block=block_of(spec))  # type: ignore[arg-type]
        assert (state, outputs) == (ExecutionState.SUCCEEDED, {"got": f"2|{HOSTILE}|a=-rf --help\n|"})

    def test_exit_code_is_an_output_where_the_block_says_so(self, images: Images) -> None:
        assert images.run("exit 3", {"code": EXIT_CODE}) == (ExecutionState.SUCCEEDED, "", {"code": 3})
        assert images.run("exit 0", {"code": EXIT_CODE}) == (ExecutionState.SUCCEEDED, "", {"code": 0})
        assert images.run("exit 3", {})[:2] == (ExecutionState.FAILED, "exit code 3")
        assert images.run("exit 255", {})[:2] == (ExecutionState.FAILED, "exit code 255")

    def test_exit_by_a_signal_is_a_failure_all_the_same(self, images: Images) -> None:
        name = images.start("trap 'exit 143' TERM; while :; do sleep 0.1; done", {"code": EXIT_CODE})
        images.executor.stop(name)
        ended = images.bench.ended(name)
        assert (ended.state, ended.exit_code, ended.stopped) == (ExecutionState.FAILED, 143, True)

    def test_lack_of_memory_is_a_failure_all_the_same(self, images: Images) -> None:
        hungry = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"
        small = Resources(cpu_millicores=1000, memory_bytes=2**24)
        state, reason, _ = images.run(hungry, {"code": EXIT_CODE}, resources=small)
        assert (state, reason) == (ExecutionState.FAILED, "killed: used more than 16Mi of memory")

    @pytest.mark.parametrize(
        ("script", "wrong"),
        [
            ("true", "is missing"),
            ("mkdir -p /out/score", "is no plain file"),
            ("mkdir /out; mkfifo /out/score", "is no plain file"),
            ("touch /out", "is missing"),
            ("mkdir /out; head -c 300000 /dev/zero > /out/score", f"has 300000 bytes, more than {OUTPUT_LIMIT_BYTES}"),
            ("mkdir /out; printf '\\377' > /out/score", "is neither JSON nor text"),
            ("mkdir /out; ln -s score /out/score", "is missing"),
        ],
        ids=["missing", "folder", "pipe", "below-a-file", "large", "binary", "link-to-itself"],
    )
    def test_output_that_cannot_be_read_is_a_failure_that_says_which(
        self, images: Images, script: str, wrong: str
    ) -> None:
        state, reason, outputs = images.run(script, {"score": "/out/score"})
        assert (state, reason, outputs) == (
            ExecutionState.FAILED,
            f"output score cannot be read: the file /out/score in the container {wrong}",
            {},
        )

    def test_secret_reaches_the_program_and_is_shown_nowhere(self, images: Images) -> None:
        script = (
            'echo "log $token"; sleep 0.5; printf "half open-ses" ; sleep 2; echo "ame-4711"; echo "$token" > /leak'
        )
        name = images.start(script, {"leak": "/leak"}, secrets={"token": "open-sesame-4711"})
        seen = b""
        while images.bench.state(name) is ExecutionState.RUNNING:
            seen += images.executor.log(name, len(seen))
            assert b"open" not in seen
            time.sleep(0.05)
        seen += images.executor.log(name, len(seen))
        assert seen == b"log ***\nhalf ***\n"
        assert images.bench.results(name, images.folder / name) == {"outputs": {"leak": "***"}}
        container = docker.from_env()
        try:
            attributes = container.containers.get(name).attrs
        finally:
            container.close()
        told = json.dumps([attributes["Config"]["Cmd"], attributes["Args"], attributes["Config"]["Labels"]])
        assert "open-sesame" not in told

    def test_any_user_of_the_image_may_write_results_and_root_may_change_to_it(self, images: Images) -> None:
        script = (
            "chown 7:7 $LENTIQ_RESULTS; chmod 700 $LENTIQ_RESULTS; ls -ldn $LENTIQ_RESULTS | cut -c1-10 > /mode; "
            "grep -E 'NoNewPrivs|CapEff' /proc/self/status > /caps"
        )
        state, _, outputs = images.run(script, {"mode": "/mode", "caps": "/caps"})
        assert (state, outputs) == (
            ExecutionState.SUCCEEDED,
            {"mode": "drwx------", "caps": "CapEff:\t00000000000000eb\nNoNewPrivs:\t1"},
        )

    def test_outputs_are_not_read_while_the_program_runs(self, images: Images) -> None:
        name = images.start("echo 1 > /out; echo ready; sleep 60", {"out": "/out"})
        images.bench.says(name, "ready")
        images.executor.collect(name, images.folder / name)
        assert not (images.folder / name).exists()

    def test_image_runs_as_its_author_built_it(self, images: Images) -> None:
        lines = (
            f"FROM {images.image}",
            "USER 1234:1234",
            "WORKDIR /tmp",
            'ENTRYPOINT ["/bin/sh", "-c"]',
            'CMD ["exit 9"]',
        )
        client = docker.from_env()
        built, _ = client.images.build(fileobj=io.BytesIO("\n".join(lines).encode()), rm=True)
        try:
            spec = BlockSpec(
                name="own",
                kind=BlockKind.IMAGE,
                base=str(built.id),
                outputs=(Output(name="who", source="/lentiq/results/who"), Output(name="code", source=EXIT_CODE)),
                command=("echo $(id -u) $(pwd) > $LENTIQ_RESULTS/who",),
            )
            assert images.run("", {}, block=block_of(spec))[2] == {"who": "1234 /tmp", "code": 0}
            state, reason, _ = images.run("", {}, block=block_of(dataclasses.replace(spec, command=())))
            assert state is ExecutionState.FAILED
            assert reason.endswith("/lentiq/results/who in the container is missing")
            images.bench.close()
        finally:
            client.images.remove(built.id, force=True)
            client.close()

    def test_image_that_knows_lentiq_may_write_its_outputs_itself(self, images: Images) -> None:
        script = "echo '{\"rows\": 3}' > $LENTIQ_RESULTS/outputs.json"
        assert images.run(script, {}) == (ExecutionState.SUCCEEDED, "", {"rows": 3})

    def test_missing_image_is_said(self, images: Images) -> None:
        gone = block_of(dataclasses.replace(SPEC, base=images.image.replace(":latest", "@sha256:" + "0" * 64)))
        job = images.bench.job(block=gone, inputs=VALUES)
        with pytest.raises(NotFound, match="make the block again of an image that is there"):
            images.executor.start(job)
