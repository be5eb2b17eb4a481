"""Frames per second while a task is dragged in a composer with many tasks, in a real Chromium.

    python tests/benchmarks/composer_frames.py --tasks 200

Starts a JupyterLab of its own, publishes a small block, reads a workflow of that many tasks as YAML, and drags one task
in circles for two seconds. Prints frames per second, the median and the worst time between two frames, and how much
processor time the page's main thread took for each frame: the figure that other programs disturb least. Chromium is the
one that LENTIQ_TEST_CHROMIUM names, or the one on the path; it draws without a graphics card.
"""

from __future__ import annotations

import argparse
import itertools
import math
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/browser"), str(ROOT / "tests")]

from browser_lab import FLAGS, Lab, chromium_program, running_lab  # noqa: E402
from browser_work import QUICK, execute, publish, start  # noqa: E402
from playwright.sync_api import CDPSession, Page, sync_playwright  # noqa: E402

DRAG_S = 2.0
FRAMES = """() => {
  window.lentiqFrames = [];
  const note = time => { window.lentiqFrames.push(time); window.lentiqFrame = requestAnimationFrame(note); };
  window.lentiqFrame = requestAnimationFrame(note);
}"""
END = "() => { cancelAnimationFrame(window.lentiqFrame); return window.lentiqFrames; }"


def workflow(count: int) -> str:
    """A workflow of that many tasks as YAML: ten begin, each other one waits for two."""
    lines = ["workflow: many", "tasks:"]
    for number in range(count):
        before = sorted({number - 10, number // 2}) if number >= 10 else []
        after = ", ".join(f"t{one}" for one in before)
        lines.append(f"  t{number}: {{block: step@1, after: [{after}]}}")
    return "\n".join(lines)


def drag(page: Page, lab: Lab, count: int) -> tuple[list[float], float]:
    """Milliseconds between the frames of the drag, and seconds of processor time of the page's main thread."""
    page.set_default_timeout(120_000)
    start(lab, page)
    execute(page, "lentiq:compose")
    composer = page.get_by_role("region", name="Workflow composer")
    composer.get_by_role("button", name="YAML").click()
    composer.get_by_role("textbox", name="YAML").fill(workflow(count))
    composer.get_by_role("button", name="Apply").click()
    composer.get_by_role("button", name="Back to the graph").click()
    task = composer.get_by_role("button", name=re.compile(rf"^Task t{count // 20 * 10 + 5}(,|$)"))
    task.hover()
    page.wait_for_load_state("networkidle")
    box = task.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.down()
    page.mouse.move(x + 20, y)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = busy(session)
    page.evaluate(FRAMES)
    begun = time.monotonic()
    while (gone := time.monotonic() - begun) < DRAG_S:
        page.mouse.move(x + 80 * math.cos(4 * gone), y + 80 * math.sin(4 * gone))
    times: list[float] = page.evaluate(END)
    took = busy(session) - before
    page.mouse.up()
    return [later - earlier for earlier, later in itertools.pairwise(times)], took


def busy(session: CDPSession) -> float:
    """Seconds of processor time that the page's main thread has taken."""
    found = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--picture", help="where to put a picture of the composer")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_lab(Path(folder)) as lab, sync_playwright() as playwright:
        publish(lab, "step", *QUICK)
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        frames, took = drag(page, lab, asked.tasks)
        if asked.picture:
            page.screenshot(path=asked.picture)
        browser.close()
    per_second = 1000 * len(frames) / sum(frames)
    print(f"{asked.tasks} tasks, dragged for {DRAG_S:g} s: {per_second:.1f} frames per second, ", end="")
    print(f"median {statistics.median(frames):.1f} ms, worst {max(frames):.1f} ms; ", end="")
    print(f"{1000 * took / len(frames):.1f} ms of processor time for each")


if __name__ == "__main__":
    main()
