"""Panels and the toolbar's button in Jupyter Notebook, which is another application than JupyterLab."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from browser_lab import Lab, picture, running_lab, write
from playwright.sync_api import Browser, Page, expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(importlib.util.find_spec("notebook") is None, reason="Jupyter Notebook 7 is not installed"),
]
MINUTE = 60_000
CODE = """from lentiq_jupyter.panels import BlockPanel, WorkflowPanel
import ipywidgets
form, panel = BlockPanel("plain-step"), WorkflowPanel()
ipywidgets.VBox([form, panel])"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("notebook"), program="notebook") as found:
        yield found


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """As in Lab, but for one fault of Notebook's own settings, which is there without this extension, too."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(MINUTE)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert [fault for fault in faults if "reading 'schema'" not in fault] == []


def test_panels_work_in_jupyter_notebook(notebook: Lab, page: Page) -> None:
    write(notebook.root / "plain-step.ipynb", ("parameters", "n: int = 2"), ("", "print('n is', n)"))
    subprocess.run(
        [sys.executable, "-m", "lentiq_jupyter.cli", "publish", "plain-step.ipynb", "--no-verify"],
        cwd=notebook.root,
        env={**os.environ, "LENTIQ_HOME": notebook.environment["LENTIQ_HOME"]},
        check=True,
        capture_output=True,
    )
    write(notebook.root / "panels.ipynb", ("", CODE))
    page.goto(f"{notebook.url}/notebooks/panels.ipynb?token={notebook.token}")
    expect(page.locator(".jp-NotebookPanel-toolbar").get_by_role("button", name="Publish as block")).to_be_visible()
    page.locator(".jp-Cell .cm-content").first.click()
    shown = page.locator(".jp-OutputArea").first
    composer = shown.get_by_role("region", name="Workflow composer")
    # A cell that is run before there is a kernel is run by nobody.
    for _ in range(30):
        page.keyboard.press("Control+Enter")
        try:
            expect(composer).to_be_visible(timeout=4_000)
            break
        except AssertionError:
            continue
    form = shown.get_by_role("spinbutton", name="n", exact=True)
    form.fill("5")
    form.press("Tab")
    shown.get_by_role("button", name="Run", exact=True).click()
    expect(shown.get_by_text("SUCCEEDED")).to_be_visible(timeout=MINUTE)
    composer.get_by_role("button", name="Add plain-step@1").click()
    expect(composer.get_by_role("button", name="Task plain-step, plain-step@1")).to_be_visible()
    picture(page, "notebook-7")
