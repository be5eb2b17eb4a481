"""Every snippet of the README runs, in order, in one fresh home."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(bash|python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_readme_does_what_it_says(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "LENTIQ_HOME": str(tmp_path / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    shutil.copytree(ROOT / "templates" / "blocks", tmp_path / "notebooks")
    snippets = FENCE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [kind for kind, _ in snippets].count("bash") >= 3
    for kind, text in snippets:
        if kind == "yaml":
            name = text.partition("workflow: ")[2].split()[0]
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
            continue
        # Installing is what made this test run; the rest of the line is run.
        script = text.replace("python -m pip install . && ", "")
        words = ["bash", "-euo", "pipefail", "-c", script] if kind == "bash" else [sys.executable, "-c", script]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_every_link_of_the_readme_leads_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_room_is_on_the_readme_map() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rooms = [path.parent.name for path in (ROOT / "lentiq_jupyter").glob("*/__init__.py")]
    assert [room for room in rooms if f"lentiq_jupyter/{room}" not in text and room != "assets"] == []
