"""``%lentiq`` in a real shell over a service in memory."""

from __future__ import annotations

import dataclasses
import re
import sys
import threading

import pytest
from fake_service import BLOCK, WORKFLOW, FakeService
from IPython.core.interactiveshell import InteractiveShell
from rich_inspection import RICH

from lentiq_jupyter.magics import LentiqMagic, inspection, magic, register, tables
from lentiq_jupyter.model import (
    DEFAULT_RESOURCES,
    BlockQuery,
    Facts,
    Inspection,
    PublishRequest,
    Resources,
    Run,
    RunState,
)
from lentiq_jupyter.panels import live as panel_module


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    fake = FakeService()
    monkeypatch.setattr(magic, "connect", lambda: fake)
    monkeypatch.setattr(magic, "POLL_S", 0.01)
    return fake


@pytest.fixture
def shell(service: FakeService, tmp_path, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.history_manager.enabled = False
    register(made)
    yield made
    InteractiveShell.clear_instance()


@pytest.fixture
def lentiq(shell: InteractiveShell):
    return lambda line: shell.run_line_magic("lentiq", line)


def test_extension_registers_the_magic(shell: InteractiveShell) -> None:
    assert isinstance(shell.find_line_magic("lentiq"), LentiqMagic)


def test_blocks_are_a_list_that_shows_itself_escaped(lentiq) -> None:
    found = lentiq("blocks")
    assert found == [BLOCK]
    titles, row = repr(found).splitlines()
    assert titles.split() == ["Block", "Description", "Inputs", "Proof", "Made"]
    assert re.split(r"  +", row) == [
        "clean-sales@2",
        "Cleans <b>sales</b>",
        "country: str = 'RO', limit: int, fast: bool = False, options: json = None",
        "not proven",
        "2026-12-01 02:00 UTC",
    ]
    html = found._repr_html_()
    assert "Cleans &lt;b&gt;sales&lt;/b&gt;" in html
    assert "<b>" not in html


def test_blocks_are_searched(lentiq, service: FakeService) -> None:
    lentiq("blocks sales 'pandas numpy' --owner ana --input limit --no-deprecated")
    query = BlockQuery(words="sales pandas numpy", owner="ana", input="limit", deprecated=False)
    assert service.asked == [("blocks", query)]
    assert repr(lentiq("blocks nothing")) == "No block matches."


def test_texts_of_strangers_do_not_steer_a_terminal() -> None:
    spec = dataclasses.replace(BLOCK.spec, description="\x1b[31mred\x1b]0;title\x07\nline \u202eback")
    shown = repr(tables.blocks([dataclasses.replace(BLOCK, spec=spec, deprecated="old")]))
    assert len(shown.splitlines()) == 2
    assert "deprecated.  [31mred ]0;title  line  back" in shown


def test_empty_lists_say_so(lentiq) -> None:
    assert repr(lentiq("workflows")) == "No workflow is saved. Compose one: %lentiq compose"
    assert lentiq("runs")._repr_html_() == "<em>Nothing has run yet. Run a block: %lentiq run BLOCK</em>"


def test_status_lists_problems(lentiq) -> None:
    found = lentiq("status")
    assert ("problem", "No scheduler runs. Start one with: lentiq scheduler") in found
    assert "executor   process" in repr(found)
    assert not {"{", "["} & set(repr(found))


def test_workflows_and_runs_are_listed(lentiq, service: FakeService) -> None:
    service.save_workflow(WORKFLOW)
    run = service.start_workflow("nightly")
    assert repr(lentiq("workflows")).splitlines()[1].split() == ["default/nightly", "clean", "by", "hand", "RUNNING"]
    found = lentiq("runs --project default")
    assert found == [run]
    assert service.asked[-1] == ("runs", ("default", None, 20))


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "clean.ipynb"
    path.write_text("{}")
    return path


def test_publish_takes_this_notebook_and_gives_the_block(lentiq, service, notebook, monkeypatch, capsys) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    found = lentiq("publish --name tidy --description 'One sentence.' --no-verify")
    assert found.reference == "tidy@2"
    ((verb, request),) = service.asked
    assert (verb, dataclasses.replace(request, live=None)) == (
        "publish",
        PublishRequest(path=str(notebook), name="tidy", description="One sentence.", verify=False),
    )
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(f"Publishing {notebook} as saved at ")
    assert out[1:] == [
        " analyse  reading clean.ipynb",
        "   build  sending",
        "register  registering",
        "all well",
        "tidy@2: 10 bytes sent, 0.5 s",
        "not proven",
    ]


def test_publish_takes_every_decision(lentiq, service) -> None:
    words = "--no-kernel --add 'x>1' --add y --remove z --include big.csv --exclude f --add-system graphviz "
    words += "--remove-system libgl1 --secret token --cpu 2 --proof import"
    lentiq(f"publish a.ipynb {words}")
    assert service.asked == [
        (
            "publish",
            PublishRequest(
                path="a.ipynb",
                no_kernel=True,
                add=("x>1", "y"),
                remove=("z",),
                include_files=("big.csv",),
                exclude_files=("f",),
                add_system=("graphviz",),
                remove_system=("libgl1",),
                secrets=("token",),
                resources=Resources(cpu_millicores=2000, memory_bytes=DEFAULT_RESOURCES.memory_bytes),
                proof="import",
            ),
        )
    ]


def test_inspect_gives_the_inspection(lentiq, service, notebook, monkeypatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    assert lentiq("inspect --kernel python3") == RICH
    lentiq("inspect other.ipynb --no-kernel --add pyarrow==17.0.0 --remove pandas")
    assert service.asked == [
        ("inspect", (str(notebook), "python3", False)),
        ("inspect", ("other.ipynb", None, True)),
        ("changes", (("pyarrow==17.0.0",), ("pandas",))),
    ]


def test_own_notebook_comes_with_what_this_kernel_has_loaded(lentiq, service, notebook, monkeypatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    lentiq("inspect")
    assert (service.live.python, service.live.busy) == (sys.executable, True)
    assert {"sys", "lentiq_jupyter.magics"} <= set(service.live.modules)
    lentiq("publish")
    assert service.asked[-1][1].live.python == sys.executable
    lentiq("inspect other.ipynb")
    assert service.live is None


def test_inspection_shows_itself_as_escaped_tables(shell: InteractiveShell) -> None:
    shown, _ = shell.display_formatter.format(RICH)
    page, text = shown["text/html"], shown["text/plain"]
    assert "&lt;img src=x&gt; margin is used here" in page
    assert "<img" not in page
    assert "<tr><td>pandas</td><td>2.2.3</td><td>kernel</td>" in re.sub("<td [^>]*>", "<td>", page)
    assert "<details><summary><b>Packages that these need (3)</b></summary>" in page
    assert text.startswith("clean.ipynb: 9 cells, Python 3.11, live kernel asked; proof: imports only (it fetches")
    assert re.search(r"error +Cell 6 holds a GitHub token\..* cell 6, line 2", text)
    assert "needed by matplotlib" not in text


def test_empty_inspection_is_one_sentence() -> None:
    found = Inspection(facts=Facts(notebook="n.ipynb", sha256="", kernel="", cells=1))
    assert inspection.as_text(found) == "n.ipynb: 1 cell, no packages resolved, no kernel asked; proof: run"


def test_stale_session_name_is_not_believed(lentiq, service, notebook, monkeypatch, capsys) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook.with_name("renamed.ipynb")))
    assert lentiq("publish") is None
    assert capsys.readouterr().err == (
        "Which notebook this is cannot be told (it may have been renamed). %lentiq publish NOTEBOOK\n"
    )
    assert service.asked == []


def test_explicit_notebook_wins(lentiq, service, notebook, monkeypatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    lentiq("publish 'other one.ipynb'")
    assert service.asked[0][1].path == "other one.ipynb"


def test_run_follows_to_the_end(lentiq, service: FakeService, monkeypatch, capsys) -> None:
    asked = service.run

    def soon_done(run_id: str) -> Run:
        found = asked(run_id)
        service.finish(run_id)
        return found

    monkeypatch.setattr(service, "run", soon_done)
    found = lentiq("run clean-sales@2 -i limit=7 -i country='Țara Românească' -i fast=yes --cpu 2")
    values = {"limit": 7, "country": "Țara Românească", "fast": True}
    resources = Resources(cpu_millicores=2000, memory_bytes=DEFAULT_RESOURCES.memory_bytes)
    assert service.asked == [("run_block", ("clean-sales@2", values, resources, "default"))]
    assert (type(found), found.state) == (Run, RunState.SUCCEEDED)
    assert capsys.readouterr().out == "Run r1 of clean-sales@2\nPENDING\nSUCCEEDED\n"


def test_failed_run_says_so_on_stderr(lentiq, service: FakeService, capsys) -> None:
    end = threading.Timer(0.05, lambda: service.finish("r1", RunState.FAILED))
    end.start()
    assert lentiq("run clean-sales -i limit=1").state is RunState.FAILED
    end.join()
    assert capsys.readouterr().err == "Run r1 ended FAILED\n"


def test_interrupt_cancels_the_run(lentiq, service: FakeService, monkeypatch, capsys) -> None:
    asked = service.run
    calls: list[str] = []

    def interrupted(run_id: str) -> Run:
        calls.append(run_id)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return asked(run_id)

    monkeypatch.setattr(service, "run", interrupted)
    assert lentiq("run clean-sales -i limit=1").cancel_requested
    assert capsys.readouterr().err == "Run r1 is being cancelled.\n"


def test_no_wait_comes_back_at_once(lentiq, service: FakeService) -> None:
    assert lentiq("run clean-sales -i limit=1 --no-wait") == service.run("r1")


def test_compose_gives_a_panel_over_the_workflow(lentiq, service: FakeService, monkeypatch) -> None:
    monkeypatch.setattr(panel_module, "read_frontend", lambda: ("export default {}", ""))
    saved = service.save_workflow(WORKFLOW)
    panel = lentiq("compose nightly")
    assert panel.value == saved
    panel.close()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("run", "%lentiq run: the following arguments are required: BLOCK[@VERSION]. %lentiq run -h lists"),
        ("dance", "%lentiq has no verb 'dance'. %lentiq -h lists what it takes."),
        ("publsh", "%lentiq has no verb 'publsh'. Did you mean publish?"),
        ("publish a.ipynb --proof run --no-verify", "%lentiq publish: argument --no-verify: not allowed with argument"),
        ("run 'clean", "%lentiq: No closing quotation. Close the quote."),
        ("run none", "There is no block none. Publish it first."),
        ("run clean-sales -i colour=red", "'colour=red' gives no input of clean-sales@2. Its inputs: country, limit"),
        ("run clean-sales -i limit=many", "Input limit takes int, not 'many'."),
        ("run clean-sales -i limit=1 --memory lots", "'lots' is not an amount of memory."),
        ("compose none", "There is no workflow default/none. Save it first."),
    ],
)
def test_error_is_one_sentence_without_traceback(lentiq, capsys, line: str, text: str) -> None:
    assert lentiq(line) is None
    said = capsys.readouterr()
    assert said.err.startswith(text)
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err + said.out


@pytest.mark.parametrize("line", ["", "-h", "--help", "run -h"])
def test_help_is_text(lentiq, capsys, line: str) -> None:
    assert lentiq(line) is None
    assert capsys.readouterr().out.startswith("usage: %lentiq")


def test_block_and_run_show_themselves_as_tables(shell: InteractiveShell, service: FakeService) -> None:
    run = service.run_block("clean-sales", {"limit": 1})
    for record, words in ((BLOCK, "clean-sales@2"), (run, "default/clean-sales")):
        shown, _ = shell.display_formatter.format(record)
        assert words in shown["text/plain"]
        assert re.search(f"<td [^>]*>{words}</td>", shown["text/html"])
