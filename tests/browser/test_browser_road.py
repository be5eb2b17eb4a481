"""The road as a person walks it: publish by a click, compose in a panel, see it succeed."""

from __future__ import annotations

import re

import pytest
from browser_lab import Lab, picture, write
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.slow]
MINUTES_3 = 180_000


def publish(page: Page, name: str) -> None:
    page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="lentiq-publish"]').click()
    panel = page.get_by_role("region", name="Publish as block")
    expect(panel.get_by_role("textbox", name="Name", exact=True)).to_have_value(name, timeout=MINUTES_3)
    picture(page, f"publish-form-{name}")
    panel.get_by_role("button", name="Publish", exact=True).click()
    expect(panel.get_by_text("Verify", exact=True)).to_be_visible()
    picture(page, f"publish-progress-{name}")
    expect(panel.get_by_text(re.compile(f"{name}@1 is registered"))).to_be_visible(timeout=MINUTES_3)
    picture(page, f"publish-done-{name}")


@pytest.mark.timeout(600)
def test_notebooks_become_a_workflow_that_has_run(lab: Lab, page: Page) -> None:
    write(
        lab.root / "count-rows.ipynb",
        ("parameters", "rows: int = 3"),
        ("", "from lentiq_jupyter import output\noutput('total', rows * 2)"),
    )
    write(
        lab.root / "report.ipynb",
        ("parameters", "total: int = 1\ntitle = 'Report'"),
        ("", "print(title, total)\nfrom lentiq_jupyter import output\noutput('text', f'{title}: {total}')"),
    )
    lab.open(page, "count-rows.ipynb")
    publish(page, "count-rows")
    page.get_by_role("button", name="Show in sidebar").click()
    expect(page.get_by_role("tabpanel").get_by_text("count-rows").first).to_be_visible()
    picture(page, "sidebar-blocks")

    lab.open(page, "report.ipynb", "JupyterLab Dark")
    publish(page, "report")

    write(
        lab.root / "compose.ipynb",
        ("", "from lentiq_jupyter.panels import WorkflowPanel\npanel = WorkflowPanel()\npanel"),
        ("", "print(sorted(task.name for task in panel.value.tasks), panel.run['state'])"),
    )
    for theme in ("JupyterLab Dark",):
        lab.open(page, "compose.ipynb", theme)
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
        cell = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea").first
        expect(cell.get_by_role("button", name="Add count-rows@1")).to_be_visible()
        cell.get_by_role("textbox", name="Workflow", exact=True).fill("from-the-panel")
        cell.get_by_role("button", name="Add count-rows@1").click()
        cell.get_by_role("button", name="Add report@1").click()
        cell.get_by_role("combobox", name="Source of total").select_option(label="count-rows.total")
        picture(page, "panel-composed")
        cell.get_by_role("button", name="Save", exact=True).click()
        expect(cell.get_by_text("revision 1")).to_be_visible()
        cell.get_by_role("button", name="Start", exact=True).click()
        for task in ("count-rows", "report"):
            expect(cell.get_by_role("button", name=re.compile(f"Task {task}, SUCCEEDED"))).to_be_visible(
                timeout=MINUTES_3
            )
        picture(page, "panel-succeeded")

    page.evaluate("() => window.jupyterapp.commands.execute('lentiq:show-sidebar')")
    page.get_by_role("tab", name=re.compile("Runs")).click()
    expect(page.get_by_role("tabpanel").get_by_text("from-the-panel").first).to_be_visible()
    # The first of that name is a choice of the filter.
    expect(page.get_by_role("tabpanel").get_by_text("SUCCEEDED").locator("visible=true").first).to_be_visible()
    picture(page, "sidebar-runs")
