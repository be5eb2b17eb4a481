"""The catalogue in the sidebar, the page of a block, its comparison, and the form around an image."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser_lab import Lab, picture
from browser_work import execute, start
from playwright.sync_api import Locator, Page, expect
from stand_in_catalogue import Catalogue, huge, rich

pytestmark = [pytest.mark.browser, pytest.mark.slow]
UNAVAILABLE = {
    "kind": "Unavailable",
    "message": "The registry 127.0.0.1:5000 does not answer.",
    "hint": "Start it, then try again.",
    "faults": [],
    "log": "",
}
NO_IMAGE = {**UNAVAILABLE, "kind": "NotFound", "message": "There is no image ghcr.io/acme/score:2.", "hint": ""}


@pytest.fixture
def opened(lab: Lab, page: Page) -> Callable[..., Locator]:
    """Opens Lab with a catalogue in a theme; gives the sidebar."""

    def open_lab(catalogue: Catalogue, theme: str = "JupyterLab Light") -> Locator:
        catalogue.serve(page)
        start(lab, page, theme)
        execute(page, "lentiq:show-sidebar")
        return page.get_by_role("region", name="Lentiq")

    return open_lab


def expect_names(sidebar: Locator, *names: str) -> None:
    expect(sidebar.locator(".lq-card .lq-title")).to_have_text(list(names))


@pytest.mark.timeout(240)
def test_catalogue_is_searched_by_words_owner_and_input_from_the_keyboard(
    page: Page, opened: Callable[..., Locator]
) -> None:
    sidebar = opened(rich())
    status = sidebar.get_by_role("search").get_by_role("status")
    expect(status).to_have_text("4 blocks")
    expect_names(sidebar, "bare-metal@1", "clean-sales@4", "report-2024@7", "score-image@2")
    deprecated = sidebar.get_by_role("button", name=re.compile("report-2024"))
    expect(deprecated).to_have_text(re.compile("deprecated.*The year is over"))
    expect(sidebar.get_by_role("button", name=re.compile("bare-metal"))).to_have_text(re.compile("no base layers"))
    picture(page, "catalogue-light")

    search = sidebar.get_by_role("searchbox", name="Search blocks")
    for text, found in (
        ("OPENPYXL", ["clean-sales@4"]),
        ("owner:ana input:country", ["clean-sales@4", "score-image@2"]),
        ("image owner:ana", ["score-image@2"]),
        ("owner:nobody", []),
    ):
        search.fill(text)
        expect(status).to_have_text("1 block found" if len(found) == 1 else f"{len(found)} blocks found")
        expect_names(sidebar, *found)
    expect(sidebar.get_by_text("No block matches")).to_be_visible()
    picture(page, "catalogue-no-match")
    search.press("Escape")
    expect(search).to_have_value("")
    sidebar.get_by_role("checkbox", name="deprecated too").uncheck()
    expect(status).to_have_text("3 blocks found")
    sidebar.get_by_role("checkbox", name="deprecated too").check()
    expect(status).to_have_text("4 blocks")

    search.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(sidebar.get_by_role("button", name=re.compile("clean-sales"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(sidebar.get_by_role("button", name="Details")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(search).to_be_focused()
    search.fill("score")
    expect(status).to_have_text("1 block found")
    search.press("Enter")
    score = sidebar.get_by_role("button", name=re.compile("score-image"))
    expect(score).to_be_focused()
    expect(score).to_have_attribute("aria-expanded", "true")
    # Who made a block and what it takes lead to others alike.
    sidebar.get_by_role("button", name="country").click()
    expect(search).to_have_value("score input:country")


@pytest.mark.timeout(240)
def test_block_page_shows_a_version_and_trusts_nothing_in_its_readme(
    page: Page, opened: Callable[..., Locator]
) -> None:
    opened(rich(), "JupyterLab Dark")
    title = page.title()
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url))
    execute(page, "lentiq:open-block", name="clean-sales")
    block = page.get_by_role("region", name="Block clean-sales")
    readme = block.get_by_role("article", name="README of clean-sales")
    expect(readme.get_by_role("heading", name="Clean sales")).to_be_visible()
    expect(readme.get_by_role("table")).to_be_visible()
    handbook = readme.get_by_role("link", name="the handbook")
    expect(handbook).to_have_attribute("target", "_blank")
    expect(handbook).to_have_attribute("rel", re.compile("noopener"))
    links = readme.locator("a[href]").evaluate_all("links => links.map(one => one.getAttribute('href'))")
    assert links == ["https://example.org/handbook?a=1&b=2", "https://tracker.example/pixel.png"]
    assert readme.locator("script, img, button, form, input, iframe, [style], [id], [onerror]").count() == 0
    assert readme.locator("[class*=lq-]").count() == 0
    assert [url for url in loads if "tracker" in url] == []
    assert page.title() in (title, "clean-sales - JupyterLab")

    origin = block.get_by_role("complementary", name="Where it comes from")
    expect(origin.get_by_text("4be1f0c8d2…")).to_be_visible()
    expect(origin.get_by_text("with changes of its own")).to_be_visible()
    expect(origin.get_by_role("link")).to_have_attribute("href", "https://github.com/acme/sales-notebooks")
    picture(page, "block-overview-dark")

    block.get_by_role("tab", name="Overview").press("ArrowRight")
    block.get_by_role("searchbox", name="Filter packages").fill("panda")
    expect(block.get_by_role("table", name="Packages").get_by_role("row")).to_have_count(2)
    block.get_by_role("tab", name="Packages").press("ArrowRight")
    versions = block.get_by_role("table", name="Versions")
    expect(versions.get_by_role("row")).to_have_count(5)
    expect(versions.get_by_role("row", name="@3")).to_have_text(re.compile("Ana Pop.*deprecated.*counts refunds twice"))
    picture(page, "block-versions-dark")
    versions.get_by_role("button", name="@2", exact=True).click()
    block.get_by_role("tab", name="Overview").click()
    expect(origin.get_by_text("git@github.com:acme/sales-notebooks.git")).to_be_visible()
    expect(origin.get_by_role("link")).to_have_count(0)

    with page.expect_download() as download:
        block.get_by_role("button", name="SBOM").click()
    assert download.value.suggested_filename == "clean-sales-2.cdx.json"


@pytest.mark.timeout(240)
def test_versions_are_compared(page: Page, opened: Callable[..., Locator]) -> None:
    opened(rich())
    execute(page, "lentiq:open-block", name="clean-sales")
    block = page.get_by_role("region", name="Block clean-sales")
    block.get_by_role("tab", name="Compare").click()
    expect(block.get_by_role("combobox", name="Old")).to_have_value("3")
    block.get_by_role("combobox", name="Old").select_option("2")
    packages = block.get_by_role("table", name="Changes of: Packages")
    expect(packages.get_by_role("row", name="matplotlib")).to_have_text("matplotlibchanged3.8.0 → 3.9.2")
    expect(packages.get_by_role("row", name="xlrd")).to_have_text("xlrdremoved2.0.1")
    expect(
        block.get_by_text("They share 55 layers with 58 MB: who has one fetches 6 MB for the other.")
    ).to_be_visible()
    cells = block.get_by_role("group", name="Difference of the cells")
    expect(cells.locator("del").first).to_have_text(re.compile("rate = 0.2"))
    expect(cells.locator("ins").first).to_have_text(re.compile("rate = 0.19"))
    expect(block.get_by_text("4 lines added, 4 removed")).to_be_visible()
    picture(page, "block-compare")
    block.get_by_role("button", name="Swap").click()
    expect(block.get_by_role("combobox", name="New")).to_have_value("2")
    block.get_by_role("combobox", name="New").select_option("3")
    block.get_by_role("combobox", name="Old").select_option("1")
    expect(block.get_by_text("Nothing differs")).to_be_visible()


@pytest.mark.timeout(240)
def test_a_version_is_deprecated_with_a_reason_and_removed_with_a_warning(
    page: Page, opened: Callable[..., Locator]
) -> None:
    catalogue = rich()
    sidebar = opened(catalogue)
    execute(page, "lentiq:open-block", name="clean-sales")
    block = page.get_by_role("region", name="Block clean-sales")
    deprecate = block.get_by_role("button", name="Deprecate…")
    deprecate.click()
    expect(block.get_by_role("button", name="Deprecate", exact=True)).to_be_disabled()
    page.keyboard.press("Escape")
    expect(deprecate).to_be_focused()
    deprecate.press("Enter")
    page.keyboard.type("It rounds wrongly.")
    page.keyboard.press("Enter")
    expect(block.get_by_text("Deprecated: It rounds wrongly.")).to_be_visible()
    expect(sidebar.get_by_role("button", name=re.compile("clean-sales"))).to_have_text(re.compile("It rounds wrongly"))
    picture(page, "block-deprecated")
    page.get_by_role("button", name="Undo").click()
    expect(block.get_by_text("Deprecated: It rounds wrongly.")).to_have_count(0)
    puts = [body for verb, _, body in catalogue.asked if verb == "PUT"]
    assert puts == [{"reason": "It rounds wrongly."}, {"reason": None}]

    # Used: asked twice. Somebody began to use it meanwhile: the service's word leads to the second question.
    block.get_by_role("button", name="Remove…").click()
    first = block.get_by_role("alertdialog", name="Remove clean-sales@4?")
    expect(first.get_by_text("default/nightly-sales, task clean")).to_be_visible()
    first.get_by_role("button", name="Remove…").click()
    second = block.get_by_role("alertdialog", name="Remove clean-sales@4 although it is used?")
    expect(second.get_by_role("button", name="Keep")).to_be_focused()
    picture(page, "block-remove")
    second.get_by_role("button", name="Remove anyway").click()
    expect(block.get_by_role("combobox", name="Version", exact=True)).to_have_value("3")
    block.get_by_role("combobox", name="Version", exact=True).select_option("1")
    catalogue.hidden_users = [
        *catalogue.hidden_users,
        type(catalogue.users[0])(project="default", workflow="just-saved", task="a", version="1"),
    ]
    block.get_by_role("button", name="Remove…").click()
    expect(block.get_by_text("No workflow uses it.")).to_be_visible()
    block.get_by_role("alertdialog").get_by_role("button", name="Remove", exact=True).click()
    expect(block.get_by_role("alert")).to_have_text(re.compile("clean-sales@1 is used by just-saved"))
    block.get_by_role("button", name="Remove anyway").click()
    expect(block.get_by_role("tab", name="Versions")).to_have_text("Versions 2")
    deletes = [path.split("&")[0].rsplit("?1", 1)[0] for verb, path, _ in catalogue.asked if verb == "DELETE"]
    assert deletes == ["clean-sales/4?force=true", "clean-sales/1", "clean-sales/1?force=true"]

    block.get_by_role("tab", name="Used by").click()
    expect(block.get_by_role("table", name="Workflows that use it").get_by_role("row")).to_have_count(3)
    block.get_by_role("button", name="Add to workflow").click()
    composer = page.get_by_role("region", name="Workflow composer")
    expect(composer.get_by_role("button", name=re.compile("Task clean-sales"))).to_be_visible()


@pytest.mark.timeout(240)
def test_a_block_is_made_of_an_image(page: Page, opened: Callable[..., Locator]) -> None:
    catalogue = rich()
    catalogue.refusing = NO_IMAGE
    sidebar = opened(catalogue)
    sidebar.get_by_role("button", name="Block from an image…").click()
    form = page.get_by_role("region", name="Block from an image")
    make = form.get_by_role("button", name="Make block")
    make.click()
    image = form.get_by_role("textbox", name="Image", exact=True)
    expect(image).to_be_focused()
    expect(image).to_have_attribute("aria-invalid", "true")
    image.fill("ghcr.io/acme/score:2")
    expect(form.get_by_role("textbox", name="Name", exact=True)).to_have_value("score")
    form.get_by_role("button", name="Add input").press("Enter")
    page.keyboard.type("country")
    form.get_by_role("textbox", name="Default of country").fill("RO")
    form.get_by_role("button", name="Add input").click()
    page.keyboard.type("threshold")
    form.get_by_role("combobox", name="Type of threshold").select_option("float")
    form.get_by_role("textbox", name="Default of threshold").fill("half")
    expect(form.get_by_role("textbox", name="Default of threshold")).to_have_attribute("aria-invalid", "true")
    form.get_by_role("textbox", name="Default of threshold").fill("0.5")
    expect(form.get_by_text("COUNTRY=${{ inputs.country }}, THRESHOLD=${{ inputs.threshold }}")).to_be_visible()
    form.get_by_role("button", name="Add variable").click()
    page.keyboard.type("LIMIT")
    form.get_by_role("combobox", name="Insert an input into: Value of LIMIT").select_option("threshold")
    expect(form.get_by_role("textbox", name="Value of LIMIT")).to_have_value("${{ inputs.threshold }}")
    form.get_by_role("textbox", name="Command, one argument a line").fill("--strict\na b")
    form.get_by_role("button", name="Add output").click()
    page.keyboard.type("score")
    form.get_by_role("textbox", name="Path of score").fill("/out/score.json")
    make.click()
    expect(form.get_by_text("There is no image ghcr.io/acme/score:2.")).to_be_visible()
    expect(image).to_be_focused()
    picture(page, "image-form")
    catalogue.refusing = None
    page.keyboard.press("Enter")
    expect(form).to_have_count(0)
    expect(sidebar.get_by_role("button", name=re.compile("score@1"))).to_have_attribute("aria-expanded", "true")
    sent = next(body for verb, _, body in reversed(catalogue.asked) if verb == "POST")
    assert (sent["environment"], sent["command"]) == ({"LIMIT": "${{ inputs.threshold }}"}, ["--strict", "a b"])
    assert sent["outputs"] == [{"name": "score", "description": "", "source": "/out/score.json", "type": None}]


@pytest.mark.timeout(240)
def test_a_thousand_blocks_are_drawn_as_they_are_looked_at(page: Page, opened: Callable[..., Locator]) -> None:
    sidebar = opened(huge())
    status = sidebar.get_by_role("search").get_by_role("status")
    expect(status).to_have_text("1000 blocks")
    rows = sidebar.locator(".lq-card")
    assert rows.count() < 200
    expect(rows.first).to_have_attribute("aria-setsize", "1000")
    took = page.evaluate(
        """async () => {
          const field = document.querySelector('.lq-searchbar input');
          const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
          const took = [];
          for (let turn = 0; turn < 10; turn += 1) {
            const begin = performance.now();
            set.call(field, 'b'.repeat(turn + 1));
            field.dispatchEvent(new Event('input', {bubbles: true}));
            await new Promise(requestAnimationFrame);
            took.push(performance.now() - begin);
          }
          // The best, because other programs may hold the machine's cores.
          return Math.min(...took);
        }"""
    )
    assert took < 100, f"a keystroke took {took:.0f} ms"
    sidebar.get_by_role("searchbox", name="Search blocks").fill("block-099")
    expect(status).to_have_text("10 blocks found")
    sidebar.get_by_role("button", name="Clear search").click()
    expect(status).to_have_text("1000 blocks")
    for _ in range(3):
        before = rows.count()
        sidebar.locator(".lq-scroll").evaluate("box => { box.scrollTop = box.scrollHeight; }")
        expect(rows.nth(before)).to_be_attached()


@pytest.mark.timeout(240)
def test_an_empty_and_a_silent_registry_say_what_to_do(page: Page, opened: Callable[..., Locator]) -> None:
    catalogue = Catalogue()
    sidebar = opened(catalogue)
    expect(sidebar.get_by_text("No blocks yet")).to_be_visible()
    catalogue.failing = UNAVAILABLE
    execute(page, "lentiq:open-block", name="gone")
    block = page.get_by_role("region", name="Block gone")
    expect(block.get_by_role("alert")).to_have_text(re.compile("does not answer.*Start it"))
    picture(page, "block-unavailable")
    catalogue.failing = None
    block.get_by_role("button", name="Try again").click()
    expect(block.get_by_text("There is no gone")).to_be_visible()
