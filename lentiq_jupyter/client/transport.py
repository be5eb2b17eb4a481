"""One request to the service: addresses, tokens, and errors as the classes of `errors`."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, NoReturn, Optional

from .. import errors
from ..errors import BadInput, BuildFailed, Denied, Invalid, LentiqError, Unavailable
from ..model import Json

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to another address; the service never sends one."""

    def redirect_request(self, *args: Any) -> None:
        return None


class Transport:
    """Sends JSON, gets bytes.

    Parameters
    ----------
    url : str
        The service's address, as ``http://localhost:8888/lentiq``.
    token : str
        What the Authorization header carries; "" sends none.
    timeout_s : float
        Seconds without any byte after which the service counts as out of reach.
    """

    def __init__(self, url: str, token: str = "", timeout_s: float = 60.0) -> None:
        parsed = urllib.parse.urlsplit(url)
        if parsed.scheme not in ("http", "https") or not parsed.hostname:
            raise BadInput(f"{url!r} is no address of a service.", "Give one like http://localhost:8888/lentiq.")
        self.url = url.rstrip("/")
        self._token = token
        self._timeout_s = timeout_s
        # A proxy for the outside world cannot know this machine's own addresses.
        proxies = urllib.request.ProxyHandler({} if parsed.hostname in _LOOPBACK else None)
        self._opener = urllib.request.build_opener(_NoRedirects, proxies)

    def __repr__(self) -> str:
        return f"Transport({self.url!r})"  # without the token

    def send(
        self,
        verb: str,
        *parts: str,
        query: Optional[Mapping[str, object]] = None,
        body: Json = None,
    ) -> bytes:
        """The answer's bytes. `parts` are the path's, unescaped; None in `query` is left out.

        Raises
        ------
        LentiqError
            The class the service names, or Unavailable where none answers.
        """
        address = "/".join([self.url, *(urllib.parse.quote(part, safe="") for part in parts)])
        words = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in (query or {}).items()
            if value is not None
        }
        if words:
            address += "?" + urllib.parse.urlencode(words)
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"token {self._token}"
        data = None
        if verb in ("POST", "PUT"):
            data = b"" if body is None else json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(address, data, headers, method=verb)  # noqa: S310 - checked above
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                _raise_failure(self.url, error.code, error.read())
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Unavailable(
                f"The Lentiq service at {self.url} does not answer ({reason}).",
                "See whether the Jupyter server runs; after its restart, restart the kernel too.",
            ) from error

    def json(self, verb: str, *parts: str, query: Optional[Mapping[str, object]] = None, body: Json = None) -> Any:
        """The answer's JSON document. Raises as `send` does."""
        answer = self.send(verb, *parts, query=query, body=body)
        try:
            return json.loads(answer)
        except ValueError as error:
            raise _no_service(self.url) from error


def _raise_failure(url: str, status: int, body: bytes) -> NoReturn:
    try:
        raise to_error(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        pass
    if status in (401, 403):
        raise Denied(f"The Jupyter server at {url} refused the token.", "Restart the kernel to get the server's own.")
    raise _no_service(url)


def _no_service(url: str) -> Unavailable:
    return Unavailable(
        f"There is no Lentiq service at {url}.",
        "Install lentiq-jupyter where the Jupyter server runs, see jupyter server extension list, restart the server.",
    )


def to_error(body: Mapping[str, Any]) -> LentiqError:
    """The error that an error document describes; `LentiqError` itself for a kind this release does not know."""
    kind, message, hint = str(body["kind"]), str(body["message"]), str(body.get("hint", ""))
    found = getattr(errors, kind, None) if kind in errors.__all__ else None
    if found is Invalid:
        return Invalid(message, tuple(str(one) for one in body.get("faults", ())), hint)
    if found is BuildFailed:
        return BuildFailed(message, hint, str(body.get("log", "")))
    return (found or LentiqError)(message, hint)
