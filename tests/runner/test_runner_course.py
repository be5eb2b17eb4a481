"""What a runner keeps while it goes: the notebook as it grows, whatever a cell prints, what it uses."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lentiq_jupyter.model import BlockSpec, encode
from lentiq_jupyter.runner.course import PRINTED_LIMIT, Budget
from lentiq_jupyter.runner.log import Log
from lentiq_jupyter.runner.results import Results
from lentiq_jupyter.runner.usage import Meter


class Run:
    """A notebook of these cells in a folder that stands for ``/opt/lentiq``; the environment is these tests' own."""

    def __init__(self, folder: Path, *cells: str, temporary: Path | None = None) -> None:
        self.folder = folder
        root = folder / "root"
        (root / "block").mkdir(parents=True)
        (folder / "results").mkdir()
        (root / "env").symlink_to(sys.prefix)
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(one, id=f"cell-{number}") for number, one in enumerate(cells)]
        nbformat.write(notebook, root / "block" / "it.ipynb")
        (root / "block" / "block.json").write_text(json.dumps(encode(BlockSpec(name="it", notebook="it.ipynb"))))
        environment = {**os.environ, "LENTIQ_ROOT": str(root), "LENTIQ_RESULTS": str(folder / "results")}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        if temporary is not None:
            environment["TMPDIR"] = str(temporary)
        words = [sys.executable, "-m", "lentiq_jupyter.runner"]
        self.child = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def result(self, name: str) -> Any:
        return json.loads((self.folder / "results" / name).read_bytes())

    def outputs(self, cell: int) -> Any:
        return self.result("notebook.ipynb")["cells"][cell]["outputs"]

    def wait_for(self, what: str, look: Callable[[], object]) -> None:
        end = time.monotonic() + 180
        while not look():
            assert time.monotonic() < end, f"no {what}"
            assert self.child.poll() is None, f"ended before {what}"
            time.sleep(0.05)

    def end(self) -> tuple[int, bytes]:
        out, _ = self.child.communicate(timeout=120)
        return self.child.returncode, out


def test_notebook_grows_while_a_cell_runs(tmp_path: Path) -> None:
    run = Run(tmp_path, "import time\nkept = b'x' * 2**28\nprint('half')\ntime.sleep(100)")
    run.wait_for("output", lambda: (tmp_path / "results/notebook.ipynb").exists() and run.outputs(0))
    run.wait_for("figures", lambda: (tmp_path / "results/usage.json").exists())
    run.wait_for("memory", lambda: run.result("usage.json")["peak_memory_bytes"] > 2**28)
    assert run.outputs(0) == [{"name": "stdout", "output_type": "stream", "text": ["half\n"]}]
    assert run.result("progress.json") == {"done": 0, "total": 1, "cell": 0}
    run.child.send_signal(signal.SIGTERM)
    assert run.end()[0] == 143
    used = run.result("usage.json")
    assert 2**28 < used["peak_memory_bytes"] < 2**29
    assert 0 < used["cpu_s"] < 60


def test_reader_who_does_not_read_holds_no_notebook_up_and_loses_nothing(tmp_path: Path) -> None:
    size, flushes = 2 * PRINTED_LIMIT, 5000
    run = Run(
        tmp_path,
        f"for number in range({flushes}):\n    print(number, flush=True)",
        f"print('a' * {size})",
        f"open({str(tmp_path / 'done')!r}, 'w').close()",
    )
    run.wait_for("end of the cells", (tmp_path / "done").exists)
    assert run.child.poll() is None
    code, out = run.end()
    assert code == 0
    lines = out.split(b"\n")
    assert lines[1 : flushes + 1] == [b"%d" % number for number in range(flushes)]
    assert lines[flushes + 2] == b"a" * size
    kept = "".join("".join(one["text"]) for one in run.outputs(1))
    assert kept == "a" * PRINTED_LIMIT + "\n[lentiq] The rest is in the log.\n"
    assert "".join("".join(one["text"]) for one in run.outputs(0)).count("\n") == flushes
    assert run.result("progress.json") == {"done": 3, "total": 3, "cell": None}


def test_runner_that_gets_no_processor_loses_nothing_of_what_is_printed(tmp_path: Path) -> None:
    flushes = 20_000
    begun, done = tmp_path / "begun", tmp_path / "done"
    cell = (
        f"import time\nopen({str(begun)!r}, 'w').close()\ntime.sleep(2)",
        f"for number in range({flushes}):\n    print(number, flush=True)",
        f"open({str(done)!r}, 'w').close()",
    )
    run = Run(tmp_path, "\n".join(cell))
    run.wait_for("start of the cell", begun.exists)
    run.child.send_signal(signal.SIGSTOP)
    try:
        run.wait_for("end of the cell", done.exists)
    finally:
        run.child.send_signal(signal.SIGCONT)
    code, out = run.end()
    assert code == 0
    assert [line for line in out.split(b"\n") if line.isdigit()] == [b"%d" % number for number in range(flushes)]


def test_huge_result_of_a_cell_is_no_obstacle(tmp_path: Path) -> None:
    run = Run(tmp_path, "'x' * 20_000_000", "print('after')")
    code, out = run.end()
    assert (code, len(out), out[-6:]) == (0, 20_000_053, b"after\n")
    assert len(run.outputs(0)[0]["data"]["text/plain"][0]) == 20_000_002


def test_long_path_of_temporary_files_is_no_obstacle(tmp_path: Path) -> None:
    temporary = tmp_path / ("long" * 30)
    temporary.mkdir()
    run = Run(tmp_path, "import os\nprint(os.getcwd())", temporary=temporary)
    code, out = run.end()
    assert code == 0
    assert str(temporary) in out.decode()
    assert list(temporary.iterdir()) == []


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("cost_s", [0.002, 0.3, 4.0])
def test_writing_takes_its_share_of_the_time(cost_s: float) -> None:
    clock = Clock()
    budget = Budget(clock)
    spent = 0.0

    def write() -> None:
        nonlocal spent
        clock.now += cost_s
        spent += cost_s

    while clock.now < 1100:
        if not budget.wait_s():
            budget.spend(write)
        clock.now += 0.01  # a cell
    assert spent <= 0.1 * 1000 + 0.5 + 2 * cost_s
    # And no less than that, where there is so much to write.
    assert spent >= 0.05 * 1000


def test_small_notebook_is_written_at_once_each_time() -> None:
    clock = Clock()
    budget = Budget(clock)

    def write() -> None:
        clock.now += 0.002

    for _ in range(1000):
        assert budget.wait_s() == 0
        budget.spend(write)
        clock.now += 0.1


def make_group(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


VERSION_2 = {
    "memory.peak": f"{2**34}\n",
    "memory.current": f"{2**33}\n",
    "memory.stat": f"anon {2**31}\ninactive_file {2**32}\n",
    "cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
}
VERSION_1 = {
    "memory/memory.max_usage_in_bytes": f"{2**34}\n",
    "memory/memory.usage_in_bytes": f"{2**33}\n",
    "memory/memory.stat": f"inactive_file 1\ntotal_inactive_file {2**32}\n",
    "cpuacct/cpuacct.usage": "2500000000\n",
}


@pytest.mark.parametrize("files", [VERSION_1, VERSION_2], ids=["version 1", "version 2"])
def test_figures_of_a_control_group_leave_out_files_that_make_room(tmp_path: Path, files: dict[str, str]) -> None:
    results = Results(tmp_path)
    meter = Meter(results, contained=True, groups=make_group(tmp_path / "groups", files))
    meter.write()
    assert json.loads((tmp_path / "usage.json").read_text()) == {"peak_memory_bytes": 2**32, "cpu_s": 2.5}
    make_group(tmp_path / "groups", {name: "100" for name in files if "usage" in name or "current" in name})
    # What was seen once stays, but is no more than the group's own maximum.
    assert meter.peak_bytes() == (2**32 if files is VERSION_2 else 100)


def test_group_of_others_is_not_asked(tmp_path: Path) -> None:
    meter = Meter(Results(tmp_path), contained=False, groups=make_group(tmp_path / "groups", VERSION_2))
    assert 0 < meter.peak_bytes() < 2**31
    assert 0 < meter.cpu_s() < 10_000
    assert meter.cpu_s() != 2.5


class Slow(io.BytesIO):
    """A stream that takes nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def write(self, body: Any) -> int:
        self.let.wait()
        return super().write(body)


def test_log_beyond_what_may_wait_says_what_it_leaves_out() -> None:
    stream = Slow()
    with Log(stream, limit_bytes=12) as log:
        log.say("0123456")
        log.say("789")
        log.write("é")
        log.say("x" * 100)
        stream.let.set()
        end = time.monotonic() + 10
        while not stream.getvalue().endswith(b"789\n"):
            assert time.monotonic() < end
        time.sleep(0.1)
        log.say("é\ud800")
    assert stream.getvalue().decode() == (
        "0123456\n789\n\n[lentiq] 103 bytes are left out here: nobody read them.\né?\n"
    )


def test_log_nobody_can_be_given_is_let_go() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "wb", buffering=0) as stream, Log(stream) as log:
        log.say("gone")
