"""A runner of the command line over a fake service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_office import Office
from click.testing import CliRunner, Result

from lentiq_jupyter.cli import app, follow


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(follow, "POLL_S", 0.001)
    return Office(tmp_path / "home")


@pytest.fixture
def lentiq(office: Office) -> Callable[..., Result]:
    """Run a command on `office`; the exit code must be `code`."""

    def invoke(*words: str, code: int = 0, text: str | None = None) -> Result:
        result = CliRunner(env={"COLUMNS": "200"}).invoke(app, words, obj=office, input=text, prog_name="lentiq")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return invoke
