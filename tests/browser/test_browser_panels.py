"""The page of a run as a panel in a notebook, between Python and the browser."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser_lab import Lab, picture, write
from browser_work import publish
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(300)]
MINUTE = 60_000
WATCH = """%load_ext lentiq_jupyter
from lentiq_jupyter.connect import connect
run = connect().run_block("in-a-panel", {{"flag": {flag!r}}})
panel = %lentiq watch $run.id
panel"""


@pytest.fixture
def flag(lab: Lab) -> Path:
    """A block waits for this file."""
    wait = "import os, time\nwhile not os.path.exists(flag):\n    time.sleep(0.1)"
    publish(lab, "in-a-panel", ("parameters", "flag = ''"), ("", "print('begun')"), ("", wait), ("", "print(6 * 7)"))
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


def run_cell(page: Page) -> None:
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")


def first_output(page: Page) -> Locator:
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea").first


def python_says(page: Page, cell: int, text: str) -> None:
    """Run that cell, counted from 0; what it prints is on screen."""
    # A click into a panel has made its cell the active one.
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .jp-InputArea").nth(cell).click()
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    expect(page.get_by_text(text)).to_be_visible(timeout=MINUTE)


def drag(page: Page, composer: Locator, before: str, after: str) -> None:
    """From the handle of one task to that of a task that shall wait for it."""
    source, target = (
        composer.locator(f'.react-flow__node[data-id="{task}"] .react-flow__handle.{end}')
        for task, end in ((before, "source"), (after, "target"))
    )
    # Hovering waits until the graph has come to rest.
    target.hover()
    source.hover()
    box = target.bounding_box()
    assert box is not None
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()


FORM = """from lentiq_jupyter.panels import BlockPanel
import ipywidgets
panel = BlockPanel("in-a-form")
slider = ipywidgets.IntSlider(3, min=0, max=20, description="times")
ipywidgets.link((slider, "value"), (panel.fields["times"], "value"))
ipywidgets.VBox([slider, panel])"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_block_is_run_from_a_form(lab: Lab, page: Page, theme: str) -> None:
    shade = theme.split()[-1].lower()
    publish(
        lab,
        "in-a-form",
        ("parameters", "times: int = 3\nrate: float = 0.5\nword: str = 'x'\noptions: dict = {}\nfast: bool = True"),
        ("", "print(word * times, rate, options, fast)"),
    )
    write(lab.root / "form.ipynb", ("", FORM), ("", "print('in Python:', panel.state, panel.value['times'])"))
    lab.open(page, "form.ipynb", theme)
    run_cell(page)
    shown = first_output(page)
    times = shown.get_by_role("spinbutton", name="times", exact=True)
    expect(times).to_have_value("3", timeout=MINUTE)
    times.fill("7")
    times.press("Tab")
    expect(shown.get_by_role("slider")).to_have_attribute("aria-valuetext", "7")
    options = shown.get_by_role("textbox", name="options")
    options.fill("{oops")
    options.press("Tab")
    expect(shown.get_by_role("alert").filter(has_text="Write a JSON document.")).to_be_visible()
    shown.get_by_role("button", name="Run", exact=True).click()
    expect(shown.get_by_text("Correct options.")).to_be_visible()
    picture(page, f"block-panel-fault-{shade}")
    options.fill('{"a": 1}')
    options.press("Tab")
    shown.get_by_role("button", name="Run", exact=True).click()
    expect(shown.get_by_role("button", name="Run again")).to_be_enabled(timeout=MINUTE)
    expect(shown.get_by_text("SUCCEEDED")).to_be_visible()
    shown.get_by_role("button", name="Show the run").click()
    expect(shown.get_by_role("log", name="Log of in-a-form")).to_contain_text("xxxxxxx 0.5 {'a': 1} True")
    picture(page, f"block-panel-{shade}")
    python_says(page, 1, "in Python: SUCCEEDED 7")
    page.set_viewport_size({"width": 1024, "height": 700})
    shown.get_by_role("button", name="Run again").first.scroll_into_view_if_needed()
    picture(page, f"block-panel-narrow-{shade}")


def test_saved_notebook_shows_a_picture_where_its_kernel_is_gone(lab: Lab, page: Page) -> None:
    publish(lab, "pictured", ("", "import time\nfrom lentiq_jupyter import output\noutput('n', 3)"))
    code = """%load_ext lentiq_jupyter
run = %lentiq run pictured
panel = %lentiq watch $run.id
panel"""
    write(lab.root / "kept.ipynb", ("", code), ("", "%lentiq compose"))
    lab.open(page, "kept.ipynb")
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    run_cell(page)
    expect(notebook.get_by_role("region", name="Run ")).to_be_visible(timeout=MINUTE)
    expect(notebook.get_by_role("table").filter(has_text="Reason")).to_be_hidden()
    run_cell(page)
    expect(notebook.get_by_role("region", name="Workflow composer")).to_be_visible(timeout=MINUTE)
    picture(page, "panels-alive")
    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    page.evaluate("""async () => {
        const { sessionContext } = window.jupyterapp.shell.currentWidget;
        await sessionContext.shutdown();
    }""")
    for theme in ("Light", "Dark"):
        lab.open(page, "kept.ipynb", f"JupyterLab {theme}")
        expect(notebook.get_by_role("row").filter(has_text="pictured")).to_contain_text("SUCCEEDED", timeout=MINUTE)
        expect(notebook.get_by_text("Workflow my-workflow of project default")).to_be_visible()
        expect(notebook.get_by_text("Error displaying widget")).to_have_count(0)
        picture(page, f"panels-pictured-{theme.lower()}")
    # Everywhere else the saved notebook is all there is.
    words = [sys.executable, "-m", "nbconvert", "--to", "html", "kept.ipynb"]
    subprocess.run(words, cwd=lab.root, check=True, capture_output=True)
    page.goto((lab.root / "kept.html").as_uri())
    expect(page.get_by_role("row").filter(has_text="pictured")).to_contain_text("SUCCEEDED")
    picture(page, "panels-nbconvert")


def test_workflow_is_composed_by_drag_and_python_sees_it(lab: Lab, page: Page) -> None:
    for name in ("first-step", "second-step"):
        publish(lab, name, ("", f"print({name!r})"))
    write(
        lab.root / "drag.ipynb",
        ("", "from lentiq_jupyter.panels import WorkflowPanel\npanel = WorkflowPanel()\npanel"),
        ("", "print('after:', {one.name: one.after for one in panel.value.tasks})"),
    )
    lab.open(page, "drag.ipynb")
    run_cell(page)
    composer = first_output(page).get_by_role("region", name="Workflow composer")
    for name in ("first-step", "second-step"):
        composer.get_by_role("button", name=f"Add {name}@1").click(timeout=MINUTE)
    expect(composer.get_by_role("button", name=re.compile("^Task "))).to_have_count(2)
    drag(page, composer, "first-step", "second-step")
    expect(composer.locator(".react-flow__edge")).to_have_count(1)
    picture(page, "panel-dragged")
    python_says(page, 1, "after: {'first-step': (), 'second-step': ('first-step',)}")
