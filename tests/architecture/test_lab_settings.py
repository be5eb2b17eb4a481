"""Settings of the JupyterLab extension: each is described, read by the code, and in the README."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAB = ROOT / "labextension"
SETTINGS = json.loads((LAB / "schema/plugin.json").read_text())["properties"]
READING = LAB / "src/state/settings.ts"


@pytest.mark.parametrize("name", SETTINGS)
def test_every_lab_setting_is_described_read_and_documented(name: str) -> None:
    setting = SETTINGS[name]
    assert set(setting) >= {"title", "description", "type", "default"}
    assert re.search(r"\w.*\.$", setting["description"])
    sources = [path.read_text() for path in LAB.glob("src/**/*.ts*") if path != READING]
    used = [text for text in sources if "settings" in text and re.search(rf"\b{name}\b", text)]
    assert used, f"{name} is read by nothing"
    assert f"`{name}`" in (ROOT / "README.md").read_text()
