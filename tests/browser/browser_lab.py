"""What the tests of this folder share besides fixtures: a running JupyterLab, and pictures of it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

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

    def open(self, page: Page, name: str, theme: str = "JupyterLab Light") -> None:
        """Open a notebook, and wait until its kernel is ready."""
        page.goto(f"{self.url}/lab/tree/{name}?token={self.token}&reset")
        page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=90_000)
        page.wait_for_function("window.jupyterapp?.commands.hasCommand('apputils:change-theme')")
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        page.evaluate(READY, name)


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
    """Keep a picture of the page, if a folder for pictures is named."""
    folder = os.environ.get("LENTIQ_TEST_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{re.sub('[^a-z0-9-]', '-', name)}.png")
