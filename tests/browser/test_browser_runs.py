"""Runs as people look at them: the page of a run, the queue of a project, the badge of a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_lab import Lab, picture, write
from browser_work import (
    BREAKS,
    QUICK,
    STEPS,
    ask,
    end,
    execute,
    flags_of,
    open_run,
    publish,
    run_block,
    run_workflow,
    start,
    state_of,
)
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(300)]
MINUTE = 60_000


@pytest.fixture(scope="module")
def blocks(lab: Lab) -> Iterator[Path]:
    """Blocks of small notebooks in Lab's own catalogue; gives the folder in which their files wait for each other."""
    for name, cells in {"steps": STEPS, "breaks": BREAKS, "quick": QUICK}.items():
        publish(lab, name, *cells)
    flags = flags_of(lab)
    yield flags
    # What still waits need not wait any longer.
    for name in ("go", "never"):
        (flags / name).touch()


def test_run_is_followed_live_to_its_end_across_a_reload(lab: Lab, page: Page, blocks: Path) -> None:
    run = run_block(lab, "steps", flag=str(blocks / "go"))
    start(lab, page)
    shown = open_run(page, run)
    log = shown.get_by_role("log", name="Log of steps")
    expect(log).to_contain_text("begun", timeout=MINUTE)
    expect(state_of(shown)).to_have_text("RUNNING")
    expect(log).to_contain_text("<img src=x onerror=\"document.title='owned'\">red")
    expect(page.get_by_role("button", name=re.compile("Lentiq: 1 task running"))).to_be_visible()
    picture(page, "run-live-light")
    # What was open is opened again, and goes on where it was.
    page.goto(f"{lab.url}/lab?token={lab.token}")
    page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=90_000)
    shown = page.get_by_role("region", name=f"Run {run}")
    expect(shown.get_by_role("log", name="Log of steps")).to_contain_text("begun", timeout=MINUTE)
    # The runner puts a cell of its own behind the parameters: what is given.
    shown.get_by_role("tab", name="Notebook").click()
    expect(shown.get_by_role("listitem", name="Cell 4, running")).to_be_visible(timeout=MINUTE)
    picture(page, "run-notebook-grows")
    (blocks / "go").touch()
    expect(state_of(shown)).to_have_text("SUCCEEDED", timeout=MINUTE)
    expect(page.get_by_text(re.compile("^steps-[0-9a-f]+ succeeded$"))).to_be_visible()
    expect(shown.get_by_role("listitem", name="Cell 5")).to_contain_text("done")
    shown.get_by_role("tab", name="Timeline").click()
    row = shown.get_by_role("button", name=re.compile(r"^steps, SUCCEEDED, waited for room .*, ran "))
    expect(row).to_be_visible()
    shown.get_by_role("tab", name="Inputs and resources").click()
    expect(shown.get_by_text(re.compile("at most$"))).to_be_visible()
    picture(page, "run-timeline-light")
    assert page.title() != "owned"


def test_failure_is_found_at_its_cell_and_repeated_from_there(lab: Lab, page: Page, blocks: Path) -> None:
    run = run_workflow(lab, "weekly", quick=(), breaks=("quick",))
    end(lab, run)
    start(lab, page, "JupyterLab Dark")
    shown = open_run(page, run)
    expect(state_of(shown)).to_have_text("FAILED")
    # The task that failed is looked at first.
    task = shown.get_by_role("region", name="Task breaks")
    expect(task).to_contain_text("ZeroDivisionError")
    shown.get_by_role("button", name="Task quick, SUCCEEDED").click()
    expect(shown.get_by_role("region", name="Task quick")).to_contain_text("output n = 3")
    shown.get_by_role("button", name="Task breaks, FAILED").click()
    expect(task).to_contain_text("ZeroDivisionError")
    task.get_by_role("tab", name="Notebook").click()
    expect(task.get_by_role("listitem", name="Cell 4, failed")).to_contain_text("division by zero")
    picture(page, "run-failed-dark")
    task.get_by_role("button", name="Open at the failing cell").click()
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(notebook.locator(".jp-Cell.jp-mod-active")).to_contain_text("1 / value", timeout=MINUTE)
    picture(page, "run-failing-cell-dark")
    open_run(page, run)
    shown.get_by_role("button", name="Run again from failed").click()
    again = page.get_by_role("region", name=re.compile("^Run (?!" + run + ")"))
    expect(again.get_by_role("button", name=f"repeats what failed in {run}")).to_be_visible(timeout=MINUTE)
    expect(state_of(again)).to_have_text("FAILED", timeout=MINUTE)
    expect(again.get_by_role("button", name=re.compile("Task quick, SUCCEEDED"))).to_be_visible()
    picture(page, "run-again-dark")
    page.set_viewport_size({"width": 1024, "height": 700})
    picture(page, "run-narrow-dark")


def test_task_that_waits_says_for_what_and_is_cancelled(lab: Lab, page: Page, blocks: Path) -> None:
    ask(lab, "PUT", "projects/small", {"name": "small", "quota": {"cpu_millicores": 600, "memory_bytes": 1 << 30}})
    first = run_block(lab, "steps", "small", flag=str(blocks / "never"))
    second = run_block(lab, "steps", "small", flag=str(blocks / "never"))
    start(lab, page)
    shown = open_run(page, second)
    reason = shown.get_by_text(re.compile(r"500m|0\.5|CPU")).first
    expect(reason).to_be_visible(timeout=MINUTE)
    execute(page, "lentiq:show-sidebar", tab="projects")
    sidebar = page.get_by_role("region", name="Lentiq", exact=True)
    expect(sidebar.get_by_role("meter", name="CPU of small in use")).to_have_attribute("aria-valuenow", "83")
    expect(sidebar.get_by_role("list", name="Queue of small").get_by_role("listitem")).to_have_count(1)
    picture(page, "run-pending-light")
    shown.get_by_role("button", name="Cancel", exact=True).click()
    expect(state_of(shown)).to_have_text("CANCELLED", timeout=MINUTE)
    expect(sidebar.get_by_role("list", name="Queue of small")).to_have_count(0, timeout=MINUTE)
    running = open_run(page, first)
    running.get_by_role("button", name="Cancel this task").click()
    expect(state_of(running)).to_have_text("CANCELLED", timeout=MINUTE)
    picture(page, "run-cancelled-light")
    # More room is one form away.
    sidebar.get_by_role("button", name="Change the quota of small").click()
    sidebar.get_by_role("textbox", name="CPU").fill("2")
    sidebar.get_by_role("button", name="Save").click()
    expect(sidebar.get_by_text("0 of 2 cores")).to_be_visible()


def test_badge_follows_edits_and_says_what_differs(lab: Lab, page: Page, blocks: Path) -> None:
    lab.open(page, "quick.ipynb")
    toolbar = page.locator(".jp-NotebookPanel-toolbar")
    expect(toolbar.get_by_role("button", name="Same as v1")).to_be_visible(timeout=MINUTE)
    picture(page, "badge-same")
    # Lab's own items come first where there is little room. Lab measures them once, so the notebook is opened anew;
    # and Jupyter Notebook, where it is installed, adds a wide one of its own.
    page.set_viewport_size({"width": 1150, "height": 700})
    lab.open(page, "quick.ipynb")
    expect(toolbar.get_by_role("button", name="Same as v1")).to_be_visible()
    expect(toolbar.get_by_role("button", name="Python 3 (ipykernel)")).to_be_visible()
    picture(page, "badge-narrow")
    page.set_viewport_size({"width": 1440, "height": 900})
    lab.open(page, "quick.ipynb")
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nmore = 1")
    expect(toolbar.get_by_role("button", name="Differs from v1")).to_be_visible()
    toolbar.get_by_role("button", name="Differs from v1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("group", name="Difference of the cells")).to_contain_text("more = 1")
    expect(dialog.get_by_text("The packages are the same.")).to_be_visible(timeout=MINUTE)
    picture(page, "badge-differs")
    dialog.get_by_role("button", name="Publish").click()
    panel = page.get_by_role("region", name="Publish as block")
    expect(panel.get_by_role("textbox", name="Name", exact=True)).to_have_value("quick", timeout=MINUTE)
    write(lab.root / "unheard-of.ipynb", ("", "1"))
    lab.open(page, "unheard-of.ipynb")
    expect(page.locator(".jp-NotebookPanel-toolbar").get_by_text("Not published")).to_be_visible(timeout=MINUTE)


def test_composer_undoes_and_reads_what_is_typed_as_yaml(lab: Lab, page: Page, blocks: Path) -> None:
    start(lab, page)
    execute(page, "lentiq:compose")
    composer = page.get_by_role("region", name="Workflow composer")
    composer.get_by_role("button", name="Add quick@1").click()
    composer.get_by_role("button", name="Add breaks@1").click()
    tasks = composer.get_by_role("button", name=re.compile("^Task "))
    expect(tasks).to_have_count(2)
    composer.get_by_role("button", name="Undo").click()
    expect(tasks).to_have_count(1)
    page.keyboard.press("Control+Shift+Z")
    expect(tasks).to_have_count(2)
    composer.get_by_role("group").filter(has_text="Conditions, retries, list").locator("summary").click()
    composer.get_by_role("textbox", name="Retries").fill("2")
    picture(page, "composer-conduct")
    composer.get_by_role("button", name="YAML").click()
    text = composer.get_by_role("textbox", name="YAML")
    expect(text).to_have_value(re.compile("retries: 2"))
    picture(page, "composer-yaml")
    text.fill("workflow: by-hand\ntasks:\n  one: {block: quick@1}\n  two: {blok: quick@1}\n")
    composer.get_by_role("button", name="Apply").click()
    expect(composer.get_by_role("alert")).to_contain_text("blok")
    picture(page, "composer-yaml-fault")
    text.fill("workflow: by-hand\ntasks:\n  one: {block: quick@1}\n  two: {block: quick@1, after: [one]}\n")
    page.keyboard.press("Control+Enter")
    expect(composer.get_by_role("alert")).to_have_count(0)
    composer.get_by_role("button", name="Back to the graph").click()
    expect(composer.get_by_role("textbox", name="Workflow", exact=True)).to_have_value("by-hand")
    expect(composer.get_by_role("button", name="Task two")).to_be_visible()
    composer.get_by_role("button", name="Start").click()
    expect(composer.get_by_role("button", name="Task two, SUCCEEDED")).to_be_visible(timeout=MINUTE)
