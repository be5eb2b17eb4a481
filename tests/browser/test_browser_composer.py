"""Composing in the main area: by mouse, by keyboard, over the clipboard; schedules, newer versions, what is wrong."""

from __future__ import annotations

import re

import pytest
from browser_lab import Lab, picture
from browser_work import execute, publish, start
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(300)]
MINUTE = 60_000
GIVES = "from lentiq_jupyter import output\noutput('rows', 3)"


@pytest.fixture(scope="module", autouse=True)
def blocks(lab: Lab) -> None:
    """`load` gives rows, `train` takes them."""
    publish(lab, "load", ("", GIVES))
    publish(lab, "train", ("parameters", "rows: int = 0\ndepth = 4"), ("", GIVES))


@pytest.fixture
def composer(lab: Lab, page: Page) -> Locator:
    start(lab, page)
    execute(page, "lentiq:compose")
    composer = page.get_by_role("region", name="Workflow composer")
    expect(composer.get_by_role("button", name="Add load@1")).to_be_visible(timeout=MINUTE)
    return composer


def task(composer: Locator, name: str) -> Locator:
    return composer.get_by_role("button", name=re.compile(f"^Task {name}(,|$)"))


def tasks(composer: Locator) -> Locator:
    return composer.get_by_role("button", name=re.compile("^Task "))


def link(composer: Locator, source: str, target: str) -> Locator:
    return composer.locator(f'.react-flow__edge[data-id="{source}→{target}"]')


def middle(composer: Locator, source: str, target: str) -> tuple[float, float]:
    """Where on the page the middle of a link is drawn."""
    path = link(composer, source, target).locator(".react-flow__edge-path")
    x, y = path.evaluate(
        """path => {
          const point = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
          return [point.x, point.y];
        }"""
    )
    return x, y


def handle(composer: Locator, name: str) -> Locator:
    """What is dragged from a task to make another one wait for it."""
    return composer.locator(f'.react-flow__node[data-id="{name}"] .react-flow__handle.source')


def tab_until(page: Page, reached: str) -> None:
    """Past all that is between; other tests leave blocks of theirs in the palette."""
    for _ in range(100):
        page.keyboard.press("Tab")
        if page.evaluate(reached):
            return
    pytest.fail(f"no Tab leads to {reached}")


def place(shown: Locator) -> tuple[float, float]:
    box = shown.bounding_box()
    assert box
    return box["x"], box["y"]


def test_workflow_is_composed_by_dragging(page: Page, composer: Locator) -> None:
    graph = composer.get_by_role("region", name="Graph of tasks")
    picture(page, "composer-empty")
    composer.get_by_role("button", name="Add load@1").drag_to(graph, target_position={"x": 160, "y": 150})
    composer.get_by_role("button", name="Add train@1").drag_to(graph, target_position={"x": 420, "y": 330})
    first, second = place(task(composer, "load")), place(task(composer, "train"))
    assert second[0] > first[0] + 100
    assert second[1] > first[1] + 100
    # From the handle to anywhere on the other task.
    handle(composer, "load").hover()
    page.mouse.down()
    target = task(composer, "train")
    left, top = place(target)
    page.mouse.move(left + 90, top + 40, steps=6)
    picture(page, "composer-linking")
    page.mouse.up()
    expect(link(composer, "load", "train")).to_be_attached()
    # A dragged task stays where it was put until all are arranged.
    target.hover()
    page.mouse.down()
    page.mouse.move(first[0] + 400, first[1] + 60, steps=8)
    page.mouse.up()
    assert abs(place(target)[1] - second[1]) > 40
    composer.get_by_role("button", name="Arrange all").click()
    expect(composer.get_by_role("button", name="Arrange all")).to_be_disabled()
    # A link is chosen by a click, and removed.
    page.mouse.click(*middle(composer, "load", "train"))
    expect(composer.get_by_role("region", name="Link from load to train")).to_be_visible()
    picture(page, "composer-link")
    composer.get_by_role("button", name="Remove link").click()
    expect(link(composer, "load", "train")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(link(composer, "load", "train")).to_be_attached()
    page.mouse.click(*middle(composer, "load", "train"))
    expect(composer.get_by_role("region", name="Link from load to train")).to_be_visible()
    page.keyboard.press("Delete")
    expect(link(composer, "load", "train")).to_have_count(0)


def test_tasks_are_copied_between_composers_with_their_links(page: Page, composer: Locator) -> None:
    composer.get_by_role("button", name="Add load@1").click()
    composer.get_by_role("button", name="Add train@1").click()
    composer.get_by_label("Source of rows").select_option("load.rows")
    task(composer, "load").click(modifiers=["Shift"])
    expect(composer.get_by_text("2 tasks chosen")).to_be_visible()
    picture(page, "composer-many")
    page.keyboard.press("Control+c")
    expect(composer.get_by_role("status", name="What happened")).to_have_text("Copied 2 tasks.")
    page.keyboard.press("Control+v")
    expect(tasks(composer)).to_have_count(4)
    expect(link(composer, "load-2", "train-2")).to_be_attached()
    page.keyboard.press("Control+z")
    expect(tasks(composer)).to_have_count(2)
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+x")
    expect(tasks(composer)).to_have_count(0)
    page.evaluate("() => window.jupyterapp.commands.execute('lentiq:compose')")
    other = page.locator(".lm-DockPanel-widget:not(.lm-mod-hidden)").get_by_role("region", name="Workflow composer")
    other.get_by_role("region", name="Graph of tasks").click()
    page.keyboard.press("Control+v")
    expect(tasks(other)).to_have_count(2)
    expect(link(other, "load", "train")).to_be_attached()
    page.keyboard.press("Control+z")
    expect(tasks(other)).to_have_count(0)


def test_box_chooses_tasks_and_they_move_and_go_together(page: Page, composer: Locator) -> None:
    for _ in range(3):
        composer.get_by_role("button", name="Add load@1").click()
    graph = composer.get_by_role("region", name="Graph of tasks").bounding_box()
    assert graph
    left, top = graph["x"], graph["y"]
    page.mouse.click(left + 30, top + 30)
    page.keyboard.down("Shift")
    page.mouse.move(left + 8, top + 8)
    page.mouse.down()
    page.mouse.move(left + graph["width"] - 20, top + graph["height"] - 20, steps=10)
    picture(page, "composer-box")
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(composer.get_by_text("3 tasks chosen")).to_be_visible()
    before = place(task(composer, "load-3"))
    task(composer, "load").hover()
    page.mouse.down()
    page.mouse.move(left + 300, top + 300, steps=6)
    page.mouse.up()
    assert place(task(composer, "load-3")) != before
    page.keyboard.press("Delete")
    expect(tasks(composer)).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(tasks(composer)).to_have_count(3)


def test_two_tasks_are_composed_and_saved_by_keyboard_alone(page: Page, composer: Locator) -> None:
    composer.get_by_role("button", name="Add load@1").focus()
    page.keyboard.press("Enter")
    tab_until(page, "document.activeElement.ariaLabel?.startsWith('Add train@1,')")
    page.keyboard.press("Enter")
    expect(tasks(composer)).to_have_count(2)
    # From the palette through the toolbar into the graph, to the task that was added last.
    tab_until(page, "document.activeElement.dataset.task")
    expect(task(composer, "train")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(task(composer, "load")).to_be_focused()
    page.keyboard.press("c")
    said = composer.get_by_role("status", name="What happened")
    expect(said).to_contain_text("Choose the task that waits for load")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(said).to_have_text("train waits for load.")
    expect(link(composer, "load", "train")).to_be_attached()
    picture(page, "composer-keyboard")
    page.keyboard.press("c")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(said).to_have_text("load cannot wait for train: that would be a circle.")


def test_schedule_shows_where_the_clocks_change_and_is_paused_and_made_up_for(page: Page, composer: Locator) -> None:
    composer.get_by_role("button", name="Add load@1").click()
    composer.get_by_role("textbox", name="Workflow", exact=True).fill("nightly-load")
    composer.get_by_role("region", name="Graph of tasks").click(position={"x": 20, "y": 20})
    expect(composer.get_by_role("region", name="Workflow settings")).to_be_visible()
    composer.get_by_label("Schedule", exact=True).get_by_label("Schedule", exact=True).select_option("every")
    composer.get_by_label("Time zone").fill("Europe/Berlin")
    composer.get_by_label("Start", exact=True).fill("2037-03-26T02:30")
    starts = composer.get_by_role("list", name="Next starts").get_by_role("listitem")
    expect(starts).to_have_count(10, timeout=MINUTE)
    expect(starts.nth(2)).to_contain_text("02:30 UTC+01:00")
    expect(starts.nth(3)).to_contain_text("The clocks go forward by 1 h.")
    expect(starts.nth(3)).to_contain_text("03:30 UTC+02:00")
    expect(starts.nth(3)).to_contain_text("02:30 does not exist that day")
    expect(starts.nth(4)).to_contain_text("02:30 UTC+02:00")
    expect(composer.get_by_text("one run makes up for them")).to_be_visible()
    picture(page, "composer-schedule")
    # What is wrong with it is said at its field, and in the list that leads there.
    composer.get_by_label("Schedule", exact=True).get_by_label("Schedule", exact=True).select_option("cron")
    cron = composer.get_by_role("textbox", name="Cron")
    cron.fill("0 2 30 2 *")
    expect(cron).to_have_attribute("aria-invalid", "true", timeout=MINUTE)
    expect(composer.get_by_text("They are known once what is wrong")).to_be_visible()
    picture(page, "composer-schedule-fault")
    task(composer, "load").click()
    composer.get_by_role("region", name="Faults").get_by_role("button").click()
    expect(cron).to_be_focused()
    cron.fill("0 2 * * *")
    expect(cron).not_to_have_attribute("aria-invalid", "true", timeout=MINUTE)
    composer.get_by_label("Start", exact=True).fill("2026-01-01T00:00")
    composer.get_by_role("button", name="Save", exact=True).click()
    composer.get_by_role("button", name="Pause the schedule").click()
    expect(composer.get_by_role("button", name="Resume the schedule")).to_be_visible(timeout=MINUTE)
    expect(composer.get_by_text("It is paused: none of them happens")).to_be_visible()
    composer.get_by_text("Run for a time gone by").click()
    composer.get_by_role("button", name="Count the starts").click()
    expect(composer.get_by_role("status", name="Starts found")).to_contain_text(re.compile("^[78] starts, from"))
    picture(page, "composer-backfill")
    composer.get_by_role("button", name=re.compile("^Ask for [78] runs$")).click()
    expect(composer.get_by_role("status", name="Starts found")).to_have_text(re.compile("^Asked for [78] runs"))
    composer.get_by_role("button", name="Count the starts").click()
    expect(composer.get_by_text("There is no start without a run")).to_be_visible(timeout=MINUTE)


WRONG = """workflow: wrong
tasks:
  one: {block: train@1, inputs: {rows: many, width: 3}, after: [two]}
  two: {block: train@1, after: [one], cpu: 900}
  three: {block: nothing@7}
"""


def test_problems_are_shown_where_they_are(page: Page, composer: Locator) -> None:
    composer.get_by_role("button", name="YAML").click()
    composer.get_by_role("textbox", name="YAML").fill(WRONG)
    composer.get_by_role("button", name="Apply").click()
    composer.get_by_role("button", name="Back to the graph").click()
    expect(composer.get_by_role("button", name="Task one, 3 problems")).to_be_visible(timeout=MINUTE)
    expect(composer.locator(".lq-edge-circular")).to_have_count(2)
    picture(page, "composer-faults")
    faults = composer.get_by_role("region", name="Faults")
    faults.get_by_role("button", name=re.compile("^tasks.one.inputs.rows")).click()
    field = composer.get_by_role("textbox", name="Value of rows")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    picture(page, "composer-fault-field")
    field.fill("7")
    composer.get_by_role("button", name="Remove value of width").click()
    expect(composer.get_by_role("button", name="Task one, 1 problem, train@1")).to_be_visible(timeout=MINUTE)
    faults.get_by_role("button", name=re.compile("^tasks.two: needs")).click()
    expect(composer.get_by_role("textbox", name="CPU")).to_be_focused()
    composer.get_by_role("textbox", name="CPU").fill("500m")
    # A circle is cut where it is shown.
    composer.get_by_role("checkbox", name=re.compile("^one")).click()
    expect(composer.locator(".lq-edge-circular")).to_have_count(0)
    expect(composer.get_by_role("button", name="Task two, train@1")).to_be_visible(timeout=MINUTE)
    task(composer, "three").click()
    expect(composer.get_by_role("group", name="Block")).to_contain_text("there is no block nothing")
    picture(page, "composer-fault-block")


def test_old_versions_are_updated_with_what_changes_named(lab: Lab, page: Page, composer: Locator) -> None:
    publish(lab, "score", ("parameters", "limit = 1\nold = 'x'"), ("", GIVES))
    composer.get_by_role("button", name="Refresh").click()
    for _ in range(2):
        composer.get_by_role("button", name="Add score@1").click()
    composer.get_by_label("Source of old").select_option("value")
    publish(lab, "score", ("parameters", "limit = 1\nrows: int"), ("", GIVES))
    composer.get_by_role("button", name="Refresh").click()
    newer = composer.get_by_role("region", name="Newer versions")
    expect(newer).to_contain_text("2 tasks use older versions", timeout=MINUTE)
    newer.locator("summary").click()
    expect(newer).to_contain_text("score-2: score@1 → @2")
    expect(newer).to_contain_text("needs a value for rows")
    expect(newer).to_contain_text("has no input old any more")
    picture(page, "composer-newer")
    composer.get_by_role("button", name="Update to @2").click()
    expect(newer).to_contain_text("1 task uses an older version")
    page.keyboard.press("Control+z")
    expect(newer).to_contain_text("2 tasks use older versions")
    newer.get_by_role("button", name="Update all to newest").click()
    expect(newer).to_have_count(0)
    expect(composer.get_by_label("Source of rows")).to_have_attribute("aria-invalid", "true")
    expect(composer.get_by_label("Source of old")).to_have_count(0)


def test_composer_fits_a_small_window_in_both_themes(page: Page, composer: Locator) -> None:
    page.set_viewport_size({"width": 1024, "height": 700})
    composer.get_by_role("button", name="Add load@1").click()
    composer.get_by_role("button", name="Add train@1").click()
    picture(page, "composer-small-task")
    composer.get_by_role("button", name="Blocks", exact=True).click()
    expect(composer.get_by_role("button", name="Add load@1")).to_be_visible()
    picture(page, "composer-small-blocks")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    task(composer, "load").click()
    expect(composer.get_by_role("region", name="Task load")).to_be_visible()
    picture(page, "composer-small-dark")
    page.set_viewport_size({"width": 1440, "height": 900})
    picture(page, "composer-dark")
