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
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from browser_lab import write

DRAG_S = 2.0
FRAMES = """() => {
  window.lentiqFrames = [];
  const note = time => { window.lentiqFrames.push(time); window.lentiqFrame = requestAnimationFrame(note); };
  window.lentiqFrame = requestAnimationFrame(note);
}"""
END = "() => { cancelAnimationFrame(window.lentiqFrame); return window.lentiqFrames; }"


@contextmanager
def running_lab(folder: Path) -> Iterator[str]:
    """A JupyterLab over that folder with one block; gives its address."""
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "LENTIQ_HOME": str(folder / "home"),
    }
    news = folder / "settings/@jupyterlab/apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    write(folder / "step.ipynb", ("", "from lentiq_jupyter import output\noutput('rows', 3)"))
    publish = [sys.executable, "-m", "lentiq_jupyter.cli", "publish", "step.ipynb", "--no-verify"]
    subprocess.run(publish, cwd=folder, env=environment, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--no-browser", "--allow-root", f"--port={port}", "--expose-app-in-browser", "--LabApp.news_url=None"]
    words += ["--IdentityProvider.token=frames", f"--ServerApp.root_dir={folder}"]
    command = [sys.executable, "-m", "jupyterlab", *words]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/lab?token=frames&reset"
        for _ in range(300):
            try:
                urllib.request.urlopen(url, timeout=2).close()
                break
            except OSError:
                time.sleep(0.3)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def workflow(count: int) -> str:
    """A workflow of that many tasks as YAML: ten begin, each other one waits for two."""
    lines = ["workflow: many", "tasks:"]
    for number in range(count):
        before = sorted({number - 10, number // 2}) if number >= 10 else []
        after = ", ".join(f"t{one}" for one in before)
        lines.append(f"  t{number}: {{block: step@1, after: [{after}]}}")
    return "\n".join(lines)


def drag(page: Page, url: str, count: int) -> tuple[list[float], float]:
    """Milliseconds between the frames of the drag, and seconds of processor time of the page's main thread."""
    page.set_default_timeout(120_000)
    page.goto(url)
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('lentiq:compose')")
    page.evaluate("() => window.jupyterapp.commands.execute('lentiq:compose')")
    composer = page.get_by_role("region", name="Workflow composer")
    composer.get_by_role("button", name="YAML").click()
    composer.get_by_role("textbox", name="YAML").fill(workflow(count))
    composer.get_by_role("button", name="Apply").click()
    composer.get_by_role("button", name="Back to the graph").click()
    task = composer.get_by_role("button", name=f"Task t{count // 20 * 10 + 5}", exact=True)
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
    program = os.environ.get("LENTIQ_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, running_lab(Path(folder)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        frames, took = drag(page, url, asked.tasks)
        if asked.picture:
            page.screenshot(path=asked.picture)
        browser.close()
    per_second = 1000 * len(frames) / sum(frames)
    print(f"{asked.tasks} tasks, dragged for {DRAG_S:g} s: {per_second:.1f} frames per second, ", end="")
    print(f"median {statistics.median(frames):.1f} ms, worst {max(frames):.1f} ms; ", end="")
    print(f"{1000 * took / len(frames):.1f} ms of processor time for each")


if __name__ == "__main__":
    main()
