"""How fast the faces in JupyterLab are, in a real Chromium.

``python tests/benchmarks/faces.py`` prints a table of: the time from a click on the toolbar to the filled publish form
(idle kernel, and one that runs a cell), the list of 1,000 blocks, how soon a page hears of a run, the sizes of the
bundles, and what the extension costs when Lab starts. Needs what the browser tests need, and the package index.
"""

from __future__ import annotations

import gzip
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/browser"), str(ROOT / "tests")]

from browser_lab import FLAGS, Lab, chromium_program, running_lab, write  # noqa: E402
from browser_work import STEPS, ask, execute, flags_of, open_run, publish, run_block, start  # noqa: E402
from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402
from stand_in_catalogue import huge  # noqa: E402

TURNS = 5
BUTTON = '.jp-NotebookPanel-toolbar [data-jp-item-name="lentiq-publish"]'
NEEDS = "import pandas, numpy, sklearn.ensemble, matplotlib.pyplot"
# From the press of the mouse until the form shows the name, by the page's own clock.
PRESSED = "() => addEventListener('mousedown', () => { window.pressed = performance.now(); }, { once: true })"
FILLED = """async () => {
  while (!document.querySelector('.lq-publish .lq-field input')?.value)
    await new Promise(requestAnimationFrame);
  return performance.now() - window.pressed;
}"""
SCROLL = """async () => {
  const box = document.querySelector('.lq-sidebar .lq-scroll');
  const begin = performance.now();
  let frames = 0, longest = 0, before = begin;
  while (performance.now() - begin < 2000) {
    box.scrollTop += 40;
    const now = await new Promise(requestAnimationFrame);
    longest = Math.max(longest, now - before);
    before = now;
    frames += 1;
  }
  return [frames / 2, longest];
}"""
HEARD = """async id => {
  while (document.querySelector('.lq-run [role=status] .lq-word')?.textContent !== 'SUCCEEDED')
    await new Promise(requestAnimationFrame);
  return Date.now();
}"""


@contextmanager
def a_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield page
    context.close()


def tell(what: str, value: str, target: str = "") -> None:
    print(f"{what:58} {value:>22}   {target}", flush=True)


def spread(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f})"


def form(lab: Lab, browser: Browser) -> None:
    """From the click to the form, each time with a kernel of its own, so that nothing is known beforehand."""
    for kind, cells, target in (
        ("kernel idle", [NEEDS], "at most 1,000 ms"),
        ("kernel runs a cell", [NEEDS, "while True: sum(range(1000))"], "at most 1,500 ms"),
    ):
        times = []
        for turn in range(TURNS):
            name = f"form-{len(cells)}-{turn}.ipynb"
            write(lab.root / name, *(("", source) for source in cells))
            with a_page(browser) as page:
                lab.open(page, name)
                page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
                if len(cells) > 1:
                    page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-cell')")
                    expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[*]:")
                page.evaluate(PRESSED)
                page.locator(BUTTON).click()
                times.append(page.evaluate(FILLED))
                page.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")
                page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
        tell(f"click to filled form, {kind}", spread(times), target)


def catalogue(lab: Lab, browser: Browser) -> None:
    with a_page(browser) as page:
        huge().serve(page)
        start(lab, page)
        begin = time.perf_counter()
        execute(page, "lentiq:show-sidebar", tab="blocks")
        page.locator(".lq-card").first.wait_for()
        tell("1,000 blocks: click to list", f"{(time.perf_counter() - begin) * 1000:.0f} ms")
        frames, longest = page.evaluate(SCROLL)
        tell("1,000 blocks: scrolled", f"{frames:.0f} frames/s", f"longest frame {longest:.0f} ms")


def events(lab: Lab, browser: Browser) -> None:
    """From the end of a task, as its files tell, to the word on the page."""
    publish(lab, "steps", *STEPS)
    times = []
    for turn in range(TURNS):
        flag = flags_of(lab) / f"turn-{turn}"
        run = run_block(lab, "steps", flag=str(flag))
        with a_page(browser) as page:
            start(lab, page)
            shown = open_run(page, run)
            expect(shown.get_by_role("log")).to_contain_text("begun", timeout=60_000)
            flag.touch()
            heard = page.evaluate(HEARD, run)
            ended = datetime.fromisoformat(ask(lab, "GET", f"runs/{run}")["ended_at"]).timestamp() * 1000
            times.append(heard - ended)
    tell("end of a run to the word on its page", spread(times), "at most 1,000 ms")


def sizes(lab: Lab, browser: Browser) -> None:
    """Which files of the extension Lab fetches, when it starts and later."""
    fetched: dict[str, bytes] = {}
    with a_page(browser) as page:
        page.on(
            "response",
            lambda answer: (
                fetched.setdefault(answer.url.split("/")[-1].split("?")[0], answer.body())
                if "/extensions/lentiq-jupyter/" in answer.url
                else None
            ),
        )
        start(lab, page)
        page.wait_for_load_state("networkidle")
        at_start = dict(fetched)
        execute(page, "lentiq:compose")
        page.locator(".react-flow").first.wait_for()
        page.wait_for_load_state("networkidle")
    for what, files in (("at the start", at_start), ("with a composer open", fetched)):
        whole = sum(map(len, files.values())) / 1000
        packed = sum(len(gzip.compress(body)) for body in files.values()) / 1000
        tell(f"lab bundle, {what}: {len(files)} files", f"{whole:.0f} kB ({packed:.0f} gzip)", "at most 400 kB")
    widget = (ROOT / "lentiq_jupyter/static/widget.js").read_bytes()
    tell("widget.js", f"{len(widget) / 1000:.0f} kB ({len(gzip.compress(widget)) / 1000:.0f} gzip)", "at most 450 kB")


def start_cost(lab: Lab, bare: Lab, browser: Browser) -> None:
    """Lab with the extension and without, in turns, so that what else the machine does meets both alike.

    The page's own thread is also asked for its processor time, which other programs do not lengthen.
    """
    waited: dict[str, list[float]] = {"with": [], "without": []}
    worked: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(2 * TURNS):
        for kind, one in (("with", lab), ("without", bare)):
            with a_page(browser) as page:
                session = page.context.new_cdp_session(page)
                session.send("Performance.enable", {"timeDomain": "threadTicks"})
                page.goto(f"{one.url}/lab?token={one.token}&reset")
                page.wait_for_function("window.jupyterapp")
                at = page.evaluate("async () => { await jupyterapp.restored; return performance.now(); }")
                found = {row["name"]: row["value"] for row in session.send("Performance.getMetrics")["metrics"]}
                waited[kind].append(at)
                worked[kind].append(found["TaskDuration"] * 1000)
    for what, times in (("start of Lab", waited), ("its processor time", worked)):
        for kind, found_times in times.items():
            tell(f"{what}, {kind} the extension", spread(found_times))
        cost = statistics.median(times["with"]) - statistics.median(times["without"])
        tell(f"{what}: what the extension adds (medians)", f"{cost:.0f} ms", "at most 100 ms")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=FLAGS)
        with_it, without = Path(folder, "with"), Path(folder, "without")
        for one in (with_it, without):
            one.mkdir()
        settings = without / "config/labconfig"
        settings.mkdir(parents=True)
        (settings / "page_config.json").write_text('{"disabledExtensions": {"lentiq-jupyter": true}}')
        with running_lab(with_it) as lab, running_lab(without) as bare:
            sizes(lab, browser)
            start_cost(lab, bare, browser)
            form(lab, browser)
            catalogue(lab, browser)
            events(lab, browser)
        browser.close()


if __name__ == "__main__":
    main()
