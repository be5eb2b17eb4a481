"""Work for the tests to look at: blocks in Lab's own catalogue, runs of them, and their pages."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from browser_lab import Lab, write
from playwright.sync_api import Locator, Page

HALF = {"cpu_millicores": 500, "memory_bytes": 256 << 20}
HOSTILE = "<img src=x onerror=\"document.title='owned'\">\x1b[31mred\x1b[0m"
WAIT = "import os, time\nwhile not os.path.exists(flag):\n    time.sleep(0.1)"
STEPS = (
    ("parameters", "flag = ''"),
    ("", f"print('begun', {HOSTILE!r}, flush=True)"),
    ("", WAIT),
    ("", "print('done')"),
)
BREAKS = (("parameters", "value: int = 0"), ("", "print(1)"), ("", "1 / value"), ("", "print(2)"))
QUICK = (("", "from lentiq_jupyter import output\noutput('n', 3)"),)


def publish(lab: Lab, name: str, *cells: tuple[str, str], proven: bool = False) -> None:
    """A notebook of these cells, and the block of it."""
    write(lab.root / f"{name}.ipynb", *cells)
    words = [sys.executable, "-m", "lentiq_jupyter.cli", "publish", f"{name}.ipynb"]
    words += [] if proven else ["--no-verify"]
    subprocess.run(words, cwd=lab.root, env=lab.environment, check=True, capture_output=True)


def flags_of(lab: Lab) -> Path:
    """The folder in which files wait for each other."""
    flags = lab.root / "flags"
    flags.mkdir(exist_ok=True)
    return flags


def ask(lab: Lab, method: str, path: str, body: object = None) -> Any:
    request = urllib.request.Request(
        f"{lab.url}/lentiq/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {lab.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def run_block(lab: Lab, block: str, project: str = "default", **inputs: object) -> str:
    asked = {"block": block, "inputs": inputs, "resources": HALF, "project": project}
    return str(ask(lab, "POST", "runs", asked)["id"])


def run_workflow(lab: Lab, name: str, **blocks: tuple[str, ...]) -> str:
    """A workflow of blocks, each after others, under the blocks' own names."""
    tasks = [
        {"name": block, "block": block, "resources": HALF, "after": list(after)} for block, after in blocks.items()
    ]
    document = {"name": name, "project": "default", "tasks": tasks}
    ask(lab, "PUT", f"workflows/default/{name}", document)
    return str(ask(lab, "POST", f"workflows/default/{name}/start", {})["id"])


def end(lab: Lab, run: str) -> None:
    until = time.monotonic() + 240
    while ask(lab, "GET", f"runs/{run}")["state"] in ("PENDING", "RUNNING"):
        assert time.monotonic() < until
        time.sleep(0.2)


def start(
    lab: Lab, page: Page, theme: str = "JupyterLab Light", *, reset: bool = True, workspace: str | None = None
) -> None:
    """Open JupyterLab, and wait until it has settled. `reset`: with nothing open but the launcher."""
    place = f"/workspaces/{workspace}" if workspace else ""
    page.goto(f"{lab.url}/lab{place}?token={lab.token}{'&reset' if reset else ''}")
    page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=90_000)
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('apputils:change-theme')")
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    if reset:
        # The launcher comes after that and takes the focus, from an open menu too, which closes without it.
        page.wait_for_function("Boolean(document.activeElement?.closest('.jp-Launcher'))")
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)


def execute(page: Page, command: str, **args: object) -> None:
    page.evaluate("([command, args]) => void window.jupyterapp.commands.execute(command, args)", [command, args])


def open_run(page: Page, run: str) -> Locator:
    execute(page, "lentiq:open-run", id=run)
    return page.get_by_role("region", name=f"Run {run}")


def state_of(shown: Locator) -> Locator:
    return shown.get_by_role("status", name="State of the run")
