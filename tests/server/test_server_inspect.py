"""Inspecting over HTTP, with a real workspace and a real kernel at work."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import pytest
from open_page import NOTEBOOK

CELL = "print('runs')\nwhile True: pass"


@pytest.fixture
def jp_server_config(tmp_path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    for name in ("LENTIQ_API_URL", "LENTIQ_API_TOKEN", "LENTIQ_REGISTRY", "LENTIQ_DATABASE", "LENTIQ_EXECUTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LENTIQ_HOME", str(tmp_path / "home"))
    # Nothing is asked of an index for what the kernel has.
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    return {"ServerApp": {"jpserver_extensions": {"lentiq_jupyter": True}}, "LentiqExtension": {"scheduler": False}}


async def test_notebook_of_a_busy_kernel_is_inspected_during_its_cell(jp_fetch, open_page):
    async with open_page("import yaml") as page:
        await page.run("import yaml\nvalue = 41")
        count, lines, *rest = await page.state()
        await jp_fetch("lentiq", "status")  # as the panel asks when it opens
        cell = await page.begin(CELL)
        await page.told_since()
        for attempt in ("first", "warm"):
            began = time.monotonic()
            answer = await jp_fetch("lentiq", "inspect", method="POST", body=json.dumps({"path": NOTEBOOK}))
            print(f"inspect of a busy kernel, {attempt}: {time.monotonic() - began:.3f} s")
            found = json.loads(answer.body)
            assert (found["live"], found["python_executable"]) == (True, sys.executable)
            packages = {one["name"]: (one["version"], one["witness"]) for one in found["lock"]["packages"]}
            assert packages["pyyaml"] == (version("PyYAML"), "kernel")
        assert (await page.shown(), await page.told_since()) == ("busy", [])
        assert await page.interrupt(cell) == "KeyboardInterrupt"
        assert await page.state() == [count + 1, [*lines, CELL], *rest]
