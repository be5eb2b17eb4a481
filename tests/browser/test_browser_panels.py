"""The page of a run as a panel in a notebook, between Python and the browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from browser_lab import Lab, picture, write
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(300)]
MINUTE = 60_000
WATCH = """%load_ext lentiq_jupyter
from lentiq_jupyter.connect import connect
run = connect().run_block("in-a-panel", {{"flag": {flag!r}}})
panel = %lentiq watch $run.id
panel"""


def publish(lab: Lab, name: str) -> None:
    words = [sys.executable, "-m", "lentiq_jupyter.cli", "publish", f"{name}.ipynb", "--no-verify"]
    environment = {**os.environ, "LENTIQ_HOME": str(lab.log.parent / "home")}
    subprocess.run(words, cwd=lab.root, env=environment, check=True, capture_output=True)


@pytest.fixture
def flag(lab: Lab) -> Path:
    """A block waits for this file."""
    wait = "import os, time\nwhile not os.path.exists(flag):\n    time.sleep(0.1)"
    write(
        lab.root / "in-a-panel.ipynb",
        ("parameters", "flag = ''"),
        ("", "print('begun')"),
        ("", wait),
        ("", "print(6 * 7)"),
    )
    publish(lab, "in-a-panel")
    return lab.root / "panel-flag"


def test_run_is_watched_in_a_notebook_and_run_again(lab: Lab, page: Page, flag: Path) -> None:
    write(lab.root / "watch.ipynb", ("", WATCH.format(flag=str(flag))), ("", "print('in Python:', panel.value.state)"))
    lab.open(page, "watch.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    cell = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea").first
    shown = cell.get_by_role("region", name="Run ")
    state = shown.get_by_role("status", name="State of the run")
    expect(shown.get_by_role("log", name="Log of in-a-panel")).to_contain_text("begun", timeout=MINUTE)
    expect(state).to_have_text("RUNNING")
    picture(page, "run-panel-live")
    flag.touch()
    expect(state).to_have_text("SUCCEEDED", timeout=MINUTE)
    shown.get_by_role("tab", name="Notebook").click()
    expect(shown.get_by_role("listitem", name="Cell 5")).to_contain_text("42", timeout=MINUTE)
    picture(page, "run-panel-notebook")
    # What Python sees is what is shown. A click into the panel has made its cell the active one.
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .jp-InputArea").nth(1).click()
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    expect(page.get_by_text("in Python: SUCCEEDED")).to_be_visible(timeout=MINUTE)
    before = shown.get_attribute("aria-label")
    shown.get_by_role("button", name="Run again", exact=True).click()
    expect(cell.get_by_role("region", name="Run ")).not_to_have_attribute("aria-label", str(before), timeout=MINUTE)
    expect(state).to_have_text("SUCCEEDED", timeout=MINUTE)
