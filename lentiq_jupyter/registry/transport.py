"""HTTP to one registry: authenticated, retried, and its failures said in words.

The ``Authorization`` header goes to the registry's own origin only: redirects and upload addresses
on other hosts (object storage) are followed without it.
"""

from __future__ import annotations

import random
import socket
import ssl
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import certifi
import httpx

from ..errors import BadInput, Denied, LentiqError, Unavailable
from .authority import Authority
from .credentials import Credential

_T = TypeVar("_T")
RETRY_DELAYS_S = (0.3, 1.0, 3.0)
_RETRY_AFTER_LIMIT_S = 30.0
_DATE_LIFE_S = 5.0
_CONNECTIONS = 32
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT = 5
_TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)


class Interrupted(Unavailable):
    """The registry or the way to it failed; the same request may succeed later."""


class Transport:
    """Sends requests to one registry.

    Parameters
    ----------
    host : str
        ``host[:port]``.
    plain_http : bool
        Speak HTTP instead of HTTPS.
    look_up : callable
        Gives the credential for the host, or None.
    ca_file : Path or None
        Certificates to trust beside the system's and certifi's.
    """

    def __init__(
        self,
        host: str,
        *,
        plain_http: bool,
        look_up: Callable[[], Credential | None],
        loopback: bool = False,
        ca_file: Path | None = None,
    ) -> None:
        self.host = host
        self._origin = f"{'http' if plain_http else 'https'}://{host}"
        self._base = httpx.URL(self._origin)
        self._client = httpx.Client(
            timeout=_TIMEOUT,
            verify=_trusted(ca_file),
            follow_redirects=False,
            trust_env=not loopback,  # no proxy stands between this machine and itself
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
        )
        self._told: tuple[float, float, float] | None = None
        self._authority = Authority(host, self._client, look_up)
        # Registries have no owner who closes them; sockets must not outlive them all the same.
        weakref.finalize(self, self._client.close)

    def send(
        self,
        method: str,
        address: str,
        accepted: frozenset[int],
        *,
        repository: str = "",
        right: str = "pull",
        also_pull: str = "",
        headers: dict[str, str] | None = None,
        content: bytes | Callable[[], Iterator[bytes]] | None = None,
        retry: bool = True,
    ) -> httpx.Response:
        """One request, its answer read to the end; see `stream`."""
        with self.stream(
            method,
            address,
            accepted,
            repository=repository,
            right=right,
            also_pull=also_pull,
            headers=headers,
            content=content,
            retry=retry,
        ) as response:
            self._guarded(response.read)
            return response

    @contextmanager
    def stream(
        self,
        method: str,
        address: str,
        accepted: frozenset[int],
        *,
        repository: str = "",
        right: str = "pull",
        also_pull: str = "",
        headers: dict[str, str] | None = None,
        content: bytes | Callable[[], Iterator[bytes]] | None = None,
        retry: bool = True,
    ) -> Iterator[httpx.Response]:
        """One request, its answer still to be read.

        Parameters
        ----------
        address : str
            A path of the registry, or an absolute address it gave.
        accepted : set of int
            Statuses the caller understands; all others raise.
        repository, right, also_pull : str
            Full repository and ``pull`` or ``push``; another repository to pull from (mounts).
        content : bytes, callable or None
            The body; a callable gives its chunks anew for each try.
        retry : bool
            Try again after connection errors, 429 and 5xx.

        Raises
        ------
        Denied
            401 and 403 not in `accepted`.
        Interrupted, Unavailable
            Anything else.
        """
        scopes = _scopes(repository, right, also_pull)
        delays = RETRY_DELAYS_S if retry else ()
        for attempt in range(len(delays) + 1):
            last = attempt == len(delays)
            try:
                response = self._authenticated(method, address, scopes, headers or {}, content)
            except Interrupted as error:
                if last or _is_final(error.__cause__):
                    raise
                time.sleep(jittered(delays[attempt]))
                continue
            try:
                status = response.status_code
                if status in accepted:
                    yield response
                    return
                if (status == 429 or status >= 500) and not last:
                    pause = _retry_after(response, jittered(delays[attempt]))
                else:
                    raise self._refused(response, repository, right)
            finally:
                response.close()
            time.sleep(pause)

    def _authenticated(
        self,
        method: str,
        address: str,
        scopes: tuple[str, ...],
        headers: dict[str, str],
        content: bytes | Callable[[], Iterator[bytes]] | None,
    ) -> httpx.Response:
        url = self._resolve(self._base, address)
        tried = 0
        for _ in range(_REDIRECT_LIMIT + 2):
            own = self._is_own(url)
            header = self._authority.header(scopes) if own else None
            sent = {**headers, "Authorization": header} if header is not None else headers
            body = content() if callable(content) else content
            request = self._client.build_request(method, url, headers=sent, content=body)
            response = self._guarded(partial(self._client.send, request, stream=True))
            if own:
                self._note_date(response)
            if response.status_code == 401 and own and tried < 2:
                tried += 1
                challenge = response.headers.get("WWW-Authenticate", "")
                if self._authority.challenged(challenge, scopes, header):
                    response.close()
                    continue
            elif response.status_code in _REDIRECTS and method in ("GET", "HEAD"):
                response.close()
                url = self._resolve(url, response.headers.get("Location", ""))
                continue
            return response
        raise Unavailable(f"Registry {self.host} redirects in circles.", "Ask its owner.")

    def now_s(self) -> float | None:
        """The registry's own time, by the ``Date`` of an answer some seconds ago at most; None if it gave none."""
        told = self._told
        if told is None:
            return None
        # The first of these clocks stands while a machine sleeps, the second may be set.
        passed = max(time.monotonic() - told[1], time.time() - told[2])
        return told[0] + passed if passed < _DATE_LIFE_S else None

    def _note_date(self, response: httpx.Response) -> None:
        with suppress(KeyError, TypeError, ValueError):
            date = parsedate_to_datetime(response.headers["Date"]).timestamp()
            self._told = date, time.monotonic(), time.time()

    def _resolve(self, base: httpx.URL, address: str) -> httpx.URL:
        try:
            # Most addresses are paths of the registry; putting two together takes httpx as long as a small answer.
            plain = base is self._base and address.startswith("/") and not address.startswith("//")
            url = httpx.URL(self._origin + address) if plain else base.join(address)
        except httpx.InvalidURL as error:
            raise BadInput(f"Registry {self.host} gave an address that is none.", "Ask its owner.") from error
        if url.scheme == "http" and self._base.scheme == "https":
            # A registry behind a proxy may not know that it is reached over TLS.
            if url.host != self._base.host:
                raise Unavailable(f"Registry {self.host} points to an unencrypted address.", "Ask its owner.")
            url = url.copy_with(scheme="https", port=self._base.port)
        return url

    def _is_own(self, url: httpx.URL) -> bool:
        return (url.scheme, url.host, url.port) == (self._base.scheme, self._base.host, self._base.port)

    def _guarded(self, call: Callable[[], _T]) -> _T:
        try:
            return call()
        except httpx.TransportError as error:
            raise self.unreachable(error) from error

    def unreachable(self, error: httpx.TransportError) -> Interrupted:
        """A connection that failed, in words."""
        causes = tuple(_causes(error))
        if _tls_fault(error):
            if any("WRONG_VERSION" in str(one) or "RECORD_LAYER" in str(one) for one in causes):
                return Interrupted(
                    f"Registry {self.host} does not speak HTTPS.",
                    f"If it is meant to be reached without encryption, write http://{self.host}.",
                )
            return Interrupted(
                f"The certificate of registry {self.host} is not trusted here.",
                "Check the host name, or add its authority's certificate (SSL_CERT_FILE).",
            )
        if any(isinstance(one, socket.gaierror) for one in causes):
            return Interrupted(
                f"There is no registry {self.host}: the name is unknown.", "Check its spelling and your network."
            )
        if any(isinstance(one, ConnectionRefusedError) for one in causes) or "refused" in str(error):
            return Interrupted(
                f"Registry {self.host} does not answer: nothing listens there.",
                "Start it, or check host and port.",
            )
        if isinstance(error, httpx.TimeoutException):
            return Interrupted(f"Registry {self.host} does not answer in time.", "Check your network, then try again.")
        return Interrupted(f"The connection to registry {self.host} broke off.", "Try again.")

    def _refused(self, response: httpx.Response, repository: str, right: str) -> LentiqError:
        status = response.status_code
        what = (
            f"to {right}{' in' if right == 'delete' else ''} {repository}" if repository else "to list its repositories"
        )
        if status in (401, 403):
            if self._authority.signed_in:
                hint = f"Ask its owner for that right, or sign in as somebody else with `docker login {self.host}`."
            else:
                hint = f"Sign in with `docker login {self.host}`."
            return Denied(f"Registry {self.host} does not allow {what}.", hint)
        if status == 429:
            return Interrupted(f"Registry {self.host} has had too many requests.", "Wait some minutes and try again.")
        said = error_words(response)
        message = f"Registry {self.host} answered {status} when asked {what}{': ' + said if said else ''}."
        return Interrupted(message, "Try again later.") if status >= 500 else Unavailable(message, "Ask its owner.")


def jittered(delay_s: float) -> float:
    """That delay, more or less: many who failed at one instant must not come back at one instant."""
    return delay_s * random.uniform(0.5, 1.5)  # noqa: S311


def error_codes(response: httpx.Response) -> list[str]:
    """The codes of a registry's error document (``MANIFEST_BLOB_UNKNOWN`` …); empty if there is none."""
    return [str(one.get("code", "")) for one in _errors(response)]


def error_words(response: httpx.Response) -> str:
    """What a registry's error document says, cut to one short line."""
    said = "; ".join(str(one.get("message") or one.get("code") or "") for one in _errors(response))
    return " ".join(said.split())[:200]


def _errors(response: httpx.Response) -> list[dict[str, object]]:
    try:
        response.read()
        document = response.json()
    except (ValueError, httpx.HTTPError, httpx.StreamError):
        return []
    errors = document.get("errors") if isinstance(document, dict) else None
    return [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []


def _scopes(repository: str, right: str, also_pull: str) -> tuple[str, ...]:
    actions = "pull,push" if right == "push" else right
    wanted = [f"repository:{repository}:{actions}"] if repository else []
    return tuple(wanted + ([f"repository:{also_pull}:pull"] if also_pull else []))


def _retry_after(response: httpx.Response, default_s: float) -> float:
    given = response.headers.get("Retry-After", "")
    return min(float(given), _RETRY_AFTER_LIMIT_S) if given.isdigit() else default_s


def _trusted(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise Unavailable(f"Certificates cannot be read from {ca_file}.", "Check the file.") from error
    return context


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _is_final(error: BaseException | None) -> bool:
    """Whether trying again is no use: an unknown host, or TLS that does not fit."""
    if not isinstance(error, httpx.ConnectError):
        return False
    # EAI_AGAIN says that the resolver did not answer; offline machines give it for every name, at once.
    return _tls_fault(error) or any(isinstance(one, socket.gaierror) for one in _causes(error))


def _tls_fault(error: BaseException) -> bool:
    return any(isinstance(one, ssl.SSLError) for one in _causes(error))
