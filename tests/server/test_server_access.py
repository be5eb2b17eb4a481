"""Who gets in: every verb asks for a user and for the right, the kernels' token opens this room only."""

from __future__ import annotations

import json
import os
import re

import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPClientError

from lentiq_jupyter.server import LentiqExtension
from lentiq_jupyter.server.routes import ROUTES

WORDS = {"name": "clean-sales", "version": "2", "project": "default", "id": "r1", "task": "clean"}


def parts(path: str) -> list[str]:
    return ["lentiq", *re.sub(r"\{(\w+)\}", lambda found: WORDS[found[1]], path).split("/")]


async def refused(jp_fetch, *where: str, **how: object) -> tuple[int, dict[str, object]]:
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch(*where, **how)
    return caught.value.code, json.loads(caught.value.response.body)


def body(verb: str) -> str | None:
    return "{}" if verb in ("POST", "PUT") else None


async def test_every_verb_refuses_who_is_not_logged_in(jp_fetch) -> None:
    for route in (*ROUTES, *(type(ROUTES[0])(verb, "nothing/here", ROUTES[0].function) for verb in ("GET", "PUT"))):
        code, answer = await refused(
            jp_fetch,
            *parts(route.path),
            method=route.verb,
            body=body(route.verb),
            headers={"Authorization": "token wrong"},
        )
        assert (route.verb, route.path, code, answer["error"]["kind"]) == (route.verb, route.path, 403, "Denied")


class Nobody(Authorizer):
    asked: list[tuple[str, str]] = []  # noqa: RUF012

    def is_authorized(self, handler, user, action, resource) -> bool:
        self.asked.append((action, resource))
        return False


async def test_every_verb_asks_the_authorizer_for_lentiq(jp_fetch, jp_serverapp, lentiq) -> None:
    jp_serverapp.web_app.settings["authorizer"] = Nobody(parent=jp_serverapp)
    Nobody.asked = []
    for route in ROUTES:
        for headers in ({}, {"Authorization": f"token {lentiq.token}"}):
            code, _ = await refused(
                jp_fetch, *parts(route.path), method=route.verb, body=body(route.verb), headers=dict(headers)
            )
            assert (route.verb, route.path, code) == (route.verb, route.path, 403)
    actions = {"GET": "read", "POST": "write", "PUT": "write", "DELETE": "write"}
    assert Nobody.asked == [(actions[route.verb], "lentiq") for route in ROUTES for _ in range(2)]


async def test_kernel_token_opens_lentiq_without_xsrf_cookie(jp_fetch, lentiq) -> None:
    headers = {"Authorization": f"token {lentiq.token}"}
    answer = await jp_fetch("lentiq", "status", headers=headers)
    assert json.loads(answer.body)["user"] == "kernel"
    run = {"block": "clean-sales", "inputs": {"limit": 1}}
    answer = await jp_fetch("lentiq", "runs", method="POST", body=json.dumps(run), headers=headers)
    assert answer.code == 201


@pytest.mark.parametrize("where", [("api", "contents"), ("api", "sessions"), ("api", "kernels"), ("api", "me")])
async def test_kernel_token_opens_nothing_else(jp_fetch, lentiq, where: tuple[str, ...]) -> None:
    code, _ = await refused(jp_fetch, *where, headers={"Authorization": f"token {lentiq.token}"})
    assert code == 403


async def test_kernel_token_in_the_address_is_refused(jp_fetch, lentiq) -> None:
    code, _ = await refused(
        jp_fetch, "lentiq", "status", params={"token": lentiq.token}, headers={"Authorization": "none"}
    )
    assert code == 403


async def test_kernels_learn_url_and_token_from_the_environment(jp_fetch, jp_serverapp, lentiq) -> None:
    await jp_fetch("lentiq", "status")
    assert os.environ["LENTIQ_API_TOKEN"] == lentiq.token
    assert os.environ["LENTIQ_API_URL"] == f"{jp_serverapp.connection_url}lentiq"
    await lentiq.stop_extension()
    assert "LENTIQ_API_TOKEN" not in os.environ
    assert "LENTIQ_API_URL" not in os.environ


def test_extension_is_found_by_the_package_name() -> None:
    import lentiq_jupyter

    assert lentiq_jupyter._jupyter_server_extension_points() == [
        {"module": "lentiq_jupyter.server", "app": LentiqExtension}
    ]
