"""Services that tests need: started elsewhere, named by environment variables, never mocked."""

from __future__ import annotations

import gc
import os
import shutil
import urllib.error
import urllib.request
import warnings

import pytest

pytest_plugins = ["pytest_jupyter.jupyter_server"]

REQUIRED = {word.strip() for word in os.environ.get("LENTIQ_TEST_REQUIRE", "").split(",") if word.strip()}


def _answer(url: str) -> str | None:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return None
    except OSError as error:
        return str(error)
    return None


def _docker() -> str | None:
    import docker

    # Where no engine answers, the SDK drops its sockets unclosed; that is no fault of the test that asks.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            client = docker.from_env()
            client.ping()
            client.close()
            reason = None
        except (docker.errors.DockerException, OSError) as error:
            reason = f"no Docker engine answers ({type(error).__name__})"
        gc.collect()
    return reason


def _registry() -> str | None:
    host = os.environ.get("LENTIQ_TEST_REGISTRY")
    if not host:
        return "LENTIQ_TEST_REGISTRY names no registry"
    return _answer(f"http://{host}/v2/")


def _postgres() -> str | None:
    return None if os.environ.get("LENTIQ_TEST_POSTGRES") else "LENTIQ_TEST_POSTGRES names no database"


def _browser() -> str | None:
    found = os.environ.get("LENTIQ_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    return None if found else "no Chromium found"


def _network() -> str | None:
    return _answer("https://pypi.org/simple/six/")


PROBES = {"docker": _docker, "registry": _registry, "postgres": _postgres, "browser": _browser, "network": _network}
_found: dict[str, str | None] = {}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose service is missing, with the reason; fail it where LENTIQ_TEST_REQUIRE names the service."""
    for name, probe in PROBES.items():
        if item.get_closest_marker(name) is None:
            continue
        if name not in _found:
            _found[name] = probe()
        reason = _found[name]
        if reason and name in REQUIRED:
            pytest.fail(f"{name} is required here: {reason}", pytrace=False)
        if reason:
            pytest.skip(f"{name}: {reason}")


@pytest.fixture
def registry_host() -> str:
    """``host:port`` of a real Distribution registry with ``library/python:3.11-slim`` in it."""
    return os.environ["LENTIQ_TEST_REGISTRY"]
