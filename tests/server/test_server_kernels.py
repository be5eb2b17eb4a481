"""Asking real running kernels: what they say, and that nothing of theirs changes by it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import psutil
import pytest
from open_page import NOTEBOOK

from lentiq_jupyter.model import LiveKernel

CELLS = "import json, yaml\nvalue = [1, 2]\nvalue"
LOOP = "print('runs')\nwhile True: pass"
SLEEP = "print('runs')\n__import__('time').sleep(60)"


async def inspect(jp_fetch, service, **body) -> object:
    """POST inspect; returns the `live` that the service was given."""
    await jp_fetch("lentiq", "inspect", method="POST", body=json.dumps({"path": NOTEBOOK, **body}))
    return service.live


async def test_idle_kernel_tells_interpreter_and_all_modules(jp_fetch, service, open_page):
    async with open_page() as page:
        await page.run(CELLS)
        before = await page.state()
        await page.settle()
        live = await inspect(jp_fetch, service)
        assert (live.python, live.busy) == (sys.executable, False)
        assert {"sys", "_json", "yaml", "yaml.loader"} <= set(live.modules)
        assert await page.state() == before
        await page.settle()
        assert await inspect(jp_fetch, service, kernel_id=page.kernel_id) == live


@pytest.mark.parametrize("cell", [LOOP, SLEEP], ids=["loop", "sleep"])
async def test_busy_kernel_answers_during_its_cell_and_notices_nothing(jp_fetch, service, open_page, cell):
    async with open_page() as page:
        await page.run(CELLS)
        count, lines, *rest = await page.state()
        running = await page.begin(cell)
        await page.told_since()
        live = await inspect(jp_fetch, service)
        assert (live.python, live.busy) == (sys.executable, True)
        assert {"yaml", "yaml.loader", "json.decoder"} <= set(live.modules)
        assert (await page.shown(), await page.told_since()) == ("busy", [])
        assert await page.interrupt(running) == "KeyboardInterrupt"
        assert await page.state() == [count + 1, [*lines, cell], *rest]


async def test_kernel_that_does_not_answer_is_done_without(jp_fetch, jp_serverapp, service, open_page):
    async with open_page() as page:
        process = psutil.Process(jp_serverapp.kernel_manager.get_kernel(page.kernel_id).provisioner.pid)
        process.suspend()
        try:
            assert await inspect(jp_fetch, service) is None
        finally:
            process.resume()
        assert await inspect(jp_fetch, service, kernel="another") is None
        assert await inspect(jp_fetch, service, no_kernel=True) is None
        told = {"python": "/env/bin/python", "modules": ["a"], "busy": True}
        assert await inspect(jp_fetch, service, live=told) == LiveKernel(**{**told, "modules": ("a",)})


async def test_interpreter_behind_a_wrapper_is_found_while_it_is_busy(
    jp_fetch, service, open_page, tmp_path, monkeypatch
):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "kernels" / "wrapped"
    folder.mkdir(parents=True)
    # As `conda run` and sites' own wrappers do: a program that starts Python by its bare name.
    argv = ["sh", "-c", "python -m ipykernel_launcher -f {connection_file}; true"]
    folder.joinpath("kernel.json").write_text(json.dumps({"argv": argv, "display_name": "w", "language": "python"}))
    async with open_page(kernel="wrapped") as page:
        assert (await inspect(jp_fetch, service)).python == sys.executable
        await page.begin(SLEEP)
        live = await inspect(jp_fetch, service)
        assert (live.python, live.busy) == (sys.executable, True)
