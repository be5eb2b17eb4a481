"""Debian packages, for real: an image that cannot import pyodbc without them and can with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest_road import Road, write_notebook

from lentiq_jupyter.errors import BuildFailed
from lentiq_jupyter.model import PublishRequest, Reporter, Verdict

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.docker, pytest.mark.registry, pytest.mark.timeout(600)]
CELLS: list[tuple[str | None, str]] = [(None, "import pyodbc\nprint(pyodbc.drivers())")]


def test_block_runs_with_its_debian_packages_and_not_without(docker_road: Road, tmp_path: Path) -> None:
    path = str(write_notebook(tmp_path / "asking.ipynb", CELLS))
    words = {"path": path, "no_kernel": True}
    found = docker_road.workspace.publish(PublishRequest(**words), Reporter())
    assert found.block.verification.verdict is Verdict.RUN
    assert any("Built with Docker, because it needs Debian packages: unixodbc (" in note for note in found.notes)
    text = docker_road.workspace.dockerfile("asking")
    assert "install --yes --no-install-recommends unixodbc" in text
    without = PublishRequest(**words, name="mute", builder="docker", remove_system=("unixodbc",))
    with pytest.raises(BuildFailed) as raised:
        docker_road.workspace.publish(without, Reporter())
    assert raised.value.message == (
        "The block does not run without the Debian package unixodbc, which was left out (cell 1: ImportError: "
        "libodbc.so.2: cannot open shared object file: No such file or directory)."
    )
