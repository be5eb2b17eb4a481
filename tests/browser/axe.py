"""Asks axe-core what people with other eyes, ears and hands would stumble over."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"
THEMES = ("JupyterLab Light", "JupyterLab Dark")
# What this project draws. Of a dialog the frame is Lab's, and the panels' output area, too.
OURS = ".lq-root, .lq-standing-host, .lq-status-host, [data-jp-item-name='lentiq-publish']"
EXAMINE = """async selector => {
  // Lab's body is nothing high and hides what flows over: to axe all of Lab would be out of sight.
  document.body.style.height = '100vh';
  const include = [...document.querySelectorAll(selector)].filter(node => node.checkVisibility());
  const found = await axe.run({include}, {rules: {region: {enabled: false}}});
  if (!found.passes.some(({id}) => id === 'color-contrast')) throw new Error('no colours were compared');
  return found.violations.flatMap(({id, impact, nodes}) =>
    nodes.map(node => ({id, impact, html: node.html.slice(0, 300), why: node.failureSummary.slice(0, 600)})));
}"""
RECOLOUR = """async theme => {
  const light = String(theme.endsWith('Light'));
  if (document.body.dataset.jpThemeLight !== light)
    await window.jupyterapp.commands.execute('apputils:change-theme', {theme});
  // While a theme is loaded Lab's splash covers all.
  while (document.body.dataset.jpThemeLight !== light || document.querySelector('#jupyterlab-splash'))
    await new Promise(requestAnimationFrame);
  // Colours that glide to the other theme's have not arrived before their transitions end.
  document.getAnimations().filter(one => one instanceof CSSTransition).forEach(one => one.finish());
}"""


@dataclass
class Examination:
    """Collects what was found in every state, so that one run of the tests tells all of it."""

    # Changing the theme takes longer than all else: each state is looked at first as the one before was last.
    themes: tuple[str, ...] = THEMES
    found: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def look(self, page: Page, state: str) -> None:
        """Examine what the page shows now, in both themes."""
        if not page.evaluate("'axe' in window"):
            page.evaluate(SCRIPT.read_text(encoding="utf-8"))
        for theme in self.themes:
            page.evaluate(RECOLOUR, theme)
            violations: list[dict[str, Any]] = page.evaluate(EXAMINE, OURS)
            self.told.append(f"{state} | {theme} | {len(violations)}")
            self.found += [
                f"{state}, {theme}: {one['impact']} {one['id']}\n  {one['html']}\n  {one['why']}" for one in violations
            ]
        self.themes = self.themes[::-1]

    def report(self, name: str) -> None:
        """Write the table of states, if a folder for pictures is named, and fail if anything was found."""
        folder = os.environ.get("LENTIQ_TEST_PICTURES")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            text = "\n".join(["state | theme | violations", *self.told, "", *self.found])
            (Path(folder) / f"axe-{name}.txt").write_text(text, encoding="utf-8")
        assert self.found == [], "\n".join(self.found)


def needed() -> pytest.MarkDecorator:
    return pytest.mark.skipif(not SCRIPT.exists(), reason="axe-core is not installed: run `npm ci` in labextension")
