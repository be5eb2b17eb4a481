"""Real builds with Docker for tests: notebooks that say what they are in, clients, a proxy of a package index."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lentiq_jupyter.environment.uv_compile import compile_pins
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.model import RESULT_OUTPUTS, Image
from lentiq_jupyter.registry.manifest import image_manifest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
RUN = ["run", "--rm", "--read-only", "--tmpfs", "/tmp:mode=1777", "--network", "none"]
PACKAGES = """
import importlib.metadata, json, os, sys
found = sorted((one.name, one.version) for one in importlib.metadata.distributions())
here = {folder: sorted(os.listdir(folder)) for folder in (".", "/lentiq/results")}
print(json.dumps([found, here, sys.prefix, sys.version, os.getuid(), os.stat("/lentiq/results").st_uid]))
"""


@functools.cache
def kernel_lock() -> str:
    """Pins with hashes of what any block needs, and six."""
    found = compile_pins(["ipykernel", "six==1.17.0"], python=sys.executable, python_version="3.11")
    return "".join(f"{pin.name}=={pin.version} {' '.join(f'--hash={one}' for one in pin.hashes)}\n" for pin in found)


def notebook() -> str:
    """One that computes something of an input, a package and what it runs in."""
    made = nbformat.v4.new_notebook()
    code = nbformat.v4.new_code_cell
    made.cells = [
        code("factor = 2", metadata={"tags": ["parameters"]}),
        code("import importlib.metadata, os, six, sys"),
        code(
            "product = factor * 21\nsix_version = six.__version__\nprefix = sys.prefix\nuser = os.getuid()\n"
            "packages = sorted(f'{one.name}=={one.version}' for one in importlib.metadata.distributions())",
            metadata={"tags": ["outputs"]},
        ),
    ]
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell{number}"
    return nbformat.writes(made)


def docker(*words: str | Path, client: str = "docker", **environment: str) -> str:
    """Run a client of Docker; what it printed."""
    done = subprocess.run(
        [client, *map(str, words)], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
    return done.stdout


@functools.cache
def buildkit_client() -> str:
    """A client that can build with BuildKit; skips the test where there is none."""
    for client in dict.fromkeys(filter(None, (shutil.which("docker"), "/usr/bin/docker"))):
        # Up to 20.10 it is a part of the client, later a plug-in.
        said = subprocess.run([client, "version", "--format", "{{.Client.Version}}"], capture_output=True, text=True)
        plugin = subprocess.run([client, "buildx", "version"], capture_output=True)
        if said.stdout.partition(".")[0] in ("18", "19", "20") or plugin.returncode == 0:
            return client
    pytest.skip("no client of Docker that builds with BuildKit")


def pulled(registry: Registry, image: Image) -> str:
    """What Docker calls a built image that lies in a registry server."""
    digest = registry.put_manifest(image.repository, None, MANIFEST, image_manifest(image))
    return str(registry.pull_reference(image.repository, digest))


def outputs(name: str, folder: Path, *options: str) -> dict:
    """Run a block as it is meant to be, with a folder of the host for its results; its outputs."""
    results = folder / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    results.chmod(0o777)
    docker(*RUN, *options, "--volume", f"{results}:/lentiq/results", name, "-i", "factor=4")
    return json.loads((results / RESULT_OUTPUTS).read_text())


def packages(name: str) -> list:
    """Of both of a block's environments, and where they run."""
    found = []
    for python in ("/opt/lentiq/env/bin/python", "/opt/lentiq/runner/bin/python"):
        found.append(json.loads(docker(*RUN, "--entrypoint", python, name, "-c", PACKAGES)))
    return found
