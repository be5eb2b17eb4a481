"""A server is not culled while its scheduler has tasks in hand, and is when nothing goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from lentiq_jupyter.errors import Unavailable
from lentiq_jupyter.server import activity
from lentiq_jupyter.server.activity import Activity


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "EVERY_S", 0.02)


@pytest.fixture
def told(jp_fetch):
    """The time of the last activity, as cullers ask for it."""

    async def ask() -> str:
        return str(json.loads((await jp_fetch("api", "status")).body)["last_activity"])

    return ask


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


async def test_time_moves_on_while_a_run_goes_on_and_then_stands(jp_fetch, jp_serverapp, service, lentiq, told) -> None:
    settings = jp_serverapp.web_app.settings
    await jp_fetch("lentiq", "status")
    first = await told()
    assert activity.SETTING not in settings
    run = service.run_block("clean-sales", {"limit": 1})
    await until(lambda: lentiq.current_activity() == 1)
    assert jp_serverapp.extension_manager.any_activity()
    before = await told()
    assert before > first
    seen = settings[activity.SETTING]
    await until(lambda: settings[activity.SETTING] > seen)
    assert await told() > before
    service.finish(run.id)
    await until(lambda: lentiq.current_activity() == 0)
    assert not jp_serverapp.extension_manager.any_activity()
    stands = await told()
    for _ in range(5):
        await lentiq._activity.look()
    await jp_fetch("lentiq", "runs")
    assert await told() == stands, "pages that look again keep no server alive"


async def test_publish_counts_until_it_ends(jp_fetch, jp_root_dir, service, lentiq) -> None:
    (jp_root_dir / "clean.ipynb").write_text("{}")
    service.hold.clear()
    await jp_fetch("lentiq", "publishes", method="POST", body=json.dumps({"path": "clean.ipynb"}))
    await until(lambda: lentiq.current_activity() == 1)
    service.hold.set()
    await until(lambda: lentiq.current_activity() == 0)


async def test_what_was_seen_last_counts_while_nobody_answers() -> None:
    answers = iter([2, Unavailable("The database does not answer.")])

    async def count() -> int:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    settings: dict[str, object] = {}
    made = Activity(settings, count)
    await made.look()
    first = settings[activity.SETTING]
    await made.look()
    assert made.going == 2
    assert settings[activity.SETTING] >= first
