"""Lab as a host: workflow files as documents, connections that are lost, what is copied, reloads."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser_lab import Lab, picture, write
from browser_work import execute, publish, start
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(300)]
MINUTE = 60_000
FILE = """\
# Figures of the night
workflow: nightly-figures
tasks:
  first:
    block: plain@1   # pinned
    cpu: 250m
  # needs what first gives
  second: {block: plain@1,  after: [first]}
"""


@pytest.fixture(scope="module")
def block(lab: Lab) -> None:
    """A block in Lab's own catalogue."""
    publish(lab, "plain", ("parameters", "limit: int = 3"), ("", "print(limit)"))


def composer(page: Page) -> Locator:
    return page.locator(".lm-Widget:not(.lm-mod-hidden) > .lq-host").get_by_role("region", name="Workflow composer")


def dirty_tab(page: Page, name: str) -> Locator:
    return page.locator("#jp-main-dock-panel .lm-TabBar-tab.jp-mod-dirty", has_text=name)


def test_workflow_file_is_opened_changed_and_saved_from_the_file_browser(lab: Lab, page: Page, block: None) -> None:
    path = lab.root / "nightly.workflow.yaml"
    path.write_text(FILE, encoding="utf-8")
    start(lab, page)
    page.locator(".jp-DirListing-item", has_text="nightly.workflow.yaml").dblclick()
    shown = composer(page)
    expect(shown.get_by_role("textbox", name="Workflow", exact=True)).to_have_value("nightly-figures", timeout=MINUTE)
    expect(shown.get_by_role("button", name=re.compile("^Task "))).to_have_count(2)
    expect(shown.get_by_text("not applied yet")).to_be_visible()
    picture(page, "file-light")
    # Saved as it is, it keeps its bytes.
    page.keyboard.press("Control+s")
    shown.get_by_role("button", name="Task first").click()
    shown.get_by_role("textbox", name="CPU").fill("750m")
    expect(dirty_tab(page, "nightly.workflow.yaml")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(dirty_tab(page, "nightly.workflow.yaml")).to_have_count(0, timeout=MINUTE)
    assert path.read_text(encoding="utf-8") == FILE.replace("250m", "750m")
    # Taken back and saved, it is the file that it was.
    shown.get_by_role("textbox", name="CPU").fill("250m")
    expect(dirty_tab(page, "nightly.workflow.yaml")).to_be_visible()
    shown.get_by_role("button", name="Save file").click()
    expect(dirty_tab(page, "nightly.workflow.yaml")).to_have_count(0, timeout=MINUTE)
    assert path.read_text(encoding="utf-8") == FILE
    shown.get_by_role("button", name="Apply").click()
    expect(shown.get_by_text("Applied, revision 1")).to_be_visible(timeout=MINUTE)
    assert path.read_text(encoding="utf-8") == FILE
    picture(page, "file-applied-light")
    page.set_viewport_size({"width": 1024, "height": 700})
    picture(page, "file-narrow-light")


def test_workflow_file_with_faults_is_mended_where_they_are(lab: Lab, page: Page, block: None) -> None:
    path = lab.root / "faulty.workflow.yml"
    path.write_text(FILE.replace("cpu: 250m", "cpu: lots\n    blok: x"), encoding="utf-8")
    start(lab, page, "JupyterLab Dark")
    page.locator(".jp-DirListing-item", has_text="faulty.workflow.yml").dblclick()
    faulty = page.get_by_role("region", name="Workflow file with faults")
    expect(faulty.get_by_role("alert")).to_contain_text("The file has 2 faults.", timeout=MINUTE)
    faulty.get_by_role("button", name=re.compile("blok")).click()
    text = faulty.get_by_role("textbox", name="YAML")
    expect(text).to_be_focused()
    chosen = text.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert chosen == "    blok: x"
    picture(page, "file-faulty-dark")
    text.fill(FILE.replace("cpu: 250m", "cpu: lots"))
    faulty.get_by_role("button", name="Check and show the graph").click()
    expect(faulty.get_by_role("alert")).to_contain_text("The file has 1 fault.")
    text.fill(FILE)
    page.keyboard.press("Control+Enter")
    expect(composer(page).get_by_role("button", name=re.compile("^Task "))).to_have_count(2, timeout=MINUTE)
    expect(dirty_tab(page, "faulty.workflow.yml")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(dirty_tab(page, "faulty.workflow.yml")).to_have_count(0, timeout=MINUTE)
    assert path.read_text(encoding="utf-8") == FILE


def test_new_workflow_begins_as_a_file_and_outlives_a_reload(lab: Lab, page: Page, block: None) -> None:
    start(lab, page)
    page.locator(".jp-LauncherCard[data-category=Lentiq]", has_text="Workflow").click()
    shown = composer(page)
    expect(shown.get_by_role("textbox", name="Workflow", exact=True)).to_have_value("untitled", timeout=MINUTE)
    shown.get_by_role("button", name="Add plain@1").click()
    expect(dirty_tab(page, "untitled.workflow.yaml")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(dirty_tab(page, "untitled.workflow.yaml")).to_have_count(0, timeout=MINUTE)
    made = lab.root / "untitled.workflow.yaml"
    assert "block: plain@1" in made.read_text(encoding="utf-8")
    # The same text in an editor: what is typed there is shown here.
    execute(page, "docmanager:open", path="untitled.workflow.yaml", factory="Editor")
    expect(page.locator(".jp-FileEditor")).to_contain_text("block: plain@1", timeout=MINUTE)


def test_workflow_that_is_no_file_outlives_a_reload_and_becomes_one(lab: Lab, page: Page, block: None) -> None:
    start(lab, page)
    execute(page, "lentiq:compose")
    shown = composer(page)
    shown.get_by_role("button", name="Add plain@1").click()
    shown.get_by_role("textbox", name="Workflow", exact=True).fill("by-and-by")
    # Lab keeps its layout on the server a moment later.
    with page.expect_response(
        lambda answer: "/api/workspaces" in answer.url and "by-and-by" in (answer.request.post_data or "")
    ):
        shown.get_by_role("textbox", name="Workflow", exact=True).fill("by-and-by-2")
        shown.get_by_role("textbox", name="Workflow", exact=True).fill("by-and-by")
    start(lab, page, reset=False)
    shown = composer(page)
    expect(shown.get_by_role("textbox", name="Workflow", exact=True)).to_have_value("by-and-by", timeout=MINUTE)
    expect(shown.get_by_role("button", name="Task plain")).to_be_visible()
    shown.get_by_role("button", name="Save as file…").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text="by-and-by.workflow.yaml")).to_be_visible()
    expect(composer(page).get_by_role("button", name="Save file")).to_be_visible(timeout=MINUTE)
    assert Path(lab.root / "by-and-by.workflow.yaml").read_text(encoding="utf-8").startswith("workflow: by-and-by\n")


def test_lost_connection_is_told_once_and_heals(lab: Lab, page: Page, block: None) -> None:
    start(lab, page)
    execute(page, "lentiq:compose")
    composer(page).get_by_role("button", name="Add plain@1").click()
    execute(page, "lentiq:show-sidebar", tab="blocks")
    sidebar = page.get_by_role("region", name="Lentiq", exact=True)
    expect(sidebar.get_by_role("list", name="Blocks")).to_contain_text("plain", timeout=MINUTE)
    page.route("**/lentiq/**", lambda route: route.abort())
    sidebar.get_by_role("button", name="Refresh").click()
    lost = page.locator(".lq-lost")
    expect(page.get_by_role("button", name="Lentiq does not answer")).to_be_visible()
    expect(lost).to_have_count(2)  # in the sidebar, and above the composer
    expect(lost.first).to_contain_text(re.compile("Connection lost . retrying"))
    # What was there is still to be seen, and nothing is told twice.
    expect(sidebar.get_by_role("list", name="Blocks")).to_contain_text("plain")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".Toastify__toast")).to_have_count(0)
    picture(page, "lost-light")
    lost.first.get_by_role("button", name="Retry now").click()
    expect(lost.first).to_be_visible()
    page.unroute("**/lentiq/**")
    expect(lost).to_have_count(0, timeout=MINUTE)
    expect(page.get_by_role("button", name=re.compile("Lentiq: 0 tasks running"))).to_be_visible()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, "<html>Not Found</html>", "jupyter server extension enable lentiq_jupyter"),
        (
            403,
            '{"error": {"kind": "Denied", "message": "Not allowed.", "hint": "Log in.", "faults": []}}',
            "Not allowed.",
        ),
    ],
)
def test_missing_or_closed_server_half_is_one_card(lab: Lab, page: Page, status: int, body: str, words: str) -> None:
    page.route("**/lentiq/**", lambda route: route.fulfill(status=status, body=body))
    start(lab, page, "JupyterLab Dark")
    execute(page, "lentiq:show-sidebar", tab="runs")
    sidebar = page.get_by_role("region", name="Lentiq", exact=True)
    expect(sidebar.get_by_role("alert")).to_have_count(1)
    expect(sidebar.get_by_role("alert")).to_contain_text(words)
    execute(page, "lentiq:publish", path="plain.ipynb")
    panel = page.get_by_role("region", name="Publish as block")
    expect(panel.get_by_role("alert")).to_contain_text(words)
    picture(page, f"closed-{status}-dark")
    page.unroute("**/lentiq/**")
    sidebar.get_by_role("button", name="Try again").click()
    expect(sidebar.get_by_role("tab", name="Runs")).to_be_visible(timeout=MINUTE)


COPIED = """async () => {
  for (const end = Date.now() + 60000; Date.now() < end; ) {
    const text = await navigator.clipboard.readText();
    if (text !== '') return text;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error('nothing was copied');
}"""


def copy_as(page: Page, place: Locator, way: str) -> str:
    """Choose a way by keyboard, and give what is in the clipboard then."""
    page.evaluate("() => navigator.clipboard.writeText('')")
    place.get_by_role("button", name="Copy as…").focus()
    page.keyboard.press("ArrowDown")
    menu = page.get_by_role("menu", name="Copy as")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    menu.get_by_role("menuitem", name=way).focus()
    page.keyboard.press("Enter")
    return str(page.evaluate(COPIED))


def test_what_is_done_by_clicks_is_copied_in_other_words(lab: Lab, page: Page, block: None) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=lab.url)
    start(lab, page)
    execute(page, "lentiq:show-sidebar", tab="blocks")
    sidebar = page.get_by_role("region", name="Lentiq", exact=True)
    sidebar.get_by_role("button", name=re.compile("^plain@1")).click()
    sidebar.get_by_role("button", name="Run", exact=True).click()
    form = sidebar.get_by_role("form", name="Run plain@1")
    expect(form.get_by_role("textbox", name=re.compile("limit"))).to_be_focused()
    page.keyboard.press("Escape")
    expect(sidebar.get_by_role("button", name="Run", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    form.get_by_role("textbox", name=re.compile("limit")).fill("7")
    form.get_by_role("button", name="Copy as…").click()
    expect(page.get_by_role("menuitem", name="Python")).to_be_visible()
    picture(page, "copy-run-light")
    page.keyboard.press("Escape")
    command = copy_as(page, form, "Command")
    assert re.fullmatch(r"lentiq run plain@1 -i limit=7 --cpu \S+ --memory \S+", command)
    assert copy_as(page, form, "Magic line") == f"%{command}"
    assert "plain: {block: plain@1, inputs: {limit: 7}" in copy_as(page, form, "YAML")
    words = [sys.executable, "-m", "lentiq_jupyter.cli", *command.split()[1:], "--no-follow", "--json"]
    started = subprocess.run(words, env=lab.environment, check=True, capture_output=True, text=True)
    assert '"limit": 7' in started.stdout
    execute(page, "lentiq:compose")
    composer(page).get_by_role("button", name="Add plain@1").click()
    assert copy_as(page, composer(page), "Magic line").startswith("%%lentiq workflow workflow\nworkflow: workflow\n")
    # The run of the command is filtered for.
    execute(page, "lentiq:show-sidebar", tab="runs")
    search = sidebar.get_by_role("search", name="Filter of the runs")
    expect(sidebar.get_by_role("list", name="Runs").get_by_role("listitem").first).to_be_visible(timeout=MINUTE)
    search.get_by_role("checkbox", name="mine").check()
    expect(sidebar.get_by_role("list", name="Runs")).to_contain_text("plain")
    search.get_by_role("searchbox").fill("nothing-like-it")
    expect(sidebar.get_by_text("No run matches")).to_be_visible()
    picture(page, "runs-filter-light")
    sidebar.get_by_role("button", name="Show all runs").click()
    expect(sidebar.get_by_role("list", name="Runs")).to_contain_text("plain")


def test_publish_is_confirmed_by_keyboard_and_goes_on_to_a_workflow(lab: Lab, page: Page) -> None:
    write(lab.root / "handy.ipynb", ("", "print(1)"))
    lab.open(page, "handy.ipynb")
    execute(page, "lentiq:publish")
    panel = page.get_by_role("region", name="Publish as block")
    expect(panel.get_by_role("button", name="Publish", exact=True)).to_be_enabled(timeout=MINUTE)
    panel.get_by_role("textbox", name="Description").focus()
    picture(page, "publish-form-light")
    page.keyboard.press("Control+Enter")
    expect(panel.get_by_role("list", name="Steps")).to_be_visible()
    expect(panel.get_by_text("handy@1 is registered")).to_be_visible(timeout=3 * MINUTE)
    picture(page, "publish-done-light")
    panel.get_by_role("button", name="Add to a workflow").click()
    expect(composer(page).get_by_role("button", name="Task handy")).to_be_visible(timeout=MINUTE)
