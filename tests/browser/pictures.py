"""Makes the README's pictures: ``python tests/browser/pictures.py`` writes them into labextension/pictures.

A real JupyterLab with a little sales department in it: five notebooks, their blocks, a workflow and its runs. The base
image comes from the registry that LENTIQ_TEST_REGISTRY names, if it is set.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from browser_lab import FLAGS, Lab, chromium_program, running_lab
from browser_work import ask, end, execute, open_run, publish, start, state_of
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

FOLDER = Path(__file__).resolve().parents[2] / "labextension/pictures"
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
CLEAN = (
    ("parameters", "country: str = 'RO'  # two letters, as in ISO 3166\nyear: int = 2026"),
    ("", "import numpy as np\nimport pandas as pd"),
    (
        "",
        "days = pd.date_range(f'{year}-01-01', periods=90)\n"
        "sold = np.random.default_rng(7).integers(80, 240, 90)\n"
        "sales = pd.DataFrame({'day': days, 'country': country, 'sold': sold})\n"
        "sales['sold'] = sales['sold'].clip(upper=220)\nsales.describe()",
    ),
    ("", "import time\ntime.sleep(2)\nprint(f'{len(sales)} rows of {country} are clean')"),
    ("", "from lentiq_jupyter import output\noutput('rows', len(sales))"),
)


def step(name: str, seconds: float, gives: str, *takes: str) -> tuple[tuple[str, str], ...]:
    """A notebook that takes numbers, works for a while and gives one."""
    return (
        ("parameters", "\n".join(f"{one}: int = 1" for one in takes)),
        (
            "",
            f"import time\nfor part in range(4):\n    time.sleep({seconds / 4})\n    print('{name}', part + 1, 'of 4')",
        ),
        ("", f"from lentiq_jupyter import output\noutput('{gives}', {' + '.join(takes)})"),
    )


NOTEBOOKS = {
    "clean-sales": CLEAN,
    "add-weather": step("joined weather", 3, "joined", "rows"),
    "train-model": step("trained fold", 5, "error", "joined"),
    "score-stores": step("scored region", 2, "stores", "error"),
    "sales-report": step("drew chart", 1, "pages", "stores", "rows"),
}
WIRES = {
    "add-weather": {"rows": "clean-sales.outputs.rows"},
    "train-model": {"joined": "add-weather.outputs.joined"},
    "score-stores": {"error": "train-model.outputs.error"},
    "sales-report": {"stores": "score-stores.outputs.stores", "rows": "clean-sales.outputs.rows"},
}
NIGHTLY = {
    "name": "nightly-sales",
    "project": "default",
    "description": "What was sold yesterday, cleaned, learnt from and reported by breakfast.",
    "schedule": {"start": "2026-12-01T02:00:00+02:00", "timezone": "Europe/Bucharest", "cron": "0 2 * * *"},
    "tasks": [
        {
            "name": name,
            "block": name,
            "version": "1",
            "inputs": {one: f"${{{{ tasks.{source} }}}}" for one, source in WIRES.get(name, {}).items()},
            "resources": {"cpu_millicores": 500, "memory_bytes": 512 << 20},
            "after": sorted({source.split(".")[0] for source in WIRES.get(name, {}).values()}),
        }
        for name in NOTEBOOKS
    ],
}


def keep(page: Page, name: str) -> None:
    """A picture with few colours: a third of the bytes, and no difference to the eye."""
    whole = Image.open(io.BytesIO(page.screenshot(type="png"))).convert("RGB")
    FOLDER.mkdir(exist_ok=True)
    whole.quantize(128, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


def start_nightly(lab: Lab) -> str:
    return str(ask(lab, "POST", "workflows/default/nightly-sales/start", {})["id"])


def take(lab: Lab, page: Page) -> None:
    for name, cells in NOTEBOOKS.items():
        publish(lab, name, *cells, proven=True)
    ask(lab, "PUT", "workflows/default/nightly-sales", NIGHTLY)
    done = start_nightly(lab)
    end(lab, done)

    lab.open(page, "clean-sales.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="lentiq-publish"]').click()
    panel = page.get_by_role("region", name="Publish as block")
    expect(panel.get_by_role("textbox", name="Name", exact=True)).to_have_value("clean-sales")
    panel.get_by_role("textbox", name="Description", exact=True).fill("One clean table of a country's sales.")
    keep(page, "publish")

    start(lab, page)
    execute(page, "lentiq:compose", project="default", name="nightly-sales")
    composer = page.get_by_role("region", name="Workflow composer")
    expect(composer.get_by_role("button", name="Task sales-report")).to_be_visible()
    keep(page, "schedule")
    composer.get_by_role("button", name="Task train-model").click()
    keep(page, "composer")

    start(lab, page)
    execute(page, "lentiq:show-sidebar", tab="runs")
    going = start_nightly(lab)
    shown = open_run(page, going)
    expect(shown.get_by_role("button", name="Task add-weather, SUCCEEDED")).to_be_visible()
    expect(shown.get_by_role("button", name="Task train-model, RUNNING")).to_be_visible()
    shown.get_by_role("button", name="Task train-model, RUNNING").click()
    expect(shown.get_by_role("log")).to_contain_text("trained fold 2")
    keep(page, "run")
    expect(state_of(shown)).to_have_text("SUCCEEDED")
    shown.get_by_role("tab", name="Timeline").click()
    shown.get_by_role("button", name="train-model, SUCCEEDED").click()
    shown.get_by_role("tab", name="Notebook").click()
    expect(shown.get_by_role("listitem", name="Cell 3")).to_be_visible()
    # The notification of its end slides in.
    page.locator(".Toastify__toast").first.hover()
    page.wait_for_timeout(1000)
    keep(page, "timeline")

    start(lab, page)
    execute(page, "lentiq:show-sidebar", tab="blocks")
    execute(page, "lentiq:open-block", name="clean-sales")
    expect(page.get_by_role("region", name="Block clean-sales").get_by_role("tab", name="Overview")).to_be_visible()
    expect(
        page.get_by_role("region", name="Lentiq", exact=True).get_by_role("search").get_by_role("status")
    ).to_have_text("5 blocks")
    keep(page, "blocks")

    start(lab, page, DARK)
    execute(page, "lentiq:show-sidebar", tab="workflows")
    shown = open_run(page, done)
    shown.get_by_role("button", name="Task clean-sales, SUCCEEDED").click()
    shown.get_by_role("tab", name="Notebook").click()
    expect(shown.get_by_role("listitem", name="Cell 4")).to_be_visible()
    keep(page, "run-dark")


def main() -> None:
    registry = os.environ.get("LENTIQ_TEST_REGISTRY")
    base = {"LENTIQ_BASE": f"{registry}/library/python:3.11-slim"} if registry else {}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(Path(folder), **base) as lab,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=FLAGS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(120_000)
        expect.set_options(timeout=120_000)
        page.add_init_script(
            "window.addEventListener('load', () => document.body.style.setProperty('caret-color', 'transparent'))"
        )
        take(lab, page)
        browser.close()


if __name__ == "__main__":
    main()
