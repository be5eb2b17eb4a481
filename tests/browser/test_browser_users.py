"""Several people on one database and registry, several tabs of one of them, at addresses as a hub gives them."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_lab import Lab, running_lab, write
from browser_lab import picture as keep
from browser_work import execute, start
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(600)]
MINUTE = 60_000


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both users' servers keep together."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def ana(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from user("ana", shared, tmp_path_factory.mktemp("ana"))


@pytest.fixture(scope="module")
def ben(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from user("ben", shared, tmp_path_factory.mktemp("ben"))


def user(name: str, shared: Path, folder: Path) -> Iterator[Lab]:
    """A server as a hub starts it for that user."""
    settings = {
        "JUPYTERHUB_USER": name,
        "LENTIQ_DATABASE": f"sqlite:///{shared / 'lentiq.sqlite'}",
        "LENTIQ_REGISTRY": str(shared / "registry"),
    }
    with running_lab(folder, f"--ServerApp.base_url=/user/{name}/", **settings) as found:
        yield found


@pytest.fixture
def others(chromium: Browser) -> Iterator[Page]:
    """A page of another browser."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(MINUTE)
    yield page
    context.close()


def compose(page: Page, name: str) -> Locator:
    execute(page, "lentiq:compose", project="default", name=name)
    composer = page.get_by_role("region", name="Workflow composer")
    expect(composer.get_by_role("textbox", name="Workflow", exact=True)).to_have_value(name)
    return composer


def describe(composer: Locator, text: str) -> None:
    field = composer.get_by_role("textbox", name="Description")
    field.fill(text)
    composer.get_by_role("button", name="Save", exact=True).click()


def test_what_ana_publishes_and_runs_ben_sees_and_starts(ana: Lab, ben: Lab, page: Page, others: Page) -> None:
    write(ana.root / "of-ana.ipynb", ("", "from lentiq_jupyter import output\noutput('n', 3)"))
    write(
        ana.root / "work.ipynb",
        ("", "%load_ext lentiq_jupyter\n%lentiq publish of-ana.ipynb --no-verify\n%lentiq run of-ana"),
        ("", "from lentiq_jupyter.panels import RunPanel\nRunPanel(_)"),
    )
    ana.open(page, "work.ipynb")
    for _ in range(2):
        page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    expect(page.get_by_role("status", name="State of the run")).to_have_text("SUCCEEDED", timeout=3 * MINUTE)
    keep(page, "users-ana")

    start(ben, others, workspace=secrets.token_hex(4))
    execute(others, "lentiq:show-sidebar", tab="blocks")
    sidebar = others.get_by_role("region", name="Lentiq", exact=True)
    expect(sidebar.get_by_text("of-ana").first).to_be_visible(timeout=MINUTE)
    execute(others, "lentiq:open-block", name="of-ana", version="1")
    expect(others.get_by_text(re.compile(r"\bana\b")).first).to_be_visible()
    execute(others, "lentiq:show-sidebar", tab="runs")
    # The first of that name is a choice of the filter.
    expect(sidebar.get_by_text("SUCCEEDED").locator("visible=true").first).to_be_visible()
    write(
        ben.root / "mine.ipynb",
        ("", "%load_ext lentiq_jupyter\nrun = %lentiq run of-ana\nprint('by', run.author, run.state)"),
    )
    ben.open(others, "mine.ipynb")
    others.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-cell')")
    expect(others.get_by_text("by ben SUCCEEDED")).to_be_visible(timeout=3 * MINUTE)
    keep(others, "users-ben")


@pytest.fixture
def workflow(ana: Lab) -> str:
    """A saved workflow; its block is whatever the catalogue has."""
    write(ana.root / "step.ipynb", ("", "print(1)"))
    environment = {**ana.environment, "LENTIQ_API_URL": "", "LENTIQ_API_TOKEN": ""}
    cli = [sys.executable, "-m", "lentiq_jupyter.cli"]
    subprocess.run(
        [*cli, "publish", "step.ipynb", "--no-verify"], cwd=ana.root, env=environment, check=True, capture_output=True
    )
    (ana.root / "shared.yaml").write_text("workflow: shared\ntasks:\n  step: {block: step}\n", encoding="utf-8")
    subprocess.run(
        [*cli, "workflow", "apply", "shared.yaml"], cwd=ana.root, env=environment, check=True, capture_output=True
    )
    return "shared"


def test_tabs_follow_each_other_and_the_second_to_save_decides(
    ana: Lab, ben: Lab, page: Page, others: Page, workflow: str
) -> None:
    start(ana, page, workspace=secrets.token_hex(4))
    mine = compose(page, workflow)
    tab = page.context.new_page()
    start(ana, tab, workspace=secrets.token_hex(4))
    same = compose(tab, workflow)
    # What was not touched in one tab follows the other.
    describe(mine, "first words")
    expect(same.get_by_role("textbox", name="Description")).to_have_value("first words", timeout=MINUTE)
    tab.close()

    start(ben, others, workspace=secrets.token_hex(4))
    theirs = compose(others, workflow)
    describe(theirs, "words of ben")
    expect(theirs.get_by_text(re.compile("^Saved, revision"))).to_be_visible()
    describe(mine, "words of ana")
    bar = mine.get_by_role("alert", name="Changed elsewhere")
    expect(bar).to_contain_text(re.compile("Workflow shared was changed by ben at .* UTC"))
    keep(page, "users-conflict")
    bar.get_by_role("button", name="Reload").click()
    description = mine.get_by_role("textbox", name="Description")
    expect(description).to_have_value("words of ben")
    expect(bar).to_have_count(0)
    mine.get_by_role("button", name="Undo").click()
    expect(description).to_have_value("words of ana")

    describe(theirs, "ben again")
    expect(theirs.get_by_text(re.compile("^Saved, revision"))).to_be_visible()
    describe(mine, "ana has the last word")
    bar.get_by_role("button", name="Overwrite").click()
    expect(mine.get_by_text(re.compile("^Saved, revision"))).to_be_visible()
    describe(theirs, "too late")
    expect(theirs.get_by_role("alert", name="Changed elsewhere")).to_contain_text("changed by ana")
