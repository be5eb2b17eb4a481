"""Seconds and bytes of publishing a notebook, beside `docker build` and `docker push` of the same lock.

Everything runs in this run, round by round, and medians count. The notebook imports pandas, scikit-learn and
matplotlib; its kernel is an environment made here. Both sides start from a warm package cache where they have
one: uv's on this machine for `lentiq publish`, BuildKit's cache mount for the third side. pip in a container has none.

    python tests/benchmarks/images.py --registry 127.0.0.1:5000 [--rounds 5] [--docker docker] [cold warm add ten start]

    cold    an empty repository and no packed layer: against `docker build --no-cache` and `docker push`, by pip as
            most Dockerfiles have it, and by uv with BuildKit's cache mount as the best ones do; and the same with
            packed layers at hand
    warm    one cell edited: against Docker's own warm `build` and `push`
    add     one small package more: seconds, and bytes sent by the size of that package's layer
    ten     ten blocks with overlapping locks: bytes in the registry by those of their wheels packed once
    start   pulled cold and run to its end: against an image that `docker build` made of the same block
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat

from lentiq_jupyter.model import PublishRequest, PublishResult
from lentiq_jupyter.workspace import Workspace, load_settings

PACKAGES = ("pandas", "scikit-learn", "matplotlib", "ipykernel")
SMALL = "humanize"
TEN = (
    ("pandas",), ("scikit-learn",), ("matplotlib",), ("pandas", "matplotlib"), ("pandas", "scikit-learn"),
    ("scikit-learn", "matplotlib"), PACKAGES[:3], (*PACKAGES[:3], "humanize"), ("pandas", "tabulate"), ("humanize",),
)  # fmt: skip
MODULES = {"scikit-learn": "sklearn"}
BY_PIP = """\
FROM {base}
WORKDIR /app
COPY requirements.lock .
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY sales.ipynb .
"""
BY_UV = """\
FROM {base}
WORKDIR /app
COPY requirements.lock .
RUN --mount=type=cache,target=/uv UV_CACHE_DIR=/uv UV_LINK_MODE=copy \\
    uv pip install --system --require-hashes -r requirements.lock
COPY sales.ipynb .
"""


class Bench:
    """A folder with a kernel's environment, a notebook, and what was measured."""

    def __init__(self, folder: Path, registry: str, docker: str, python: str) -> None:
        self.folder = folder
        self.registry = registry
        self.docker = docker
        self.base = f"{registry}/library/python:{python}-slim"
        self.notebook = folder / "sales.ipynb"
        self.edits = 0
        self.figures: dict[str, list[float]] = {}
        self.environment = {**os.environ, "JUPYTER_PATH": str(folder / "jupyter"), "LENTIQ_HOME": str(folder / "home")}
        environment = folder / "env"
        run(["uv", "venv", "--quiet", "--python", python, str(environment)])
        self.interpreter = environment / "bin" / "python"
        self.install(*PACKAGES)
        kernel = folder / "jupyter" / "kernels" / "bench"
        kernel.mkdir(parents=True)
        argv = [str(self.interpreter), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel.joinpath("kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": "bench", "language": "python"})
        )
        os.environ.update(JUPYTER_PATH=self.environment["JUPYTER_PATH"], LENTIQ_HOME=self.environment["LENTIQ_HOME"])
        self.edit()

    def install(self, *names: str) -> None:
        run(["uv", "pip", "install", "--quiet", "--python", str(self.interpreter), *names])

    def edit(self, packages: Iterable[str] = PACKAGES[:3]) -> None:
        """Write the notebook with another number in its last cell."""
        self.edits += 1
        new = nbformat.v4
        modules = [MODULES.get(name, name) for name in packages if name != "ipykernel"]
        cells = [
            new.new_code_cell("\n".join(f"import {name}" for name in modules)),
            new.new_code_cell(f"value = {self.edits}\nprint(value)"),
        ]
        metadata = {"kernelspec": {"name": "bench", "display_name": "bench", "language": "python"}}
        nbformat.write(new.new_notebook(cells=cells, metadata=metadata), self.notebook)

    def fresh(self) -> str:
        """A location in the registry that nothing lies in."""
        return f"{self.registry}/lentiq-bench/{uuid.uuid4().hex[:12]}"

    def publish(self, location: str, *words: str) -> None:
        """The command, as a user types it."""
        command = [sys.executable, "-m", "lentiq_jupyter.cli", "publish", str(self.notebook), "--no-verify"]
        run([*command, "--registry", location, "--base", self.base, *words], environment=self.environment)

    def workspace(self, location: str) -> Workspace:
        return Workspace(load_settings(registry=location, base=self.base))

    def request(self, **words: object) -> PublishRequest:
        return PublishRequest(path=str(self.notebook), verify=False, **words)  # type: ignore[arg-type]

    def forget_layers(self) -> None:
        shutil.rmtree(self.folder / "home" / "cache" / "layers", ignore_errors=True)

    def timed(self, what: str, act: Callable[[], object]) -> None:
        began = time.perf_counter()
        act()
        self.figures.setdefault(what, []).append(time.perf_counter() - began)
        print(f"  {what}: {self.figures[what][-1]:.2f} s", flush=True)

    def median(self, what: str) -> float:
        return statistics.median(self.figures[what])

    def lock(self) -> str:
        """The lock of the notebook, as its block has it, with hashes."""
        space = self.workspace(self.fresh())
        block = space.publish(self.request()).block
        return space.catalogue.read_file(block, "opt/lentiq/block/requirements.lock").decode()

    def context(self, dockerfile: str, lock: str) -> Path:
        """A folder for `docker build` of that lock and the notebook."""
        folder = self.folder / "context"
        folder.mkdir(exist_ok=True)
        (folder / "requirements.lock").write_text(lock)
        (folder / "Dockerfile").write_text(dockerfile)
        shutil.copy(self.notebook, folder)
        return folder

    def built(self, context: Path, tag: str, *words: str, buildkit: bool = False) -> None:
        """`docker build` and `docker push`."""
        environment = {**os.environ, "DOCKER_BUILDKIT": "1" if buildkit else "0"}
        run([self.docker, "build", "--quiet", *words, "--tag", tag, str(context)], environment=environment)
        run([self.docker, "push", "--quiet", tag])

    def uv_base(self) -> str:
        """The base image with uv in it, which is not timed."""
        tag = "lentiq-bench-uv:latest"
        context = self.folder / "uv-base"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(f"FROM {self.base}\nRUN python -m pip install --no-cache-dir uv\n")
        run([self.docker, "build", "--quiet", "--tag", tag, str(context)], {**os.environ, "DOCKER_BUILDKIT": "0"})
        return tag


def run(words: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def cold(bench: Bench, rounds: int) -> None:
    lock = bench.lock()
    uv_base = bench.uv_base()
    for number in range(rounds + 1):  # the first one warms caches that all sides may have, and is not counted
        bench.edit()
        for what, act in {
            "lentiq publish, cold": lambda: (bench.forget_layers(), bench.publish(bench.fresh())),
            "lentiq publish, layers packed": lambda: bench.publish(bench.fresh()),
            "docker build + push, pip": lambda: bench.built(
                bench.context(BY_PIP.format(base=bench.base), lock), f"{bench.fresh()}:1", "--no-cache"
            ),
            "docker build + push, uv and BuildKit": lambda: bench.built(
                bench.context(BY_UV.format(base=uv_base), lock), f"{bench.fresh()}:1", "--no-cache", buildkit=True
            ),
        }.items():
            if number == 0 and "pip" in what:
                continue
            bench.timed(what, act)
            if number == 0:
                bench.figures.pop(what)
    by_pip, by_uv = bench.median("docker build + push, pip"), bench.median("docker build + push, uv and BuildKit")
    for what in ("lentiq publish, cold", "lentiq publish, layers packed"):
        own = bench.median(what)
        print(f"{what}: {own:.2f} s; pip {by_pip:.1f} s = {by_pip / own:.1f} x, uv {by_uv:.1f} s = {by_uv / own:.1f} x")


def warm(bench: Bench, rounds: int) -> None:
    location, tag = bench.fresh(), f"{bench.fresh()}:1"
    context = bench.context(BY_PIP.format(base=bench.base), bench.lock())
    space = bench.workspace(location)
    space.publish(bench.request())
    bench.built(context, tag)
    for number in range(rounds + 1):
        for what, act in {
            "publish in a server": lambda: space.publish(bench.request()),
            "lentiq publish": lambda: bench.publish(location),
            "docker build + push": lambda: bench.built(context, tag),
        }.items():
            bench.edit()
            shutil.copy(bench.notebook, context)
            bench.timed(f"edited cell, {what}", act)
            if number == 0:
                bench.figures.clear()
    peer = bench.median("edited cell, docker build + push")
    for what in ("publish in a server", "lentiq publish"):
        own = bench.median(f"edited cell, {what}")
        print(f"edited cell: {what} {own:.3f} s, docker build + push {peer:.3f} s = {own / peer:.2f}")


def add(bench: Bench, rounds: int) -> None:
    for number in range(rounds):
        location = bench.fresh()
        run(["uv", "pip", "uninstall", "--quiet", "--python", str(bench.interpreter), SMALL]) if number else None
        bench.edit()
        bench.publish(location)
        bench.install(SMALL)
        bench.edit((*PACKAGES[:3], SMALL))
        space = bench.workspace(location)
        before = layers(space, "1")
        made: list[PublishResult] = []
        bench.timed("one package more", lambda: made.append(space.publish(bench.request())))  # noqa: B023
        new = {digest: size for digest, size in layers(space, "2").items() if digest not in before}
        largest = max(new.values())
        sent = made[0].bytes_sent
        print(
            f"  sent {sent:,} bytes; the layer of {SMALL} has {largest:,}: {sent / largest:.2f} x ({len(new)} layers)"
        )
    print(f"one package more: {bench.median('one package more'):.2f} s")


def layers(space: Workspace, version: str, name: str = "sales") -> dict[str, int]:
    """Sizes of a version's layers by digest, the base's left out."""
    block = space.catalogue.block(name, version)
    document = json.loads(space.registry.get_manifest(name, block.digest)[1])
    with space.registry.open_blob(name, document["config"]["digest"]) as stream:
        labels = json.load(stream)["config"]["Labels"]
    own = document["layers"][int(labels["io.lentiq.base-layers"]) :]
    return {one["digest"]: one["size"] for one in own}


def ten(bench: Bench, rounds: int) -> None:
    bench.install("humanize", "tabulate")
    location = bench.fresh()
    space = bench.workspace(location)
    found: dict[str, int] = {}
    blobs: dict[str, int] = {}
    for number, names in enumerate(TEN):
        bench.edit(names)
        block = space.publish(bench.request(name=f"block-{number}")).block
        document = json.loads(space.registry.get_manifest(block.spec.name, block.digest)[1])
        own = layers(space, "1", block.spec.name)
        found |= own
        blobs |= own | {document["config"]["digest"]: document["config"]["size"]}
    wheels = wheel_bytes(bench, space)
    total = sum(blobs.values())
    ratio = f"{total / wheels:.2f} x"
    print(f"ten blocks: {total:,} bytes in {len(blobs)} blobs beyond the base; wheels packed once {wheels:,}: {ratio}")


def wheel_bytes(bench: Bench, space: Workspace) -> int:
    """Bytes of all wheels that the ten need, each packed once: those of one block that needs them all."""
    bench.edit((*PACKAGES[:3], "humanize", "tabulate"))
    block = space.publish(bench.request(name="union")).block
    sizes = layers(space, "1", block.spec.name)
    return sum(sizes.values())


def start(bench: Bench, rounds: int) -> None:
    location = bench.fresh()
    space = bench.workspace(location)
    images = {}
    for builder in ("layers", "docker"):
        block = space.publish(bench.request(name=f"start-{builder}", builder=builder)).block
        images[builder] = space.registry.pull_reference(*block.image.split("@"))
    for _ in range(rounds):
        for builder, image in images.items():
            run(["sh", "-c", f"{bench.docker} image prune --all --force >/dev/null"])
            bench.timed(f"pull, {builder}", lambda: run([bench.docker, "pull", "--quiet", str(image)]))  # noqa: B023
            bench.timed(f"run, {builder}", lambda: run([bench.docker, "run", "--rm", "--network", "none", str(image)]))  # noqa: B023
    own, peer = (bench.median(f"pull, {one}") + bench.median(f"run, {one}") for one in ("layers", "docker"))
    print(f"pulled cold and run: layers {own:.1f} s, docker build {peer:.1f} s = {own / peer:.2f}")


PARTS = {"cold": cold, "warm": warm, "add": add, "ten": ten, "start": start}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registry", required=True, help="with library/python:X.Y-slim in it")
    parser.add_argument("--docker", default="docker", help="the client; one that knows DOCKER_BUILDKIT=1")
    parser.add_argument("--python", default="3.11", help="of kernel and base")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lentiq-benchmark-") as folder:
        for name in given.parts or PARTS:
            print(f"{name}:", flush=True)
            place = Path(folder) / name
            place.mkdir()
            PARTS[name](Bench(place, given.registry, given.docker, given.python), given.rounds)


if __name__ == "__main__":
    main()
