"""The block, the executors and the scheduler of a chaos run: real ones, with a small program for the notebook."""

from __future__ import annotations

import json
import os
import random
import secrets
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "executors"))
from executor_blocks import publish

from lentiq_jupyter.executors import DockerExecutor, ProcessExecutor
from lentiq_jupyter.images import find_interpreter, find_uv
from lentiq_jupyter.interfaces import Executor, Store
from lentiq_jupyter.model import (
    RESULTS_FOLDER,
    Block,
    BlockKind,
    BlockSpec,
    Input,
    InputType,
    Job,
    Output,
    decode,
    encode,
)
from lentiq_jupyter.registry import LayoutRegistry
from lentiq_jupyter.scheduler import Scheduler

JOB = Path(__file__).with_name("chaos_job.py")
INPUTS = (
    Input(name="text", default=""),
    Input(name="seconds", type=InputType.FLOAT, default=0.0),
    Input(name="fails", type=InputType.INT, default=0),
    Input(name="data", type=InputType.JSON, default=None),
    Input(name="real", type=InputType.BOOL, default=False),
)
# The same as `chaos_job`, for a shell. SIGTERM reaches a first process only where it is asked for.
SHELL = f"""
trap 'exit 143' TERM
echo begin
sleep "$LENTIQ_INPUT_SECONDS" & wait $!
[ "$CHAOS_ATTEMPT" -le "$LENTIQ_INPUT_FAILS" ] && exit 7
printf %s "$LENTIQ_INPUT_TEXT" > {RESULTS_FOLDER}/text
printf %s "$LENTIQ_INPUT_DATA" > {RESULTS_FOLDER}/data
"""


def make_block(kind: str, folder: Path) -> Block:
    """A block for the executor `kind` (process or docker); its record is left in ``block.json``."""
    if kind == "process":
        folder.mkdir(parents=True, exist_ok=True)
        published = publish(LayoutRegistry(folder / "registry"), "127.0.0.1:1/library/python:none", folder)
        spec = BlockSpec(
            name="does",
            python=published.spec.python,
            notebook=published.spec.notebook,
            inputs=INPUTS,
            outputs=(Output(name="text"), Output(name="data")),
        )
        image, digest, image_id = published.image, published.digest, published.image_id
    else:
        spec = BlockSpec(
            name="does",
            kind=BlockKind.IMAGE,
            base=_busybox(),
            command=("sh", "-c", SHELL),
            inputs=INPUTS,
            outputs=tuple(Output(name=name, source=f"{RESULTS_FOLDER}/{name}") for name in ("text", "data")),
        )
        image, digest, image_id = f"does@sha256:{'0' * 64}", f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
    block = Block(
        spec=spec, version="1", image=image, digest=digest, image_id=image_id, created=datetime(2026, 1, 1, tzinfo=UTC)
    )
    (folder / "block.json").write_text(json.dumps(encode(block)))
    return block


def read_block(folder: Path) -> Block:
    """What `make_block` left."""
    return decode(Block, json.loads((folder / "block.json").read_text()))


def _busybox() -> str:
    import docker

    client = docker.from_env()
    image = client.images.pull(f"{os.environ['LENTIQ_TEST_REGISTRY']}/library/busybox", "latest")
    client.close()
    return str(image.attrs["RepoDigests"][0])


def make_executor(kind: str, shop: Path, folder: Path, broken: str = "") -> Executor:
    """The executor of that kind; `shop` has the block, `folder` gets the jobs and their record.

    `broken` makes it break its word now and then, so that the judge can be seen to notice: ``twice`` starts a job
    once more behind everybody's back, ``never`` says that it has started one and has not.
    """
    record = folder / "begun"
    record.touch()
    registry = LayoutRegistry(shop / "registry")
    if kind == "docker":
        return DockerExecutor(registry)
    made = ProcessExecutor(
        folder / "process",
        registry,
        lambda python: find_interpreter(python, find_uv(None)),
        command=lambda root: [sys.executable, "-I", "-S", str(JOB), str(record), str(root)],
    )
    if broken:
        return _Broken(made, broken, record)  # type: ignore[return-value]  # it passes everything else on
    return made


class _Broken:
    """An executor that breaks its word every fifth time."""

    def __init__(self, sound: ProcessExecutor, how: str, record: Path) -> None:
        self._sound = sound
        self._how = how
        self._record = record

    def __getattr__(self, name: str) -> object:
        return getattr(self._sound, name)

    def start(self, job: Job) -> None:
        unlucky = random.random() < 0.2
        if unlucky and self._how == "never":
            return
        self._sound.start(job)
        if unlucky:
            inputs = {"text": "", "seconds": 0, "fails": 9, "data": None, "real": False}
            environment = {"CHAOS_JOB": job.name, "CHAOS_ATTEMPT": "1", "LENTIQ_INPUTS": json.dumps(inputs)}
            subprocess.run([sys.executable, "-I", "-S", str(JOB), str(self._record), "/"], env=environment, check=False)


def make_scheduler(
    store: Store, executor: Executor, folder: Path, block: Block, *, pool: str, holder: str, tick_s: float
) -> Scheduler:
    """A scheduler for which every block is that one."""
    return Scheduler(
        store,
        {executor.name: executor},
        load_block=lambda reference: block,
        environment=lambda run, one: {"CHAOS_JOB": one.job_name, "CHAOS_ATTEMPT": str(one.attempt)},
        results=lambda one: folder / "results" / one.job_name,
        pool=pool,
        new_id=lambda: secrets.token_hex(6),
        holder=holder,
        tick_s=tick_s,
    )
