"""`lentiq-jupyter-kernel`: what a kernel of its own needs, in the oldest Python at hand, against a running server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from lentiq_jupyter import __version__

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "templates" / "kernel"
pytestmark = [pytest.mark.network, pytest.mark.slow]
WHOLE = ("client", "magics", "model", "panels")
SINGLE = ("__init__.py", "connect.py", "errors.py", "runner/__init__.py", "runner/output.py")
STATIC = ("static/widget.css", "static/widget.js")
CELL = """%%lentiq workflow nightly
tasks:
  clean: {block: clean-sales}
"""


def oldest() -> str:
    """A Python from 3.9 on, the oldest that is found."""
    for minor in range(9, sys.version_info.minor):
        named = shutil.which(f"python3.{minor}")
        pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"3.{minor}.*/bin/python"))
        for path in [*pyenv, *([Path(named)] if named and "shims" not in named else [])]:
            return str(path)
    return sys.executable


def uv(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not all((ROOT / "lentiq_jupyter" / one).is_file() for one in STATIC):
        pytest.skip("the panels' front end is not built in this folder")
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", str(PACKAGE), "--out-dir", str(folder))
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a kernel and this package, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    uv("venv", str(folder), "--clear", "--python", oldest())
    made = folder / "bin" / "python"
    uv("pip", "install", "--python", str(made), "ipykernel", str(wheel))
    return made


@pytest.fixture
def kernel(python: Path, jp_data_dir: Path) -> str:
    """Name of a kernelspec for it."""
    folder = jp_data_dir / "kernels" / "small"
    folder.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    # The tests' own server hands its import path down.
    spec = {"argv": argv, "display_name": "Small", "language": "python", "env": {"PYTHONPATH": ""}}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return "small"


def test_wheel_holds_what_kernels_need_and_nothing_else(wheel: Path) -> None:
    package = ROOT / "lentiq_jupyter"
    wanted = {f"lentiq_jupyter/{one}" for one in (*SINGLE, *STATIC)}
    wanted |= {f"lentiq_jupyter/{room}/{path.name}" for room in WHOLE for path in (package / room).glob("*.py")}
    with zipfile.ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in opened.namelist() if name.endswith("/METADATA"))
        lines = opened.read(metadata).decode().splitlines()
    assert names == wanted
    assert {line for line in lines if line.startswith(("Name", "Version", "Requires"))} == {
        "Name: lentiq-jupyter-kernel",
        f"Version: {__version__}",
        "Requires-Python: >=3.9",
        "Requires-Dist: anywidget>=0.9; extra == 'panels'",
        "Requires-Dist: ipywidgets>=8.1; extra == 'panels'",
    }


async def test_magics_work_in_a_kernel_of_its_own(jp_fetch, service, kernel: str, open_page) -> None:
    async with open_page(kernel=kernel) as page:

        async def run(code: str) -> str:
            """What a cell writes and shows."""
            told: list[str] = []

            def keep(message: Mapping[str, object]) -> None:
                content = dict(message["content"])
                told.append(content.get("text") or content.get("data", {}).get("text/plain", ""))

            answer = await page.client.execute_interactive(code, timeout=60, output_hook=keep)
            assert answer["content"]["status"] == "ok", answer["content"]
            return "".join(told)

        assert await run("import importlib.util as u; u.find_spec('lentiq_jupyter.workspace')") in ("", "None")
        await run("%load_ext lentiq_jupyter")
        assert "/home/ana/lentiq" in await run("%lentiq status")
        assert "clean-sales@2" in await run("%lentiq blocks")
        assert await run("%lentiq runs") == "Nothing has run yet. Run a block: %lentiq run BLOCK"
        assert "Saved nightly in project default, revision 1." in await run(CELL)
        assert ("default", "nightly") in service.saved
        ran = await run("%lentiq run clean-sales -i limit=1 --no-wait")
        assert "Run r1 of clean-sales@2" in ran
        assert await run("import lentiq_jupyter; lentiq_jupyter.output('n', 3)") == "n = 3"
        assert await run("%lentiq compose") == "The panel needs ipywidgets. %pip install anywidget ipywidgets\n"


def test_kernel_without_a_server_says_what_to_do(python: Path, tmp_path: Path) -> None:
    code = "from lentiq_jupyter.magics import LentiqMagic; from lentiq_jupyter.connect import connect\n"
    code += "LentiqMagic(connect, {})('status')\nimport lentiq_jupyter.panels"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LENTIQ_")}
    done = subprocess.run(
        [str(python), "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    said = done.stderr.splitlines()
    assert said[0] == (
        "No Lentiq service was found. Start JupyterLab where lentiq-jupyter is installed, "
        "or set LENTIQ_API_URL and LENTIQ_API_TOKEN."
    )
    assert said[-1] == "ImportError: Panels need ipywidgets: %pip install anywidget ipywidgets"
