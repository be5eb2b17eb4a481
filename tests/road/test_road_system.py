"""Debian packages, for real: an image that cannot import cv2 without them and can with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest_road import Road, write_notebook

from lentiq_jupyter.errors import BuildFailed
from lentiq_jupyter.model import PublishRequest, Reporter, Verdict

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.docker, pytest.mark.registry]
CELLS: list[tuple[str | None, str]] = [
    (None, "import cv2\nfrom lentiq_jupyter import output\noutput('cv', cv2.__version__)")
]


def test_opencv_runs_with_its_debian_packages_and_not_without(docker_road: Road, tmp_path: Path) -> None:
    path = str(write_notebook(tmp_path / "seeing.ipynb", CELLS))
    # The newest wheels bring more of their own; these are the ones that need the machine's.
    words = {"path": path, "no_kernel": True, "add": ("opencv-python==4.10.0.84", "numpy<2.3")}
    found = docker_road.workspace.publish(PublishRequest(**words), Reporter())
    assert found.block.verification.verdict is Verdict.RUN
    assert any("Built with Docker, because it needs Debian packages: libgl1 (" in note for note in found.notes)
    text = docker_road.workspace.dockerfile("seeing")
    assert "apt-get install --yes --no-install-recommends libgl1 libglib2.0-0" in text
    without = PublishRequest(**words, name="blind", builder="docker", remove_system=("libgl1", "libglib2.0-0"))
    with pytest.raises(BuildFailed) as raised:
        docker_road.workspace.publish(without, Reporter())
    assert raised.value.message == (
        "The block does not run without the Debian package libgl1, which was left out (cell 1: ImportError: "
        "libGL.so.1: cannot open shared object file: No such file or directory)."
    )
