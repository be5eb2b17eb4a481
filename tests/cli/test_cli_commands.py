"""What each command asks of the service, and what it prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from cli_office import Office
from click.testing import Result
from fake_service import BLOCK, WORKFLOW
from rich_inspection import RICH

from lentiq_jupyter.cli import app
from lentiq_jupyter.model import PublishRequest, Resources, TaskState, encode

Lentiq = Callable[..., Result]
YAML = "workflow: nightly\ntasks:\n  clean: {block: clean-sales, inputs: {limit: 3}}\n"


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += leaves(command, (*path, name))
        else:
            found.append(((*path, name), command))
    return found


def test_commands_are_those_of_the_design() -> None:
    assert sorted(" ".join(path) for path, _ in leaves(app)) == [
        "block deprecate",
        "block diff",
        "block dockerfile",
        "block drift",
        "block from-image",
        "block list",
        "block remove",
        "block resources",
        "block show",
        "demo",
        "inspect",
        "project create",
        "project list",
        "project set",
        "project show",
        "prune",
        "publish",
        "run",
        "runs cancel",
        "runs list",
        "runs logs",
        "runs open",
        "runs rerun",
        "runs show",
        "runs timeline",
        "scheduler",
        "secret list",
        "secret remove",
        "secret set",
        "status",
        "workflow apply",
        "workflow backfill",
        "workflow delete",
        "workflow export",
        "workflow list",
        "workflow pause",
        "workflow preview",
        "workflow resume",
        "workflow show",
        "workflow start",
    ]


@pytest.mark.parametrize(("path", "command"), leaves(app), ids=lambda one: " ".join(one) if type(one) is tuple else "")
def test_help_has_an_example_and_describes_every_option(path: tuple[str, ...], command: click.Command) -> None:
    assert f"  lentiq {' '.join(path)}" in (command.help or "") or path == ("runs", "open")
    assert [one.name for one in command.params if isinstance(one, click.Option) and not one.help] == []


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = (
        "import sys, lentiq_jupyter.cli; "
        "print([name for name in ('sqlalchemy', 'docker', 'httpx', 'jupyter_server', 'nbformat', 'traitlets', "
        "'ruamel', 'lentiq_jupyter.workspace') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_inspect_prints_what_was_found(lentiq: Lentiq, office: Office) -> None:
    assert lentiq("inspect", "a.ipynb", "--kernel", "r2d2").stdout.splitlines()[:2] == [
        "notebook  clean.ipynb, 9 cells",
        "kernel    r2d2",
    ]
    assert office.asked == [("inspect", ("a.ipynb", "r2d2", False))]


def test_inspect_takes_additions_and_removals(lentiq: Lentiq, office: Office) -> None:
    words = ["--add", "pyarrow==17.0.0", "--add", "torch>=2", "--remove", "pandas", "--remove", "warehouse"]
    shown = lentiq("inspect", "a.ipynb", *words).stdout
    assert office.asked[1:] == [("changes", (("pyarrow==17.0.0", "torch>=2"), ("pandas", "warehouse")))]
    assert "  pyarrow          17.0.0     user                  added by the user\n" in shown
    assert "\n  pandas " not in shown
    assert "no package explains" not in shown


def test_inspect_as_json_is_complete(lentiq: Lentiq) -> None:
    found = json.loads(lentiq("inspect", "a.ipynb", "--kernel", "python3", "--json").stdout)
    assert found == encode(RICH)


def test_inspect_prints_pinned_lines_only_when_asked(lentiq: Lentiq) -> None:
    assert RICH.lock is not None
    assert lentiq("inspect", "a.ipynb", "--requirements").stdout == RICH.lock.requirements


def test_publish_passes_every_option(lentiq: Lentiq, office: Office) -> None:
    words = ["--name", "n", "--version", "1", "--description", "d", "--builder", "docker", "--base", "b", "--no-kernel"]
    words += ["--add", "x>1", "--add", "y", "--remove", "z", "--exclude", "f", "--cpu", "500m", "--memory", "1Gi"]
    words += ["--include", "big.csv", "--add-system", "graphviz", "--remove-system", "libgl1", "--secret", "token"]
    lentiq("publish", "a.ipynb", *words, "--no-verify")
    assert office.asked == [
        (
            "publish",
            PublishRequest(
                path="a.ipynb",
                name="n",
                version="1",
                description="d",
                builder="docker",
                base="b",
                no_kernel=True,
                add=("x>1", "y"),
                remove=("z",),
                include_files=("big.csv",),
                exclude_files=("f",),
                add_system=("graphviz",),
                remove_system=("libgl1",),
                secrets=("token",),
                resources=Resources(cpu_millicores=500, memory_bytes=2**30),
                verify=False,
            ),
        )
    ]


def test_publish_is_proven_as_asked(lentiq: Lentiq, office: Office) -> None:
    lentiq("publish", "a.ipynb", "--proof", "import")
    assert office.asked == [("publish", PublishRequest(path="a.ipynb", name="a", proof="import"))]
    refused = lentiq("publish", "a.ipynb", "--proof", "run", "--no-verify", code=2).stderr
    assert refused == "lentiq: --proof and --no-verify exclude each other. Give one of them.\n"


def test_publish_prints_block_digest_bytes_and_seconds(lentiq: Lentiq) -> None:
    result = lentiq("publish", "clean-sales.ipynb")
    assert result.stdout == (
        "block    clean-sales@2\n"
        f"digest   {BLOCK.digest}\n"
        "proof    not proven\n"
        "sent     10 B of 20 B (10 bytes)\n"
        "seconds  0.5 (build 0.5 s)\n"
        "note: unchanged: version 2 is the same\n"
    )
    assert result.stderr == "  analyse  reading clean.ipynb\n    build  sending\n register  registering\n"


@pytest.mark.parametrize(
    ("words", "document"),
    [
        (("block", "list"), [encode(BLOCK)]),
        (("block", "show", "clean-sales"), encode(BLOCK)),
        (("workflow", "show", "nightly"), encode(WORKFLOW)),
        (("workflow", "pause", "nightly"), {**encode(WORKFLOW), "paused": True}),  # type: ignore[dict-item]
        (("runs", "list"), []),
        (("project", "create", "p", "--cpu", "1", "--memory", "1Gi"),
         {"name": "p", "quota": {"cpu_millicores": 1000, "memory_bytes": 2**30}}),
    ],
    ids=lambda one: " ".join(one) if type(one) is tuple else "",
)  # fmt: skip
def test_json_is_the_encoded_record(lentiq: Lentiq, office: Office, words: tuple[str, ...], document: object) -> None:
    office.saved["default", "nightly"] = WORKFLOW
    assert json.loads(lentiq(*words, "--json").stdout) == document
    assert json.loads(lentiq("--json", *words).stdout) == document


def test_json_is_refused_where_there_is_none(lentiq: Lentiq) -> None:
    assert "lentiq block remove has no --json." in lentiq("--json", "block", "remove", "clean-sales@1", code=2).stderr


def test_settings_may_stand_before_or_after_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from click.testing import CliRunner

    given: list[dict[str, object]] = []

    def take(**words: object) -> None:
        given.append(words)
        raise SystemExit(77)

    monkeypatch.setattr("lentiq_jupyter.workspace.load_settings", take)
    runner = CliRunner()
    runner.invoke(app, ["--home", "h", "--registry", "r", "block", "list"])
    runner.invoke(app, ["block", "list", "--home", "h", "--executor", "docker"])
    runner.invoke(app, ["--home", "first", "block", "list", "--home", "last"])
    runner.invoke(app, ["scheduler", "--tick", "5"])
    assert given == [
        {"home": "h", "registry": "r"},
        {"home": "h", "executor": "docker"},
        {"home": "last"},
        {"tick_s": 5.0},
    ]


def test_dockerfile_is_printed_or_written_with_its_context(lentiq: Lentiq, tmp_path: Path) -> None:
    assert lentiq("block", "dockerfile", "clean-sales").stdout == "FROM python:3.11-slim\n"
    lentiq("block", "dockerfile", "clean-sales", "--context", str(tmp_path / "build"))
    assert (tmp_path / "build" / "Dockerfile").is_file()


def test_remove_needs_a_version(lentiq: Lentiq, office: Office) -> None:
    assert "as in clean-sales@1" in lentiq("block", "remove", "clean-sales", code=2).stderr
    lentiq("block", "remove", "clean-sales@1")
    assert office.asked == [("remove_block", "clean-sales@1")]


def test_run_follows_and_prints_states_reason_log_and_outputs(lentiq: Lentiq, office: Office) -> None:
    result = lentiq("run", "clean-sales", "-i", "limit=3", "-i", "country=a=b", "-i", 'options={"x": [1]}')
    inputs = {"limit": 3, "country": "a=b", "options": {"x": [1]}}
    assert office.asked == [("run_block", ("clean-sales", inputs, None, "default"))]
    assert result.stderr == (
        "run r1 of clean-sales: PENDING\n"
        "  clean-sales: PENDING (needs 1 CPU; free 500m CPU; held by other)\n"
        "  clean-sales: RUNNING\n"
        "run r1: RUNNING\n"
        "  clean-sales: cell 1 of 2 done\n"
        "  clean-sales: SUCCEEDED after 3.0 s\n"
        "run r1: SUCCEEDED in 9.0 s\n"
    )
    assert result.stdout == "începe\nrow 1\nrow 2\nclean-sales.total = 6\n"


def test_run_that_fails_has_exit_code_1_and_the_reason(lentiq: Lentiq, office: Office) -> None:
    office.end = TaskState.FAILED
    result = lentiq("run", "clean-sales", "-i", "limit=3", code=1)
    assert result.stderr.splitlines()[-1] == (
        "lentiq: Run r1 of clean-sales is FAILED: clean-sales: cell 2 raised ValueError"
    )


def test_run_prints_only_the_document_with_json(lentiq: Lentiq, office: Office) -> None:
    result = lentiq("run", "clean-sales", "-i", "limit=3", "--json")
    assert (json.loads(result.stdout), result.stderr) == (encode(office.made["r1"]), "")


def test_run_without_following_returns_at_once(lentiq: Lentiq, office: Office) -> None:
    words = ("run", "clean-sales@1", "-i", "limit=3", "--cpu", "2", "--memory", "1Gi", "--project", "p", "--no-follow")
    assert lentiq(*words).stdout == "Started run r1. See it with: lentiq runs show r1\n"
    resources = Resources(cpu_millicores=2000, memory_bytes=2**30)
    assert office.asked == [("run_block", ("clean-sales@1", {"limit": 3}, resources, "p"))]


def test_ctrl_c_cancels_the_run_and_leaves_with_130(lentiq: Lentiq, office: Office) -> None:
    office.interrupt = 3
    result = lentiq("run", "clean-sales", "-i", "limit=3", code=130)
    assert result.stderr.splitlines()[-1] == "lentiq: Run r1 is CANCELLED, as asked."
    assert office.made["r1"].cancel_requested


def test_ctrl_c_stops_a_publish_at_its_next_step() -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from pathlib import Path\n"
        "from cli_office import Office\n"
        "from lentiq_jupyter.cli import app\n"
        "office = Office(Path('.')); office.hold.clear()\n"
        "app(['publish', 'a.ipynb'], obj=office)\n"
    )
    tests = Path(__file__).parents[1]
    words = [sys.executable, "-c", code, str(tests), str(tests / "cli")]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        while "sending" not in child.stderr.readline():
            pass
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        said = child.stderr.read()
    assert (child.wait(20), said.splitlines()[-1]) == (130, "lentiq: Stopped as asked. Nothing was registered.")


def test_workflow_from_file_to_start_and_back(lentiq: Lentiq, office: Office, tmp_path: Path) -> None:
    path = tmp_path / "nightly.yaml"
    path.write_text(YAML)
    assert lentiq("workflow", "apply", str(path)).stdout == (
        "Saved nightly in project default, revision 1.\n"
        "It has no schedule. Start it with: lentiq workflow start nightly\n"
    )
    assert lentiq("workflow", "list").stdout.splitlines() == [
        "WORKFLOW  PROJECT  TASKS  SCHEDULE  NEXT START  LAST RUN",
        "nightly   default  1      by hand   -           RUNNING (r1)",
    ]
    exported = lentiq("workflow", "export", "nightly").stdout
    assert lentiq("workflow", "show", "nightly").stdout == exported + "# revision 1\n"
    file = tmp_path / "nightly.workflow.yaml"
    mine = f"# mine\r\n{exported}".encode()
    file.write_bytes(mine)
    lentiq("workflow", "export", "nightly", "--into", str(file))
    assert file.read_bytes() == mine
    file.write_bytes(b"\xff")
    lentiq("workflow", "export", "nightly", "--into", str(file), code=2)
    assert lentiq("workflow", "start", "nightly").stdout.startswith("Started run r1.")
    assert lentiq("workflow", "start", "nightly", "--follow").stdout.endswith("clean.total = 6\n")
    lentiq("workflow", "pause", "nightly")
    lentiq("workflow", "apply", "-", text=exported)
    assert office.saved["default", "nightly"].paused, "a paused workflow stays paused"
    assert lentiq("workflow", "resume", "nightly").stdout == "nightly goes on. Next start: -\n"
    lentiq("workflow", "delete", "nightly")
    assert office.saved == {}


def test_faults_of_a_file_are_listed_one_a_line(lentiq: Lentiq) -> None:
    result = lentiq("workflow", "apply", "-", code=2, text="workflow: w\ntask: {}\n")
    assert result.stderr.splitlines() == [
        "lentiq: Not a valid workflow file.",
        "  task (line 2): unknown; did you mean tasks?",
        "  tasks (line 1): missing",
    ]


def test_runs_are_listed_shown_repeated_and_cancelled(lentiq: Lentiq, office: Office) -> None:
    lentiq("run", "clean-sales", "-i", "limit=3")
    assert "r1   clean-sales  SUCCEEDED" in lentiq("runs", "list", "--workflow", "w", "--limit", "3").stdout
    assert ("runs", (None, "w", 3)) in office.asked
    shown = lentiq("runs", "show", "r1").stdout
    assert "clean-sales (clean-sales@2): SUCCEEDED after 3.0 s, 1 of 2 cells" in shown
    assert "  output total = 6" in shown
    assert lentiq("runs", "rerun", "r1").stdout.startswith("Started run r2.")
    assert lentiq("runs", "cancel", "r1").stdout == "Run r1 has ended: CANCELLED.\n"


def test_logs_are_printed_whole_or_followed(lentiq: Lentiq) -> None:
    lentiq("run", "clean-sales", "-i", "limit=3")
    assert lentiq("runs", "logs", "r1").stdout == "începe\nrow 1\nrow 2\n"
    assert lentiq("runs", "logs", "r1", "clean-sales", "--follow").stdout == "începe\nrow 1\nrow 2\n"
    assert "Its tasks: clean-sales." in lentiq("runs", "logs", "r1", "train", code=3).stderr


def test_executed_notebook_is_opened_as_file_or_web_page(lentiq: Lentiq, office: Office) -> None:
    lentiq("run", "clean-sales", "-i", "limit=3")
    path = lentiq("runs", "open", "r1", "clean-sales").stdout.strip()
    assert path == str(office.home / "runs" / "r1" / "clean-sales" / "notebook.ipynb")
    page = Path(lentiq("runs", "open", "r1", "clean-sales", "--html").stdout.strip())
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_projects_are_listed_shown_made_and_changed(lentiq: Lentiq) -> None:
    assert lentiq("project", "list").stdout.splitlines()[1] == "default  500m of 2  1Gi of 2Gi"
    assert "quota   2 CPU, 2Gi" in lentiq("project", "show", "default").stdout
    assert lentiq("project", "set", "default", "--cpu", "4").stdout == "Project default has 4 CPU, 2Gi.\n"
    assert "lentiq project create p" in lentiq("project", "show", "p", code=3).stderr
    assert "exists" in lentiq("project", "create", "default", "--cpu", "1", "--memory", "1Gi", code=4).stderr


def test_status_says_what_to_do(lentiq: Lentiq) -> None:
    assert lentiq("status", code=1).stdout.splitlines()[5:] == [
        "scheduler  -",
        "database   sqlite:////home/ana/lentiq/lentiq.sqlite",
        "renewed    -",
        "tasks      default 1 RUNNING",
        "pending    clean of run r1 (nightly): needs 1 CPU",
        "executors  process up",
        "isolation  process namespaces",
        "notify     mailto://example.org: failed",
        "! No scheduler runs. Start one with: lentiq scheduler",
    ]


def test_scheduler_ends_cleanly_at_sigterm(lentiq: Lentiq, office: Office) -> None:
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert lentiq("scheduler").stdout.endswith("The scheduler has ended.\n")
    assert office.asked == [("run_forever", None), ("stopped", True)]
