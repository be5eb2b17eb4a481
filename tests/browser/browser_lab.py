"""What the tests of this folder share besides fixtures: a running JupyterLab, and pictures of it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SIZES = ((1440, 900), (1024, 700))
THEME = "window.jupyterapp && document.body.dataset.jpThemeName"
# The kernel indicator says "idle" before there is a kernel, so the application itself is asked.
READY = """async name => {
  const end = Date.now() + 90000;
  while (Date.now() < end) {
    const widget = window.jupyterapp?.shell?.currentWidget;
    if (widget?.sessionContext && widget.context.path === name) {
      await widget.context.ready; await widget.sessionContext.ready;
      const kernel = widget.sessionContext.session?.kernel;
      if (kernel) { await kernel.info; if (kernel.status === 'idle') return; }
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error('the kernel is not ready');
}"""


@dataclass
class Lab:
    """A running server: its address, token, root folder and log."""

    url: str
    token: str
    root: Path
    log: Path
    environment: dict[str, str]

    def open(self, page: Page, name: str, theme: str = "JupyterLab Light") -> None:
        """Open a notebook, and wait until its kernel is ready."""
        page.goto(f"{self.url}/lab/tree/{name}?token={self.token}&reset")
        page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=90_000)
        page.wait_for_function("window.jupyterapp?.commands.hasCommand('apputils:change-theme')")
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        page.evaluate(READY, name)


@contextmanager
def running_lab(folder: Path, *options: str, program: str = "jupyterlab", **variables: str) -> Iterator[Lab]:
    """A server with all its files below `folder`.

    `options` are more words of its command line (`--ServerApp.base_url` among them is part of the address),
    `variables` more of its environment.
    """
    root = folder / "root"
    root.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    news = folder / "settings/@jupyterlab/apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "LENTIQ_HOME": str(folder / "home"),
        **variables,
    }
    words = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0", "--LabApp.news_url=None"]
    words += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}", "--expose-app-in-browser", *options]
    base = next((one.partition("=")[2] for one in options if one.startswith("--ServerApp.base_url=")), "/")
    log = folder / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", program, *words],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}{base.rstrip('/')}"
    end = time.monotonic() + 180
    while True:
        try:
            urllib.request.urlopen(f"{url}/api/status?token={token}", timeout=2).close()
            break
        except OSError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
    try:
        yield Lab(url, token, root, log, environment)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def chromium_program() -> str | None:
    """The browser to start; None for the driver's own."""
    return os.environ.get("LENTIQ_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def write(path: Path, *cells: tuple[str, str]) -> None:
    """A notebook of code cells given as (tag or "", source)."""
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": [tag]} if tag else {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, (tag, source) in enumerate(cells)
        ],
    }
    path.write_text(json.dumps(document), encoding="utf-8")


def picture(page: Page, name: str) -> None:
    """Keep pictures of the page in both themes and two sizes, if a folder for pictures is named."""
    folder = os.environ.get("LENTIQ_TEST_PICTURES")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    size, theme = page.viewport_size, page.evaluate(THEME)
    for shade, wanted in THEMES.items() if theme else [("page", None)]:
        _change_theme(page, wanted)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            # What is laid out anew after the size has a moment for it.
            page.wait_for_timeout(300)
            file = f"{re.sub('[^a-z0-9-]', '-', name.lower())}-{shade}-{width}.png"
            page.screenshot(path=Path(folder) / file)
    _change_theme(page, theme)
    if size:
        page.set_viewport_size(size)


def _change_theme(page: Page, theme: str | None) -> None:
    if theme and page.evaluate(THEME) != theme:
        page.evaluate("theme => void window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        page.wait_for_function(f"theme => {THEME} === theme", arg=theme)
