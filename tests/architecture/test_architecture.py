"""What keeps the code as it is meant to be: lint, types, directions of imports, light imports in containers."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = [
    path.name
    for path in sorted((ROOT / "lentiq_jupyter").iterdir())
    if (path / "__init__.py").is_file() and path.name not in {"labextension", "static"}
]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"{name} is not installed beside this Python")
    return found


@pytest.mark.parametrize(
    "words",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",), ("lint-imports",)],
    ids=" ".join,
)
def test_tool_finds_no_fault(words: tuple[str, ...]) -> None:
    done = run(tool(words[0]), *words[1:])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", ["lint", "test"])
def test_front_end_script_finds_no_fault(script: str) -> None:
    npm = shutil.which("npm")
    folder = ROOT / "labextension"
    if npm is None or not (folder / "node_modules").is_dir():
        pytest.skip("needs npm, and labextension/node_modules from a build in this folder")
    done = subprocess.run([npm, "run", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_room_exports_what_it_says(room: str) -> None:
    module = importlib.import_module(f"lentiq_jupyter.{room}")
    exported = module.__all__
    assert exported
    assert [name for name in exported if not hasattr(module, name)] == []


def _pythons() -> list[str]:
    found = [shutil.which(f"python3.{minor}") for minor in range(9, 15)]
    pyenv = Path.home() / ".pyenv" / "versions"
    found += [str(path) for path in pyenv.glob("3.*/bin/python") if int(path.parts[-3].split(".")[1]) >= 9]
    return sorted({path for path in found if path and "shims" not in path} | {sys.executable})


@pytest.mark.parametrize("python", _pythons())
def test_what_runs_in_containers_imports_the_standard_library_only(python: str) -> None:
    code = (
        "import sys; before = set(sys.modules); "
        f"sys.path.insert(0, {str(ROOT)!r}); "
        "import lentiq_jupyter, lentiq_jupyter.errors, lentiq_jupyter.model, lentiq_jupyter.runner, "
        "lentiq_jupyter.runner.__main__, lentiq_jupyter.client; "
        "tops = {name.split('.')[0] for name in set(sys.modules) - before} - {'lentiq_jupyter', '__mp_main__'}; "
        "standard = getattr(sys, 'stdlib_module_names', None); "
        "print(sorted(tops - set(standard)) if standard else [])"
    )
    # -S leaves out site-packages: what is not in the standard library cannot be found at all.
    done = run(python, "-I", "-S", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_no_source_file_is_longer_than_600_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): length
        for pattern in ("lentiq_jupyter/**/*.py", "tests/**/*.py", "labextension/src/**/*.ts*")
        for path in ROOT.glob(pattern)
        if (length := path.read_text().count("\n")) > 600 and "contract" not in path.parts
    }
    assert long == {}


def test_every_setting_is_described() -> None:
    from lentiq_jupyter.workspace import Settings

    described = {name: trait.help for name, trait in Settings.class_own_traits().items()}
    assert [name for name, text in described.items() if not re.search(r"\w.*\.$", text)] == []
