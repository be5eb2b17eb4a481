"""Every face examined by axe-core in both themes, and the whole road walked by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import axe
import pytest
from browser_lab import Lab, picture, write
from browser_work import (
    BREAKS,
    HALF,
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
from playwright.sync_api import Locator, Page, Route, expect
from rich_inspection import RICH
from stand_in_catalogue import Catalogue, rich

from lentiq_jupyter.model import encode

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(600)]
MINUTES_3 = 180_000
DAILY = {"start": "2026-12-01T02:00:00+02:00", "timezone": "Europe/Bucharest", "cron": "0 2 * * *"}
TWO = {"name": "two", "block": "quick", "resources": HALF}
PANELS = """from lentiq_jupyter.connect import connect
from lentiq_jupyter.panels import {panel}
{panel}({arguments})"""


@pytest.fixture(scope="module")
def blocks(lab: Lab) -> Iterator[Path]:
    for name, cells in {"steps": STEPS, "breaks": BREAKS, "quick": QUICK}.items():
        publish(lab, name, *cells)
    flags = flags_of(lab)
    yield flags
    # What still waits need not wait any longer.
    (flags / "never").touch()


@pytest.fixture
def examined(request: pytest.FixtureRequest) -> Iterator[axe.Examination]:
    examination = axe.Examination()
    yield examination
    examination.report(request.node.name)


def sidebar(page: Page, tab: str) -> Locator:
    execute(page, "lentiq:show-sidebar", tab=tab)
    return page.get_by_role("region", name="Lentiq", exact=True)


def unfold(shown: Locator) -> None:
    shown.locator("details").evaluate_all("folds => folds.forEach(fold => { fold.open = true; })")


@axe.needed()
def test_catalogue_has_no_barriers(lab: Lab, page: Page, examined: axe.Examination) -> None:
    catalogue = rich()
    catalogue.serve(page)
    start(lab, page)
    side = sidebar(page, "blocks")
    expect(side.get_by_role("button", name=re.compile("score-image"))).to_be_visible()
    examined.look(page, "sidebar: blocks")
    side.get_by_role("button", name=re.compile("clean-sales")).click()
    side.get_by_role("button", name="Run", exact=True).click()
    examined.look(page, "sidebar: block opened, form to run it")
    side.get_by_role("searchbox").fill("nothing-like-this")
    expect(side.get_by_text("No block matches")).to_be_visible()
    examined.look(page, "sidebar: no block matches")
    execute(page, "lentiq:open-block", name="clean-sales")
    block = page.get_by_role("region", name="Block clean-sales")
    for tab in ("Overview", "Packages", "Versions", "Used by", "Compare"):
        block.get_by_role("tab", name=tab).click()
        expect(block.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        if tab == "Overview":
            expect(block.get_by_role("heading", name="Clean sales")).to_be_visible()
        if tab == "Compare":
            expect(block.get_by_role("table", name="Changes of: Packages")).to_be_visible()
        examined.look(page, f"block: {tab}")
    for question in ("Deprecate…", "Remove…"):
        block.get_by_role("button", name=question).click()
        examined.look(page, f"block: {question}")
        page.keyboard.press("Escape")
    execute(page, "lentiq:block-from-image")
    form = page.get_by_role("region", name="Block from an image")
    expect(form).to_be_visible()
    examined.look(page, "image form: empty")
    form.get_by_role("button", name="Add input").click()
    form.get_by_role("button", name="Add output").click()
    form.get_by_role("button", name=re.compile("^(Make|Register|Create)")).first.click()
    examined.look(page, "image form: filled, with faults")


@axe.needed()
def test_registry_that_is_empty_or_silent_has_no_barriers(lab: Lab, page: Page, examined: axe.Examination) -> None:
    catalogue = Catalogue()
    catalogue.serve(page)
    start(lab, page)
    side = sidebar(page, "blocks")
    expect(side.get_by_text("No blocks yet")).to_be_visible()
    examined.look(page, "sidebar: no blocks")
    catalogue.failing = {"kind": "Unavailable", "message": "It does not answer.", "hint": "Start it.", "faults": ["a"]}
    side.get_by_role("button", name="Refresh").click()
    expect(side.get_by_role("alert")).to_be_visible()
    execute(page, "lentiq:open-block", name="gone")
    expect(page.get_by_role("region", name="Block gone").get_by_role("alert")).to_be_visible()
    examined.look(page, "block and sidebar: no answer")


@axe.needed()
def test_publish_has_no_barriers(lab: Lab, page: Page, blocks: Path, examined: axe.Examination) -> None:
    write(lab.root / "clean.ipynb", *(("", f"print({number})") for number in range(1, 10)))
    lab.open(page, "clean.ipynb")
    button = page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="lentiq-publish"]')
    page.route(re.compile(r"/lentiq/inspect"), lambda route: route.fulfill(json=encode(RICH)))
    button.click()
    panel = page.get_by_role("region", name="Publish as block")
    expect(panel.get_by_role("table", name="Packages", exact=True)).to_be_visible()
    examined.look(page, "publish: with problems")
    unfold(panel)
    panel.get_by_role("textbox", name="Name", exact=True).fill("Not A Name")
    examined.look(page, "publish: all unfolded, with a fault")

    def fail(route: Route) -> None:
        error = {"kind": "NotebookError", "message": "It cannot be read.", "hint": "Save it.", "faults": [], "log": ""}
        route.fulfill(status=422, json={"error": error})

    page.unroute(re.compile(r"/lentiq/inspect"))
    page.route(re.compile(r"/lentiq/inspect"), fail)
    lab.open(page, "quick.ipynb")
    button.click()
    expect(panel.get_by_role("alert")).to_be_visible()
    examined.look(page, "publish: unreadable")
    page.unroute(re.compile(r"/lentiq/inspect"))
    panel.get_by_role("button", name="Try again").click()
    expect(panel.get_by_role("textbox", name="Name", exact=True)).to_have_value("quick", timeout=MINUTES_3)
    examined.look(page, "publish: form")
    panel.get_by_role("button", name="Publish", exact=True).click()
    expect(panel.get_by_text("Verify", exact=True)).to_be_visible()
    examined.look(page, "publish: going on")
    expect(panel.get_by_text(re.compile(r"quick@\d+ is registered"))).to_be_visible(timeout=MINUTES_3)
    examined.look(page, "publish: done")


@axe.needed()
def test_badge_has_no_barriers(lab: Lab, page: Page, blocks: Path, examined: axe.Examination) -> None:
    lab.open(page, "breaks.ipynb")
    toolbar = page.locator(".jp-NotebookPanel-toolbar")
    expect(toolbar.get_by_role("button", name=re.compile(r"Same as v\d+"))).to_be_visible()
    examined.look(page, "badge: same")
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nmore = 1")
    toolbar.get_by_role("button", name=re.compile(r"Differs from v\d+")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("The packages are the same.")).to_be_visible(timeout=MINUTES_3)
    examined.look(page, "badge: differs, dialog")
    page.keyboard.press("Escape")
    write(lab.root / "unheard-of.ipynb", ("", "1"))
    lab.open(page, "unheard-of.ipynb")
    expect(toolbar.get_by_text("Not published")).to_be_visible()
    examined.look(page, "badge: not published")


@axe.needed()
def test_runs_have_no_barriers(lab: Lab, page: Page, blocks: Path, examined: axe.Examination) -> None:
    failed = run_workflow(lab, "weekly", quick=(), breaks=("quick",))
    end(lab, failed)
    ask(lab, "PUT", "projects/small", {"name": "small", "quota": {"cpu_millicores": 600, "memory_bytes": 1 << 30}})
    going = run_block(lab, "steps", "small", flag=str(blocks / "never"))
    waiting = run_block(lab, "steps", "small", flag=str(blocks / "never"))
    start(lab, page)
    shown = open_run(page, failed)
    expect(state_of(shown)).to_have_text("FAILED")
    for tab in ("Log", "Notebook", "Inputs and resources"):
        shown.get_by_role("tab", name=tab).click()
        examined.look(page, f"run: FAILED, {tab}")
    shown.get_by_role("tab", name="Timeline").click()
    examined.look(page, "run: FAILED, timeline")
    shown.get_by_role("button", name=re.compile("^quick, SUCCEEDED")).click()
    examined.look(page, "run: a task that succeeded")
    shown.get_by_role("button", name="Close the task").click()
    examined.look(page, "run: no task chosen")
    shown = open_run(page, going)
    expect(shown.get_by_role("log", name="Log of steps")).to_contain_text("begun", timeout=MINUTES_3)
    examined.look(page, "run: RUNNING, log")
    shown.get_by_role("tab", name="Notebook").click()
    expect(shown.get_by_role("listitem", name="Cell 4, running")).to_be_visible(timeout=MINUTES_3)
    examined.look(page, "run: RUNNING, notebook")
    shown.get_by_role("tab", name="Timeline").click()
    examined.look(page, "run: RUNNING, timeline")
    waits = open_run(page, waiting)
    expect(state_of(waits)).to_have_text("PENDING")
    examined.look(page, "run: PENDING")
    for tab in ("workflows", "runs", "projects"):
        side = sidebar(page, tab)
        expect(side.get_by_role("tabpanel").get_by_role("list").first).to_be_visible()
        examined.look(page, f"sidebar: {tab}")
    side.get_by_role("button", name="Change the quota of small").click()
    side.get_by_role("textbox", name="CPU").fill("many")
    examined.look(page, "sidebar: form of a quota, with a fault")
    side = sidebar(page, "runs")
    side.get_by_role("button", name=re.compile("^weekly")).first.click()
    side.get_by_role("button", name="Show log of breaks").click()
    examined.look(page, "sidebar: run opened, log")
    side = sidebar(page, "workflows")
    side.get_by_role("button", name="Delete weekly").click()
    examined.look(page, "sidebar: workflow to be deleted")
    for run in (waiting, going):
        ask(lab, "POST", f"runs/{run}/cancel", {})
    expect(state_of(waits)).to_have_text("CANCELLED", timeout=MINUTES_3)
    examined.look(page, "run: CANCELLED")


@axe.needed()
def test_composer_has_no_barriers(lab: Lab, page: Page, blocks: Path, examined: axe.Examination) -> None:
    start(lab, page)
    execute(page, "lentiq:compose")
    composer = page.get_by_role("region", name="Workflow composer")
    expect(composer.get_by_role("button", name=re.compile(r"^Add quick@"))).to_be_visible()
    examined.look(page, "composer: empty")
    composer.get_by_role("button", name=re.compile(r"^Add quick@")).click()
    composer.get_by_role("button", name=re.compile(r"^Add steps@")).click()
    examined.look(page, "composer: two tasks, one chosen")
    unfold(composer)
    examined.look(page, "composer: all of a task")
    composer.get_by_role("button", name="YAML").click()
    text = composer.get_by_role("textbox", name="YAML")
    expect(text).to_have_value(re.compile("quick"))
    examined.look(page, "composer: YAML")
    text.fill("workflow: a\ntasks:\n  one: {blok: quick}\n")
    page.keyboard.press("Control+Enter")
    expect(composer.get_by_role("alert")).to_be_visible()
    examined.look(page, "composer: YAML that cannot be read")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")
    nightly = {"name": "nightly", "project": "default", "tasks": [TWO], "schedule": DAILY}
    ask(lab, "PUT", "workflows/default/nightly", nightly)
    execute(page, "lentiq:compose", project="default", name="nightly")
    expect(composer.get_by_role("textbox", name="Workflow", exact=True)).to_have_value("nightly")
    examined.look(page, "composer: with a schedule")
    composer.get_by_role("button", name="Start", exact=True).click()
    expect(composer.get_by_role("button", name="Task two, SUCCEEDED")).to_be_visible(timeout=MINUTES_3)
    examined.look(page, "composer: with a run that ended")


@axe.needed()
def test_panels_have_no_barriers(lab: Lab, page: Page, blocks: Path, examined: axe.Examination) -> None:
    run = run_workflow(lab, "shown", quick=(), breaks=("quick",))
    end(lab, run)
    for panel, arguments in (
        ("BlockPanel", "'breaks'"),
        ("WorkflowPanel", "connect().workflow('shown')"),
        ("RunPanel", repr(run)),
    ):
        write(lab.root / f"{panel}.ipynb", ("", PANELS.format(panel=panel, arguments=arguments)))
        lab.open(page, f"{panel}.ipynb")
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
        output = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea").first
        expect(output.get_by_role("button").first).to_be_visible(timeout=MINUTES_3)
        picture(page, f"access-{panel}")
        examined.look(page, f"notebook: {panel}")


FOCUS = """() => {
  const node = document.activeElement;
  const style = getComputedStyle(node);
  const ours = node.closest('.lq-root, .lq-standing-host, [data-jp-item-name="lentiq-publish"]') !== null;
  const shown = node.matches(':focus-visible') && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  return {ours, shown, name: node.getAttribute('aria-label') ?? node.innerText?.trim() ?? ''};
}"""


def press(page: Page, key: str, goal: Locator, most: int = 60) -> None:
    """Press a key until the goal has the focus; every place on the way in the project's own rooms shows it."""
    for _ in range(most):
        if goal.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press(key)
        at = page.evaluate(FOCUS)
        assert at["shown"] or not at["ours"], f"the focus is not seen on {at['name']!r}"
    raise AssertionError(f"{most} presses of {key} do not lead there; the focus is on {page.evaluate(FOCUS)['name']!r}")


def test_keyboard_leads_from_an_open_notebook_to_a_finished_run(lab: Lab, page: Page, blocks: Path) -> None:
    write(lab.root / "by-keys.ipynb", ("parameters", "rows: int = 3"), ("", "print('counted', rows)"))
    lab.open(page, "by-keys.ipynb")
    page.keyboard.press("Control+Alt+P")
    panel = page.get_by_role("region", name="Publish as block")
    name = panel.get_by_role("textbox", name="Name", exact=True)
    expect(name).to_have_value("by-keys", timeout=MINUTES_3)
    press(page, "Tab", name)
    page.keyboard.press("Enter")
    expect(panel.get_by_text(re.compile("by-keys@1 is registered"))).to_be_visible(timeout=MINUTES_3)
    run_it = panel.get_by_role("button", name="Run it")
    press(page, "Tab", run_it)
    page.keyboard.press("Enter")
    side = page.get_by_role("region", name="Lentiq", exact=True)
    rows = side.get_by_role("textbox", name=re.compile("^rows"))
    press(page, "Tab", rows)
    page.keyboard.press("Escape")
    expect(rows).to_have_count(0)
    again = side.get_by_role("button", name="Run", exact=True)
    press(page, "Tab", again)
    page.keyboard.press("Enter")
    press(page, "Tab", rows)
    page.keyboard.press("Control+A")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    opened = side.get_by_role("button", name="Open", exact=True)
    expect(opened).to_be_visible()
    press(page, "Tab", opened)
    page.keyboard.press("Enter")
    shown = page.get_by_role("region", name=re.compile("^Run "))
    expect(state_of(shown)).to_have_text("SUCCEEDED", timeout=MINUTES_3)
    tab = shown.get_by_role("tab", name="Log")
    press(page, "Tab", tab)
    page.keyboard.press("ArrowRight")
    expect(shown.get_by_role("tab", name="Notebook")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    press(page, "Tab", shown.get_by_role("log"))
    expect(shown.get_by_role("log")).to_contain_text("counted 12")
    picture(page, "access-keyboard-run")
    press(page, "Shift+Tab", shown.get_by_role("tab", name="Graph"))


def test_focus_returns_when_a_dialog_closes(lab: Lab, page: Page, blocks: Path) -> None:
    lab.open(page, "breaks.ipynb")
    badge = page.locator(".jp-NotebookPanel-toolbar").get_by_role(
        "button", name=re.compile("^(Same as|Differs from) v")
    )
    expect(badge).to_be_visible()
    badge.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("region", name="What differs")).to_be_visible()
    page.wait_for_function("() => document.activeElement.closest('.jp-Dialog') !== null")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(badge).to_be_focused()
