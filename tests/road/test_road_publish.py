"""Publishing: what is sent, what stays, and that Docker understands the result."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nbformat
import pytest
from conftest_road import SLEEPER, Road, write_notebook

from lentiq_jupyter.errors import SecretFound
from lentiq_jupyter.model import PublishRequest, Reporter, Verdict

pytestmark = [pytest.mark.network, pytest.mark.slow]


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_edited_cell_sends_the_notebook_layer_only(road: Road, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "edited.ipynb", SLEEPER)
    publish = lambda: road.workspace.publish(PublishRequest(path=str(path), verify=False), Reporter())  # noqa: E731
    first = publish()
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].source = "print('good evening', name)"
    nbformat.write(notebook, path)
    second = publish()
    assert (first.block.version, second.block.version) == ("1", "2")
    assert second.bytes_total == first.bytes_total or second.bytes_total > 2**20
    assert second.bytes_sent < 64 * 2**10


def test_unchanged_notebook_gives_no_new_version(road: Road, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "same.ipynb", SLEEPER)
    first = road.workspace.publish(PublishRequest(path=str(path), verify=False), Reporter())
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].execution_count = 7
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="hello x\n")]
    nbformat.write(notebook, path)
    second = road.workspace.publish(PublishRequest(path=str(path), verify=False), Reporter())
    assert second.block == first.block
    assert second.notes == ("unchanged: the same as same@1",)


def test_block_is_proven_by_a_run_before_it_is_registered(process_road: Road, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "proven.ipynb", SLEEPER)
    process_road.lentiq("publish", str(path))
    block = process_road.workspace.block("proven")
    assert block.verification.verdict is Verdict.RUN
    assert "hello x" in block.verification.log


def test_block_that_needs_an_input_is_proven_by_its_imports(process_road: Road, tmp_path: Path) -> None:
    path = write_notebook(
        tmp_path / "needs.ipynb", [("parameters", "rows: int"), (None, "import json\nprint(rows + 1)")]
    )
    process_road.lentiq("publish", str(path))
    assert process_road.workspace.block("needs").verification.verdict is Verdict.IMPORT


@pytest.mark.docker
@pytest.mark.registry
def test_plain_docker_runs_the_block(docker_road: Road) -> None:
    block = docker_road.workspace.block("sleeper")
    image = docker_road.workspace.registry.pull_reference(*block.image.split("@"))
    assert image
    docker("pull", "-q", image)
    said = docker("run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", image, "-i", "rows=21")
    assert '"total": 42' in said or "total = 42" in said


@pytest.mark.docker
@pytest.mark.registry
def test_docker_build_of_the_dockerfile_gives_the_same_outputs(docker_road: Road, tmp_path: Path) -> None:
    context = tmp_path / "context"
    docker_road.lentiq("block", "dockerfile", "sleeper", "--context", str(context))
    built = docker("build", "-q", str(context)).strip()
    said = docker("run", "--rm", "--network", "none", built, "-i", "rows=21")
    assert '"total": 42' in said or "total = 42" in said
    pip = ("--entrypoint", "/opt/lentiq/env/bin/python")
    listing = (
        "import importlib.metadata as m, json; "
        "print(json.dumps(sorted(d.name + '==' + d.version for d in m.distributions())))"
    )
    block = docker_road.workspace.block("sleeper")
    ours = docker_road.workspace.registry.pull_reference(*block.image.split("@"))
    assert ours
    docker("pull", "-q", ours)
    lists = [json.loads(docker("run", "--rm", *pip, image, "-c", listing)) for image in (built, ours)]
    without_pip = [[one for one in found if not one.startswith(("pip==", "setuptools=="))] for found in lists]
    assert without_pip[0] == without_pip[1]
    docker("rmi", "-f", built)


def test_unproven_block_is_proven_when_published_again(process_road: Road, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "later.ipynb", [(None, "print('now')")])
    first = process_road.workspace.publish(PublishRequest(path=str(path), verify=False), Reporter())
    second = process_road.workspace.publish(PublishRequest(path=str(path)), Reporter())
    third = process_road.workspace.publish(PublishRequest(path=str(path)), Reporter())
    assert [one.block.verification.verdict for one in (first, second)] == [Verdict.NONE, Verdict.RUN]
    assert (first.block.image_id, third.block.version) == (second.block.image_id, second.block.version)


def test_secret_in_a_file_that_stays_out_does_not_stop(process_road: Road, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"token": "ghp_' + "aB3" * 12 + '"}')
    path = write_notebook(tmp_path / "keys.ipynb", [(None, "import json\nopen('keys.json').read()")])
    with pytest.raises(SecretFound, match=r"--exclude keys\.json"):
        process_road.workspace.publish(PublishRequest(path=str(path), verify=False), Reporter())
    request = PublishRequest(path=str(path), verify=False, exclude_files=("keys.json",))
    assert process_road.workspace.publish(request, Reporter()).block.version == "1"
