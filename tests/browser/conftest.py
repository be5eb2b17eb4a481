"""A real JupyterLab with the extension, in a real Chromium.

Pictures go to the folder that LENTIQ_TEST_PICTURES names, if it is set.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_lab import FLAGS, Lab, chromium_program, running_lab
from playwright.sync_api import Browser, Page, expect, sync_playwright


# One for each file: what is published, run and left over in one cannot disturb another.
@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Instead of pytest-jupyter's loop for every test: the browser's driver runs one of its own here."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Instead of pytest-jupyter's, which needs that loop."""


# Not for the whole session: other tests need a thread without a running loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    # Changing the theme while Lab starts makes Lab's own code stumble over a removed style sheet. Answers
    # that are errors are shown to the user, and the browser notes each. Lab's debugger asks kernels that have gone.
    known = ("removeChild", "Failed to load resource", "Could not restore the debugger state")
    assert [fault for fault in faults if not any(words in fault for words in known)] == []
