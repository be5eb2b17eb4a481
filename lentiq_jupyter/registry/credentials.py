"""Who we are to a registry: what ``docker login`` stored, in Docker's file or in its credential helpers.

Format: Docker CLI's ``config.json`` (``auths``, ``credHelpers``, ``credsStore``) and the protocol of
docker-credential-helpers (``docker-credential-NAME get``, host on stdin, JSON on stdout). Secrets read
here go into request headers only; nothing of them is logged or shown.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import subprocess
from pathlib import Path

from .reference import DOCKER_HUB

_log = logging.getLogger(__name__)
_HUB_KEY = "https://index.docker.io/v1/"
_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_HELPER_TIMEOUT_S = 30.0


class Credential:
    """A user name with a password, or an identity token (OAuth2 refresh token); never printed."""

    __slots__ = ("identity_token", "password", "username")

    def __init__(self, username: str = "", password: str = "", identity_token: str = "") -> None:
        self.username = username
        self.password = password
        self.identity_token = identity_token

    def __repr__(self) -> str:
        return "Credential(…)"

    @property
    def basic(self) -> str:
        """The ``Authorization`` header of HTTP basic authentication (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def find_credential(host: str, config_folder: Path | None = None) -> Credential | None:
    """What Docker would use for that registry host; None means anonymous.

    Parameters
    ----------
    config_folder : Path or None
        Holds ``config.json``; None: ``$DOCKER_CONFIG``, else ``~/.docker``.
    """
    folder = config_folder or Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    config = _read(folder / "config.json")
    key = _HUB_KEY if host == DOCKER_HUB else host
    helpers = config.get("credHelpers")
    named = [helpers.get(key) or helpers.get(host)] if isinstance(helpers, dict) else []
    for helper in (*named, config.get("credsStore")):
        if isinstance(helper, str) and helper:
            found = _ask(helper, key)
            if found is not None:
                return found
    auths = config.get("auths")
    for name, entry in auths.items() if isinstance(auths, dict) else ():
        if _host_of(str(name)) == _host_of(key) and isinstance(entry, dict):
            found = _from_entry(entry)
            if found is not None:
                return found
    return None


def _read(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        _log.warning("%s cannot be read as JSON; going on without credentials.", path)
        return {}
    return document if isinstance(document, dict) else {}


def _host_of(key: str) -> str:
    """``https://index.docker.io/v1/`` gives ``index.docker.io``: keys are hosts or addresses of the old API."""
    return key.rpartition("://")[2].partition("/")[0]


def _from_entry(entry: dict[str, object]) -> Credential | None:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Credential(identity_token=token)
    username, password = entry.get("username"), entry.get("password")
    packed = entry.get("auth")
    if isinstance(packed, str) and packed:
        try:
            username, _, password = base64.b64decode(packed).decode().partition(":")
        except ValueError:
            return None
        password = password.rstrip("\0")
    if isinstance(username, str) and username and isinstance(password, str):
        return Credential(username, password)
    return None


def _ask(helper: str, key: str) -> Credential | None:
    if not _HELPER.fullmatch(helper):
        return None
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=key, capture_output=True, text=True, timeout=_HELPER_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        _log.warning("%s, named in Docker's configuration, does not run; going on without it.", program)
        return None
    if done.returncode != 0:  # its way of saying that it knows nothing of that host
        return None
    try:
        document = json.loads(done.stdout)
        username, secret = str(document["Username"]), str(document["Secret"])
    except (ValueError, KeyError, TypeError):
        _log.warning("%s gave an answer that is not understood; going on without it.", program)
        return None
    return Credential(identity_token=secret) if username == "<token>" else Credential(username, secret)
