"""Publishing where the kernel works, has died or was never there, and where another hand changed the file."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from browser_lab import Lab, picture, write
from browser_work import ask, execute
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MINUTE = 60_000
KERNEL = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
CHANGED = """source => {
  const notebook = [...window.jupyterapp.shell.widgets('main')].find(one => one.context);
  notebook.content.model.cells.get(0).sharedModel.setSource(source);
}"""


def publish_form(page: Page) -> Locator:
    execute(page, "lentiq:publish")
    return page.get_by_role("region", name="Publish as block")


def test_working_kernel_says_what_it_holds(lab: Lab, page: Page) -> None:
    write(lab.root / "works.ipynb", ("", "import pandas"), ("", "import time\ntime.sleep(600)"))
    lab.open(page, "works.ipynb")
    execute(page, "notebook:run-all-cells")
    expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[*]:")
    expect(page.locator(".jp-InputPrompt").nth(0)).to_have_text("[1]:", timeout=MINUTE)
    form = publish_form(page)
    expect(form.get_by_text("live kernel asked")).to_be_visible(timeout=MINUTE)
    expect(form.get_by_role("rowheader", name="pandas", exact=True)).to_be_visible()
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")


def test_kernel_that_was_killed_is_not_waited_for(lab: Lab, page: Page) -> None:
    write(lab.root / "killed.ipynb", ("", "import pandas"))
    lab.open(page, "killed.ipynb")
    kernel = page.evaluate(KERNEL)
    [process] = [one for one in psutil.process_iter() if any(kernel in word for word in words_of(one))]
    # Stopped first, so that the server does not know of it yet: as if it hung.
    os.kill(process.pid, signal.SIGSTOP)
    form = publish_form(page)
    expect(form.get_by_role("textbox", name="Name", exact=True)).to_have_value("killed", timeout=MINUTE)
    expect(form.get_by_text("environment asked")).to_be_visible()
    expect(form.get_by_role("rowheader", name="pandas", exact=True)).to_be_visible()
    os.kill(process.pid, signal.SIGKILL)
    page.get_by_role("dialog", name="Kernel Restarting").get_by_role("button", name="Ok").click()
    form.get_by_role("button", name="Read again").click()
    expect(form.get_by_role("button", name="Publish", exact=True)).to_be_enabled(timeout=MINUTE)


def words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_notebook_without_a_kernel_is_published(lab: Lab, page: Page) -> None:
    write(lab.root / "still.ipynb", ("", "print(1)"))
    lab.open(page, "still.ipynb")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    form = publish_form(page)
    expect(form.get_by_text("environment asked")).to_be_visible(timeout=MINUTE)
    form.get_by_role("button", name="Publish", exact=True).click()
    expect(form.get_by_text("still@1 is registered")).to_be_visible(timeout=3 * MINUTE)


def test_file_that_another_hand_changed_is_not_published_unseen(lab: Lab, page: Page) -> None:
    write(lab.root / "ours.ipynb", ("", "import csv"))
    lab.open(page, "ours.ipynb")
    page.evaluate(CHANGED, "import json")
    file = lab.root / "ours.ipynb"
    write(file, ("", "import theirs"))
    later = file.stat().st_mtime + 60
    os.utime(file, (later, later))
    form = publish_form(page)
    dialog = page.get_by_role("dialog").filter(has_text="has changed on disk")
    dialog.get_by_role("button", name="Cancel").click()
    expect(form.get_by_role("alert")).to_contain_text("The notebook was not saved")
    picture(page, "publish-not-saved-light")
    form.get_by_role("button", name="Try again").click()
    dialog.get_by_role("button", name="Overwrite").click()
    expect(form.get_by_role("textbox", name="Name", exact=True)).to_have_value("ours", timeout=MINUTE)
    assert "import json" in file.read_text()
    page.evaluate(CHANGED, "import re")
    write(file, ("", "import theirs"))
    os.utime(file, (later + 60, later + 60))
    form.get_by_role("button", name="Publish", exact=True).click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(form.get_by_role("alert")).to_contain_text("The notebook was not saved")
    expect(form.get_by_role("button", name="Publish", exact=True)).to_be_enabled()
    assert not any(one["spec"]["name"] == "ours" for one in ask(lab, "GET", "blocks")["blocks"])
