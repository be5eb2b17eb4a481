"""The commands about runs, over a home where tasks fail, are tried again and run for each item of a list."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest_road import Road, wait_for, write_notebook  # type: ignore[import-not-found]

from lentiq_jupyter.model import Run

pytestmark = [pytest.mark.network, pytest.mark.slow]
GATE = [
    ("parameters", "path = ''\nseconds = 0.0\nlines = 0"),
    (None, "import time\nfor number in range(lines):\n    print('line', number, 'ț' * 20, flush=True)"),
    (None, "time.sleep(seconds)"),
    (None, "if path:\n    text = open(path).read()\nelse:\n    text = ''"),
    (None, "from lentiq_jupyter import output\noutput('text', text)"),
]


@pytest.fixture(scope="module")
def gate(process_road: Road, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """The road with a block that fails unless the file of its input `path` is there."""
    path = write_notebook(tmp_path_factory.mktemp("gate") / "gate.ipynb", GATE)
    process_road.publish(path, "gate")
    return process_road


def printed(log: str) -> list[str]:
    """The lines of a log that the notebook printed, without those that the runner adds."""
    return [line for line in log.splitlines() if re.match(r"(\S+ \| )?(hello|line) ", line)]


def apply(road: Road, name: str, text: str) -> None:
    path = road.home.parent / f"{name}.yaml"
    path.write_text(f"workflow: {name}\n{text}")
    road.lentiq("workflow", "apply", str(path))


def test_failed_run_is_shown_and_repeated_from_where_it_failed(gate: Road, tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    apply(
        gate,
        "gated",
        "tasks:\n"
        "  load: {block: sleeper, inputs: {seconds: 0.0, rows: 2}}\n"
        "  each:\n"
        "    block: sleeper\n"
        "    foreach: [ana, ion, eva]\n"
        "    inputs: {seconds: 0.0, name: '${{ item }}', rows: '${{ tasks.load.outputs.total }}'}\n"
        "  door: {block: gate, after: [each], retries: 1, retry_delay: 0s}\n"
        "  last: {block: gate, after: [door]}\n",
    )
    words = ("workflow", "start", "gated", "-i", f"door.path={key}", "--follow", "--json")
    run = json.loads(gate.lentiq(*words, code=1).stdout)
    states = [(one["task"]["name"], one["item"], one["attempt"], one["state"]) for one in run["tasks"]]
    assert sorted(states, key=str) == sorted(
        [
            ("load", None, 1, "SUCCEEDED"),
            ("each", None, 1, "SUCCEEDED"),
            *(("each", item, 1, "SUCCEEDED") for item in range(3)),
            ("door", None, 1, "FAILED"),
            ("door", None, 2, "FAILED"),
            ("last", None, 1, "SKIPPED"),
        ],
        key=str,
    )
    shown = gate.lentiq("runs", "show", run["id"]).stdout
    assert "each (sleeper@1): SUCCEEDED" in shown
    assert "3 of 3 done" in shown
    assert "  attempt 1: FAILED" in shown
    assert "FileNotFoundError" in shown
    assert '  output greeting = ["hello ana", "hello ion", "hello eva"]\n' in shown
    assert printed(gate.lentiq("runs", "logs", run["id"], "each").stdout) == [
        "each.0 | hello ana",
        "each.1 | hello ion",
        "each.2 | hello eva",
    ]
    assert printed(gate.lentiq("runs", "logs", run["id"], "each.2@1").stdout) == ["hello eva"]
    spans = {f"{one['label']}@{one['attempt']}": one for one in gate.json("runs", "timeline", run["id"])["tasks"]}  # type: ignore[attr-defined]
    assert spans["door@1"]["running_s"] > 0
    assert spans["door@1"]["waiting_s"] >= spans["each@1"]["waiting_s"] + spans["each@1"]["running_s"] - 0.5
    assert spans["last@1"]["running_s"] == 0
    assert len(gate.lentiq("runs", "timeline", run["id"]).stdout.splitlines()) == 11

    key.write_text("open")
    again = json.loads(gate.lentiq("runs", "rerun", run["id"], "--from-failed", "--follow", "--json").stdout)
    assert (again["state"], again["rerun_of"]) == ("SUCCEEDED", run["id"])
    taken = {one["task"]["name"]: one["reused_from"] for one in again["tasks"] if one["item"] is None}
    assert taken == {
        "load": f"lentiq-{run['id']}-load-1",
        "each": f"lentiq-{run['id']}-each-1",
        "door": None,
        "last": None,
    }
    assert printed(gate.lentiq("runs", "logs", again["id"], "each.0").stdout) == ["hello ana"]
    opened = Path(gate.lentiq("runs", "open", again["id"], "each.0").stdout.strip())
    assert opened.parts[-3:] == (run["id"], "each.0-1", "notebook.ipynb")
    proposed = gate.json("block", "resources", "sleeper")["proposed"]
    assert proposed is None or proposed["memory_bytes"] > 0  # type: ignore[index]
    refused = gate.lentiq("runs", "rerun", again["id"], "--from-failed", code=4).stderr
    assert refused.startswith(f"lentiq: Run {again['id']} did not fail; it is SUCCEEDED.")


def test_log_is_followed_live_without_loss_and_ends_with_its_task(gate: Road) -> None:
    apply(
        gate,
        "chatty",
        "tasks:\n"
        "  talk: {block: gate, inputs: {lines: 2000, seconds: 2.0}}\n"
        "  rest: {block: gate, inputs: {seconds: 60.0}, after: [talk]}\n",
    )
    gate.scheduler()
    run = gate.json("workflow", "start", "chatty")["id"]
    wait_for("start", lambda: gate.workspace.run(str(run)).tasks[0].started_at)
    words = [sys.executable, "-m", "lentiq_jupyter.cli", "runs", "logs", str(run), "talk", "--follow"]
    with subprocess.Popen(words, env=gate.environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        live = not gate.workspace.run(str(run)).tasks[0].state.ended
        lines = [first, *child.stdout]
        assert child.wait(30) == 0
    assert printed("".join(lines)) == [f"line {number} {'ț' * 20}" for number in range(2000)]
    assert live, "the first line came only after the end"
    assert not gate.workspace.run(str(run)).state.ended
    assert gate.lentiq("runs", "cancel", str(run), "rest").stdout == f"Task rest of run {run} is being cancelled.\n"
    assert gate.ended(str(run)).state == "CANCELLED"


def test_backfill_runs_each_start_once_and_earliest_first(gate: Road) -> None:
    start = (datetime.now(UTC) - timedelta(days=4)).replace(microsecond=0)
    apply(
        gate,
        "daily",
        f"schedule: {{start: '{start.isoformat()}', every: 1d, misfire: skip}}\ntasks: {{one: {{block: gate}}}}\n",
    )
    gate.scheduler()
    wait_for("skipped start", lambda: gate.workspace.runs(workflow="daily"))
    words = ("--from", start.isoformat(), "--to", (start + timedelta(days=2)).isoformat())
    assert gate.lentiq("workflow", "backfill", "daily", *words).stdout.startswith("Asked for 3 starts of daily")

    def done() -> list[Run]:
        return [one for one in reversed(gate.workspace.runs(workflow="daily")) if one.state == "SUCCEEDED"]

    runs = wait_for("backfill", lambda: found if len(found := done()) == 3 else None)
    assert [one.due_at for one in runs] == [start + timedelta(days=number) for number in range(3)]
    assert gate.lentiq("workflow", "backfill", "daily", *words).stdout.startswith("There is nothing to do")
    time.sleep(1.5)
    assert len(gate.workspace.runs(workflow="daily")) == 4
