"""The document, the routes and the handlers are one thing."""

from __future__ import annotations

from pathlib import Path

import yaml
from openapi_spec_validator import validate

from lentiq_jupyter.server.openapi import DOCUMENT, text
from lentiq_jupyter.server.routes import ROUTES


def test_committed_document_is_the_generated_one() -> None:
    assert Path(DOCUMENT).read_text(encoding="utf-8") == text(), "run: python -m lentiq_jupyter.server.openapi"


def test_document_is_valid_openapi() -> None:
    validate(yaml.safe_load(text()))


def test_every_route_is_described_in_words() -> None:
    assert [route.name for route in ROUTES if not route.summary.endswith(".") and ";" not in route.summary] == []


def test_fields_a_client_may_leave_out_have_their_default_in_the_document() -> None:
    schemas = yaml.safe_load(text())["components"]["schemas"]
    assert schemas["Task"]["required"] == ["name", "block"]
    assert schemas["Task"]["properties"]["after"]["default"] == []
    assert set(schemas["Run"]["required"]) == set(schemas["Run"]["properties"])
