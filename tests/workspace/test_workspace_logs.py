"""Log lines for people and for collectors, without passwords."""

from __future__ import annotations

import io
import json
import logging

from lentiq_jupyter.workspace.logs import logging_to

LOG = logging.getLogger("lentiq_jupyter.somewhere")


def test_json_has_an_object_a_line_with_what_it_is_about() -> None:
    stream = io.StringIO()
    with logging_to(stream, "json"):
        LOG.info("run %s\nis %s", "r1", "FAILED", extra={"run": "r1", "task": "", "project": "default"})
        logging.getLogger("other").info("not shown")
        try:
            raise ValueError("at postgresql://me:hunter2@db/x")
        except ValueError:
            LOG.exception("cannot reach https://me:hunter2@db.example.org/x")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "info",
        "logger": "lentiq_jupyter.somewhere",
        "message": "run r1\nis FAILED",
        "run": "r1",
        "project": "default",
    }
    assert (second["level"], second["message"]) == ("error", "cannot reach https://…@db.example.org/x")
    assert second["error"].endswith("ValueError: at postgresql://…@db/x")
    assert "hunter2" not in stream.getvalue()


def test_text_shows_warnings_only() -> None:
    stream = io.StringIO()
    with logging_to(stream, "text"):
        LOG.info("not shown")
        LOG.warning("at redis://:hunter2@host")
    assert stream.getvalue().split(" ", 2)[2] == "WARNING at redis://…@host\n"


def test_logging_is_left_as_it_was() -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.getLogger("lentiq_jupyter").level)
    with logging_to(io.StringIO(), "json"):
        assert root.handlers != before[0]
    assert (root.handlers[:], root.level, logging.getLogger("lentiq_jupyter").level) == before
