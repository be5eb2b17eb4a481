"""What a hostile notebook, block, run or registry says is shown, and never becomes part of the page.

A block of a stranger is published, looked at, run and opened in every face. Whatever executes on the way sets
`window.owned`, or asks for something at the canary's address.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from browser_lab import READY, Lab, picture, write
from browser_work import ask, end, execute, open_run, run_block, start, state_of
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(600)]
MINUTES_3 = 180_000
CANARY = "canary.invalid"
# Lab itself fetches the pictures of notebooks that it shows; the project's own views fetch none.
PICTURE = "https://pictures.invalid/pixel.png"
OWN = "window.owned=1"
# Ways into a page that need no other cooperation than that text becomes markup.
MARKUP = (
    f'<img src="x" onerror="{OWN}"><svg onload="{OWN}"></svg><script>{OWN}</script>'
    f'<iframe srcdoc="<script>parent.{OWN}</script>"></iframe><a href="javascript:{OWN}" id="lure">lure</a>'
    f'<details open ontoggle="{OWN}"><script src="https://{CANARY}/a.js"></script>'
    f'<link rel="stylesheet" href="https://{CANARY}/a.css"><style>@import "https://{CANARY}/b.css";</style>'
)
# Turns the direction of what follows, so that a name seems to end otherwise.
TURN = "\u202e"
NOTEBOOK = f"<img src=x onerror={OWN}>'\"&amp;{TURN}.ipynb"
README = f"""# Hostile {MARKUP}

[one](javascript:{OWN}) [two](data:text/html,<script>{OWN}</script>) [three](vbscript:x) <javascript:{OWN}>
![pixel]({PICTURE}) ![data](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9Ii8vIj48L3N2Zz4=)

$\\href{{javascript:{OWN}}}{{x}}$ `{MARKUP}`
"""
BUNDLES = {
    "text/html": MARKUP,
    "image/svg+xml": f'<svg xmlns="http://www.w3.org/2000/svg" onload="{OWN}"><script>{OWN}</script></svg>',
    "application/javascript": OWN,
    "text/markdown": README,
    "text/latex": f"$\\href{{javascript:{OWN}}}{{x}}$ {MARKUP}",
    "application/vnd.jupyter.widget-view+json": {"model_id": MARKUP, "version_major": 2, "version_minor": 0},
    f"image/png;{MARKUP}": "AAAA",
}
SHOW = f"""from IPython.display import display
for kind, data in {BUNDLES!r}.items():
    display({{kind: data}}, raw=True)"""
LINK = f"\x1b]8;;javascript:{OWN}\x1b\\click\x1b]8;;\x1b\\"
PRINT = f"""import sys
print({MARKUP + LINK!r}, '\\x1b[31mred\\x1b[0m \\x1b[2J\\x1b]0;owned\\x07')
print({MARKUP!r}, file=sys.stderr)"""


TRUSTED = """async () => {
  const {context, content} = window.jupyterapp.shell.currentWidget;
  await context.ready;
  return [...content.model.cells].filter(
    one => one.trusted && one.outputs?.toJSON().some(output => output.output_type === 'display_data')
  ).map(one => one.sharedModel.getSource());
}"""


def cell(kind: str, source: str, *tags: str) -> dict[str, object]:
    found: dict[str, object] = {"cell_type": kind, "source": source, "id": f"c{abs(hash(source)) % 10**6}"}
    found["metadata"] = {"tags": list(tags)}
    return found if kind == "markdown" else {**found, "outputs": [], "execution_count": None}


@pytest.fixture(scope="module")
def hostile(lab: Lab) -> str:
    """The id of a run of the hostile block."""
    cells = [
        cell("markdown", README),
        cell("code", f"title: str = {MARKUP!r}  # {MARKUP}", "parameters"),
        cell("code", SHOW),
        cell("code", PRINT),
        cell("code", f"from lentiq_jupyter import output\noutput('shown', {MARKUP!r})"),
        cell("code", f"raise ValueError({MARKUP + LINK!r})"),
    ]
    kernel = {"name": "python3", "display_name": MARKUP, "language": "python"}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    (lab.root / NOTEBOOK).write_text(json.dumps(document), encoding="utf-8")
    words = [sys.executable, "-m", "lentiq_jupyter.cli", "publish", NOTEBOOK, "--no-verify", "--name", "hostile"]
    words += ["--description", MARKUP]
    subprocess.run(words, cwd=lab.root, env=lab.environment, check=True, capture_output=True)
    run = run_block(lab, "hostile", title=MARKUP)
    end(lab, run)
    return run


@pytest.fixture
def guarded(page: Page) -> Iterator[Page]:
    """The page, of which nothing hostile may have taken hold when the test ends."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(f"https://{CANARY}/{dialog.type}"))
    yield page
    assert [url for url in asked if CANARY in url] == []
    assert page.evaluate("'owned' in window") is False
    assert "owned" not in page.title()


def expect_text_only(shown: Locator) -> None:
    """None of the markup became elements."""
    expect(shown.locator("script, iframe, #lure, link, style, [onerror], [onload], [ontoggle]")).to_have_count(0)
    expect(shown.locator("a[href^='javascript'], a[href^='data'], a[href^='vbscript']")).to_have_count(0)


def test_hostile_notebook_is_published_by_clicks(lab: Lab, guarded: Page, hostile: str) -> None:
    start(lab, guarded)
    execute(guarded, "docmanager:open", path=NOTEBOOK)
    guarded.evaluate(READY, NOTEBOOK)
    expect(guarded.get_by_role("button", name=re.compile(r"Same as v\d+"))).to_be_visible()
    guarded.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="lentiq-publish"]').click()
    panel = guarded.get_by_role("region", name="Publish as block")
    name = panel.get_by_role("textbox", name="Name", exact=True)
    expect(name).to_be_visible(timeout=MINUTES_3)
    expect(panel.get_by_text(NOTEBOOK)).to_be_visible()
    name.fill("hostile-again")
    panel.get_by_role("textbox", name="Description", exact=True).fill(MARKUP)
    picture(guarded, "injection-publish")
    expect_text_only(panel)
    panel.get_by_role("button", name="Publish", exact=True).click()
    # What it does when it is run fails, so it is not proven; the failure is told in its own words.
    expect(panel.get_by_role("button", name=re.compile("^(Publish again|Change and try again)$"))).to_be_visible(
        timeout=MINUTES_3
    )
    picture(guarded, "injection-published")
    expect_text_only(panel)


def test_hostile_block_is_looked_at(lab: Lab, guarded: Page, hostile: str) -> None:
    pictures: list[str] = []
    guarded.on("request", lambda request: pictures.append(request.url) if request.url == PICTURE else None)
    start(lab, guarded)
    execute(guarded, "lentiq:show-sidebar", tab="blocks")
    side = guarded.get_by_role("region", name="Lentiq", exact=True)
    side.get_by_role("button", name=re.compile("^hostile@")).click()
    expect(side.get_by_text(MARKUP).first).to_be_visible()
    side.get_by_role("button", name="Run", exact=True).click()
    expect(side.get_by_role("textbox", name=re.compile("title"))).to_have_value(MARKUP)
    expect_text_only(side)
    execute(guarded, "lentiq:open-block", name="hostile")
    block = guarded.get_by_role("region", name="Block hostile")
    readme = block.get_by_role("article", name="README of hostile")
    expect(readme.get_by_role("heading", name=re.compile("Hostile"))).to_be_visible()
    expect(readme.get_by_role("link", name="pixel")).to_have_attribute("href", PICTURE)
    picture(guarded, "injection-block")
    expect_text_only(block)
    execute(guarded, "lentiq:dockerfile", name="hostile", version="1")
    expect(guarded.get_by_role("log", name="Dockerfile of hostile@1")).to_contain_text("FROM")
    assert pictures == []


def test_hostile_run_is_looked_at(lab: Lab, guarded: Page, hostile: str) -> None:
    start(lab, guarded)
    shown = open_run(guarded, hostile)
    expect(state_of(shown)).to_have_text("FAILED")
    log = shown.get_by_role("log", name="Log of hostile")
    expect(log).to_contain_text("<script>")
    expect(log).not_to_contain_text("\x1b")
    expect(shown.get_by_text(re.compile(r"ValueError: .*<img src=")).first).to_be_visible()
    picture(guarded, "injection-log")
    expect_text_only(shown)
    shown.get_by_role("tab", name="Notebook").click()
    expect(shown.get_by_role("listitem", name=re.compile("failed$"))).to_contain_text("onerror")
    expect(shown.get_by_text("Shown by the notebook only: image/svg+xml")).to_be_attached()
    picture(guarded, "injection-notebook")
    expect_text_only(shown)
    shown.get_by_role("tab", name="Inputs and resources").click()
    expect(shown.get_by_text(re.compile("^title = ")).first).to_be_visible()
    expect_text_only(shown)
    execute(guarded, "lentiq:show-sidebar", tab="runs")
    side = guarded.get_by_role("region", name="Lentiq", exact=True)
    side.get_by_role("button", name=re.compile("^hostile")).first.click()
    side.get_by_role("button", name="Show log of hostile").click()
    expect(side.get_by_role("log")).to_contain_text("<script>")
    expect_text_only(side)


def test_executed_notebook_of_a_stranger_is_opened_without_trust(lab: Lab, guarded: Page, hostile: str) -> None:
    start(lab, guarded)

    def vouch(route: Route) -> None:
        # An image of a stranger may write what the project's own runner does not.
        notebook = route.fetch().json()
        for one in notebook["cells"]:
            one["metadata"]["trusted"] = True
        route.fulfill(json=notebook)

    guarded.route(re.compile(r"/lentiq/runs/.*/notebook"), vouch)
    open_run(guarded, hostile).get_by_role("tab", name="Notebook").click()
    guarded.get_by_role("button", name="Open at the failing cell").click()
    notebook = guarded.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(notebook.locator(".jp-Cell").first).to_be_visible()
    # Cells that show nothing but text are always trusted.
    assert guarded.evaluate(TRUSTED) == []
    expect(notebook.locator(".jp-Cell.jp-mod-active")).to_contain_text("raise ValueError")
    for number in range(7):
        notebook.locator(".jp-Cell").nth(number).scroll_into_view_if_needed()
    picture(guarded, "injection-opened")
    expect(
        notebook.locator(".jp-OutputArea iframe, .jp-OutputArea [onerror], #lure[href^='javascript']")
    ).to_have_count(0)


def test_hostile_workflow_is_composed_and_said(lab: Lab, guarded: Page, hostile: str) -> None:
    task = {"name": "hostile", "block": "hostile", "inputs": {"title": MARKUP}}
    task["resources"] = {"cpu_millicores": 500, "memory_bytes": 256 << 20}
    workflow = {"name": "hostile", "project": "default", "description": MARKUP, "tasks": [task]}
    ask(lab, "PUT", "workflows/default/hostile", workflow)
    start(lab, guarded)
    execute(guarded, "lentiq:compose", project="default", name="hostile")
    composer = guarded.get_by_role("region", name="Workflow composer")
    composer.get_by_role("button", name="Task hostile").click()
    expect(composer.get_by_role("textbox", name=re.compile("title")).first).to_have_value(MARKUP)
    picture(guarded, "injection-composer")
    expect_text_only(composer)
    composer.get_by_role("button", name="YAML").click()
    expect(composer.get_by_role("textbox", name="YAML")).to_have_value(re.compile("onerror"))
    expect_text_only(composer)


def test_hostile_words_in_panels_and_magics_stay_words(lab: Lab, guarded: Page, hostile: str) -> None:
    write(
        lab.root / "faces.ipynb",
        ("", f"%load_ext lentiq_jupyter\nfrom lentiq_jupyter.panels import BlockPanel, RunPanel\nrun = {hostile!r}"),
        ("", "BlockPanel('hostile')"),
        ("", "RunPanel(run)"),
        ("", "%lentiq blocks"),
        ("", "%lentiq show hostile"),
        ("", "%lentiq runs"),
        ("", "%lentiq logs {run}"),
        ("", f"%lentiq inspect {json.dumps(NOTEBOOK)}"),
        ("", "print('all', 'done')"),
    )
    lab.open(guarded, "faces.ipynb")
    guarded.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    notebook = guarded.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(notebook.get_by_text("all done", exact=True)).to_be_visible(timeout=MINUTES_3)
    panel = notebook.get_by_role("region", name=f"Run {hostile}")
    expect(panel.get_by_role("log", name="Log of hostile")).to_contain_text("<script>")
    for output in notebook.locator(".jp-OutputArea").all():
        output.scroll_into_view_if_needed()
        # The styles of a panel come with it.
        hooks = "iframe, #lure, [onerror], [onload], [ontoggle], script[src], a[href^='javascript']"
        expect(output.locator(hooks)).to_have_count(0)
    picture(guarded, "injection-faces")
