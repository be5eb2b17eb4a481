"""What a catalogue tells of a published block: where it comes from, what is in it, what changed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import nbformat
import pytest
from conftest_road import SLEEPER, Road, write_notebook

from lentiq_jupyter import __version__
from lentiq_jupyter.errors import Denied
from lentiq_jupyter.model import Provenance, PublishRequest, Reporter

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_catalogue_tells_where_a_block_comes_from_and_what_changed(process_road: Road, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "told.ipynb", SLEEPER)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# Told\n\nWaits, then greets.", id="intro"))
    nbformat.write(notebook, path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", path.name)
    git(tmp_path, "commit", "--quiet", "--message", "first")
    git(tmp_path, "remote", "add", "origin", "https://ana:secret@git.example.org/told.git")
    commit = git(tmp_path, "rev-parse", "HEAD")

    process_road.lentiq("publish", str(path), "--no-verify")
    notebook.cells[3].source = "print('good evening', name)"
    nbformat.write(notebook, path)
    process_road.lentiq("publish", str(path), "--no-verify")

    source = "https://git.example.org/told.git"
    made = [process_road.workspace.block(f"told@{version}").provenance for version in (1, 2)]
    assert made == [
        Provenance(commit=commit, modified=changed, source=source, tool=f"lentiq-jupyter {__version__}")
        for changed in (False, True)
    ]
    shown = process_road.lentiq("block", "show", "told").stdout
    assert f"commit {commit[:12]} of {source}, and changes to the notebook" in shown
    assert f"lentiq-jupyter {__version__}" in shown
    assert "secret" not in shown

    listed = json.loads(process_road.lentiq("block", "show", "told@1", "--sbom").stdout)
    block = process_road.workspace.block("told@1")
    names = {
        one["name"]
        for one in listed["components"]
        if {"name": "io.lentiq.environment", "value": "block"} in one.get("properties", [])
    }
    assert names == {one.name for one in block.spec.packages}
    assert listed["metadata"]["component"]["version"] == block.image_id

    assert process_road.lentiq("block", "show", "told", "--readme").stdout == "# Told\n\nWaits, then greets.\n"
    differing = process_road.json("block", "diff", "told@1", "told@2")
    assert "+  print('good evening', name)" in str(differing["cells"])
    assert [differing[part] for part in ("inputs", "outputs", "packages", "files", "settings")] == [[]] * 5
    assert differing["shared_bytes"] == pytest.approx(block.size, rel=0.01)


def test_list_that_cannot_be_attached_fails_no_publish(
    process_road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*words: object, **named: object) -> NoReturn:
        raise Denied("Nothing may be attached here.", "Ask for the right.")

    monkeypatch.setattr(process_road.workspace.registry, "attach", refuse)
    path = write_notebook(tmp_path / "bare.ipynb", SLEEPER)
    result = process_road.workspace.publish(PublishRequest(path=str(path), verify=False), Reporter())
    assert result.block == process_road.workspace.block("bare")
    assert "The list of packages is not attached to the block: Nothing may be attached here. Ask for the right." in (
        result.notes
    )
