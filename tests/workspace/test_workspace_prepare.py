"""What is learned before the first notebook is inspected."""

from __future__ import annotations

from pathlib import Path

from lentiq_jupyter.workspace import Workspace, load_settings


def test_prepared_workspace_knows_the_default_kernels_environment(tmp_path: Path) -> None:
    workspace = Workspace(load_settings(home=str(tmp_path)))
    workspace.prepare()
    assert len(list((tmp_path / "cache" / "environments").iterdir())) == 1
    assert not (tmp_path / "lentiq.sqlite").exists()
