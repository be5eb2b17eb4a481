"""Answers a registry's ``WWW-Authenticate`` challenge: basic, or a bearer token for a scope.

Protocol: distribution.github.io/distribution/spec/auth/token (GET with basic authentication) and
…/auth/oauth (POST with a refresh token). Tokens live in memory until shortly before they expire.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import httpx

from ..errors import Denied, Unavailable
from .credentials import Credential
from .reference import is_loopback

_PARAMETER = re.compile(r'([a-zA-Z]+)=(?:"([^"]*)"|([^\s,]+))')
_DEFAULT_LIFE_S = 60.0
_EARLY_S = 10.0
_CLIENT_ID = "lentiq-jupyter"


class Authority:
    """Headers for one registry, learnt from its first challenge.

    Parameters
    ----------
    host : str
        The registry, for messages.
    client : httpx.Client
        Used for the token service; must not follow redirects.
    look_up : callable
        Gives the credential, called once, at the first challenge.
    """

    def __init__(self, host: str, client: httpx.Client, look_up: Callable[[], Credential | None]) -> None:
        self._host = host
        self._client = client
        self._look_up = look_up
        self._lock = threading.Lock()
        self._kind = ""
        self._challenge: dict[str, str] = {}
        self._credential: Credential | None = None
        self._looked = False
        self._tokens: dict[tuple[str, ...], tuple[str, float]] = {}

    @property
    def signed_in(self) -> bool:
        """Whether a credential is known for this registry."""
        return self._credential is not None

    def header(self, scopes: tuple[str, ...]) -> str | None:
        """The ``Authorization`` header for a request that needs `scopes`; None before any challenge."""
        with self._lock:
            if self._kind == "basic" and self._credential is not None:
                return self._credential.basic
            if self._kind == "bearer":
                return "Bearer " + self._token(scopes)
            return None

    def challenged(self, challenge: str, scopes: tuple[str, ...], used: str | None) -> bool:
        """Learn from a 401; True if trying again with `header` may help.

        Parameters
        ----------
        used : str or None
            The header that was refused.
        """
        with self._lock:
            if not self._looked:
                self._credential, self._looked = self._look_up(), True
            kind, _, rest = challenge.partition(" ")
            self._kind = kind.lower()
            self._challenge = {key.lower(): quoted or plain for key, quoted, plain in _PARAMETER.findall(rest)}
            if self._kind == "basic":
                return self._credential is not None and used != self._credential.basic
            if self._kind != "bearer" or "realm" not in self._challenge:
                return False
            cached = self._tokens.get(scopes)
            if cached is not None and used == "Bearer " + cached[0]:
                del self._tokens[scopes]
            return True

    def _token(self, scopes: tuple[str, ...]) -> str:
        known = self._tokens.get(scopes)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        realm = self._challenge["realm"]
        url = httpx.URL(realm)
        if url.scheme != "https" and not is_loopback(url.host):
            raise Denied(
                f"Registry {self._host} asks to sign in at {url.host} without encryption.",
                "Ask its owner to serve tokens over https.",
            )
        wanted = scopes or tuple(self._challenge.get("scope", "").split())
        try:
            response = self._ask(url, wanted)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The token service {url.host} of registry {self._host} does not answer.", "Try again later."
            ) from error
        if response.status_code in (400, 401, 403):
            raise Denied(
                f"Registry {self._host} does not accept the stored sign-in."
                if self._credential is not None
                else f"Registry {self._host} wants a sign-in.",
                f"Run `docker login {self._host}` and try again.",
            )
        try:
            document = response.raise_for_status().json()
            token = document.get("token") or document["access_token"]
            life = float(document.get("expires_in") or _DEFAULT_LIFE_S)
        except (httpx.HTTPError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise Unavailable(
                f"The token service {url.host} of registry {self._host} gave no token.", "Try again later."
            ) from error
        self._tokens[scopes] = (str(token), time.monotonic() + max(life - _EARLY_S, life / 2))
        return str(token)

    def _ask(self, url: httpx.URL, scopes: tuple[str, ...]) -> httpx.Response:
        service = self._challenge.get("service", "")
        if self._credential is not None and self._credential.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": self._credential.identity_token,
                "service": service,
                "client_id": _CLIENT_ID,
                "scope": " ".join(scopes),
            }
            return self._client.post(url, data=form)
        query: list[tuple[str, str | int | float | bool | None]] = [
            ("service", service),
            *(("scope", one) for one in scopes),
        ]
        headers = {"Authorization": self._credential.basic} if self._credential is not None else {}
        return self._client.get(url.copy_merge_params(query), headers=headers)
