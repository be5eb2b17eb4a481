"""The runner as a program, over real notebooks and a real kernel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lentiq_jupyter.model import BlockSpec, Input, InputType, PinnedPackage, encode

INPUTS = (
    Input(name="rows", type=InputType.INT, default=3),
    Input(name="rate", type=InputType.FLOAT, default=0.5),
    Input(name="name", default="x"),
    Input(name="token", default="", secret=True),
)
PARAMETERS = ("parameters", "rows = 3\nrate = 0.5\nname = 'x'\ntoken = ''")
Cells = Sequence[tuple[str, str]]


class Place:
    """A folder that stands for ``/opt/lentiq``, with the environment of these tests as the block's."""

    def __init__(self, folder: Path, cells: Cells, minor: int) -> None:
        self.root = folder / "root"
        self.results = folder / "results"
        (self.root / "block").mkdir(parents=True)
        self.results.mkdir()
        (self.root / "env").symlink_to(sys.prefix)
        notebook = nbformat.v4.new_notebook(nbformat_minor=minor)
        for number, (tag, source) in enumerate(cells):
            cell = nbformat.v4.new_code_cell(source, id=f"cell-{number}", metadata={"tags": [tag]} if tag else {})
            if minor < 5:
                del cell["id"]
            notebook.cells.append(cell)
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# Title", id="title"))
        if minor < 5:
            del notebook.cells[0]["id"]
        nbformat.write(notebook, self.root / "block" / "it.ipynb")
        spec = BlockSpec(name="it", notebook="it.ipynb", inputs=INPUTS)
        (self.root / "block" / "block.json").write_text(json.dumps(encode(spec)))

    def start(self, *words: str, inputs: object = None) -> subprocess.Popen[str]:
        environment = {**os.environ, "LENTIQ_ROOT": str(self.root), "LENTIQ_RESULTS": str(self.results)}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        environment["HOME"] = "/proc"  # where nobody writes
        if inputs is not None:
            environment["LENTIQ_INPUTS"] = inputs if isinstance(inputs, str) else json.dumps(inputs)
        return subprocess.Popen(
            [sys.executable, "-m", "lentiq_jupyter.runner", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, inputs: object = None) -> tuple[int, str, str]:
        """Exit code, output, errors."""
        child = self.start(*words, inputs=inputs)
        out, err = child.communicate(timeout=120)
        return child.returncode, out, err

    def read(self, name: str) -> Any:
        path = self.results / name
        return json.loads(path.read_text()) if path.exists() else None


def read_until(child: subprocess.Popen[str], wanted: Callable[[str], bool]) -> str:
    """The first line of a program's output that is wanted."""
    assert child.stdout is not None
    for line in child.stdout:
        if wanted(line.rstrip()):
            return line.rstrip()
    raise AssertionError("the program ended without saying it")


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Place]:
    """Makes a place of cells given as (tag or "", source)."""
    return lambda *cells, minor=5: Place(tmp_path, cells, minor)


def test_inputs_go_in_and_outputs_come_out(place: Callable[..., Place]) -> None:
    name = "'\"\\ \n$(id) {0} %s"
    it = place(
        PARAMETERS,
        ("", "from lentiq_jupyter import output\noutput('name', name)\noutput('rate', repr(rate))"),
        ("", "import hashlib\nprint(token[::-1])\nopen('beside.txt', 'w').write('x')"),
        ("outputs", "total: int = rows * 2\nboth = {'n': [rows, None]}"),
        minor=4,
    )
    code, out, err = it.run("-i", "rows=5", inputs={"rows": 4, "rate": 1, "name": name, "token": "hunter2"})
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "[1/6] rows = 3",
        "[2/6] # Inputs of this run",
        "[3/6] from lentiq_jupyter import output",
        "[4/6] import hashlib",
        "2retnuh",
        "1",
        "[5/6] total: int = rows * 2",
        "[6/6] import lentiq_jupyter as _lentiq",
        f"output name = {json.dumps(name)}",
        'output rate = "1.0"',
        "output total = 10",
        'output both = {"n": [5, null]}',
    ]
    assert it.read("outputs.json") == {"name": name, "rate": "1.0", "total": 10, "both": {"n": [5, None]}}
    assert it.read("progress.json") == {"done": 6, "total": 6, "cell": None}
    assert it.read("error.json") is None
    notebook = nbformat.read(it.results / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert [cell.metadata.get("tags") for cell in notebook.cells if cell.metadata.get("tags")] == [
        ["parameters"],
        ["injected-parameters"],
        ["outputs"],
        ["injected-outputs"],
    ]
    # Neither the block nor what is kept of the run holds what does not belong there.
    assert sorted(os.listdir(it.root / "block")) == ["block.json", "it.ipynb"]
    assert "hunter2" not in (it.results / "notebook.ipynb").read_text()


@pytest.mark.parametrize(
    ("words", "inputs", "said"),
    [
        (["-i", "rows=many"], None, "Input rows takes int, not 'many'. Correct the value."),
        (["-i", "rows"], None, "'rows' is not NAME=VALUE. Write -i rows=100."),
        ([], {"rows": "4"}, "Input rows takes int, not str ('4'). Correct the value."),
        ([], {"colour": 1}, "Block it has no input colour. Its inputs: rows, rate, name, token."),
        ([], "[]", "LENTIQ_INPUTS is not an object. Give an object of input values."),
    ],
)
def test_bad_inputs_end_with_one_sentence(
    place: Callable[..., Place], words: list[str], inputs: object, said: str
) -> None:
    it = place(PARAMETERS)
    assert it.run(*words, inputs=inputs) == (2, "", f"{said}\n")
    assert os.listdir(it.results) == []


def test_failing_cell_ends_the_run_and_is_kept(place: Callable[..., Place]) -> None:
    it = place(
        ("", "print('before')"), ("raises-exception", "1 / 0"), ("", "raise KeyError('k')"), ("", "print('after')")
    )
    code, out, _ = it.run()
    assert code == 1
    assert "\x1b" not in out
    assert "after" not in out
    error = it.read("error.json")
    assert (error["ename"], error["evalue"], error["cell"], error["own_cell"]) == ("KeyError", "'k'", 4, 3)
    assert error["traceback"].endswith("KeyError: 'k'")
    assert it.read("progress.json") == {"done": 3, "total": 5, "cell": 4}


def test_dead_kernel_is_told_from_a_failed_cell(place: Callable[..., Place]) -> None:
    it = place(("", "import os\nos._exit(7)"))
    code, out, _ = it.run()
    assert code == 3
    assert "KernelDied: the kernel ended by itself, often for lack of memory" in out
    assert it.read("error.json")["cell"] == 2


def test_missing_environment_ends_with_its_own_code(place: Callable[..., Place]) -> None:
    it = place(("", "1"))
    (it.root / "env").unlink()
    code, out, _ = it.run()
    assert code == 3
    assert "FileNotFoundError" in out
    assert "Traceback" not in out


def test_sigterm_interrupts_the_cell_and_starts_no_other(place: Callable[..., Place]) -> None:
    sleeper = "import time\ntry:\n    print('asleep')\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass"
    it = place(("", sleeper), ("", "print('next')"))
    child = it.start()
    read_until(child, "asleep".__eq__)
    child.send_signal(signal.SIGTERM)
    out, _ = child.communicate(timeout=20)
    assert (child.returncode, out) == (143, "stopped as asked\n")
    assert it.read("error.json") is None
    notebook = nbformat.read(it.results / "notebook.ipynb", as_version=4)
    assert [cell.outputs[0].text for cell in notebook.cells if cell.get("outputs")] == ["asleep\n"]


def test_kernel_dies_with_the_runner(place: Callable[..., Place]) -> None:
    it = place(("", "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)"))
    child = it.start()
    line = read_until(child, str.isdigit)
    child.kill()
    child.communicate()
    end = time.monotonic() + 3
    while Path(f"/proc/{line}/cmdline").exists() and Path(f"/proc/{line}/cmdline").read_bytes():
        assert time.monotonic() < end, "the kernel lives"
        time.sleep(0.02)


def test_import_only_tries_the_imports_and_runs_nothing(place: Callable[..., Place]) -> None:
    it = place(
        ("", "%time\nimport json\nprint('ran')"),
        ("", "try:\n    import nothing_of_that_name\nexcept ImportError:\n    pass"),
        ("", "import beside\nfrom os import path\nimport os.path.join"),
    )
    (it.root / "block" / "beside.py").write_text("import wave\nprint('ran')\n")
    assert it.run("--import-only")[:2] == (
        0,
        "import json: ok\nimport nothing_of_that_name: ModuleNotFoundError\nimport os: ok\nimport os.path.join: ok\n"
        "import wave: ok\n",
    )
    broken = nbformat.read(it.root / "block" / "it.ipynb", as_version=4)
    broken.cells[1].source = "!ls\nif True:\n    from nothing_of_that_name import x"
    nbformat.write(broken, it.root / "block" / "it.ipynb")
    code, _, err = it.run("--import-only")
    assert code == 1
    assert "No module named 'nothing_of_that_name'" in err
    error = it.read("error.json")
    assert (error["ename"], error["cell"], error["own_cell"]) == ("ModuleNotFoundError", None, 1)


def test_import_only_tries_what_it_is_told_and_what_no_import_shows(
    place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    it = place(("", "import nothing_of_that_name"))
    pinned = PinnedPackage(name="python-dateutil", version="2", witness="rule")
    spec = BlockSpec(name="it", notebook="it.ipynb", packages=(pinned,))
    (it.root / "block" / "block.json").write_text(json.dumps(encode(spec)))
    wishes = [{"module": "json", "optional": False, "cell": 1}, {"module": "gone", "optional": True, "cell": 1}]
    monkeypatch.setenv("LENTIQ_IMPORTS", json.dumps(wishes))
    said = "import json: ok\nimport gone: ModuleNotFoundError\nimport dateutil: ok\n"
    assert it.run("--import-only") == (0, said, "")


def test_missing_results_folder_is_no_obstacle(place: Callable[..., Place]) -> None:
    it = place(("", "print('ran')"))
    it.results.rmdir()
    code, out, _ = it.run()
    assert (code, out.splitlines()[-2:]) == (0, ["[2/2] print('ran')", "ran"])
    assert not it.results.exists()
