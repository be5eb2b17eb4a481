"""Tornado handlers, built from the route table: every verb is authenticated and authorised by construction."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, NoReturn, Protocol

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from ..errors import BadInput, LentiqError, NotFound
from ..model import check_name, check_version, decode, encode
from .call import Call
from .documents import Failure
from .failures import describe, new_incident
from .identity import KernelIdentity, bears
from .route import Query, Route

AUTH_RESOURCE = "lentiq"
BODY_MAX = 4 * 2**20
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Host(Protocol):
    """What handlers need of the extension."""

    token: str
    kernel_identity: KernelIdentity

    async def open_call(self, user: str) -> Call:
        """A Call for a request of `user`."""


class LentiqHandler(APIHandler):  # type: ignore[misc]  # jupyter_server is untyped here
    """Identity, errors and JSON of all addresses under ``/lentiq/``."""

    auth_resource = AUTH_RESOURCE

    def initialize(self, host: Host) -> None:
        self.host = host
        self._from_kernel = bears(self, host.token)
        self._incident = ""

    @property
    def identity_provider(self) -> Any:
        """The kernels' identity for requests with their token, the server's own for all others."""
        return self.host.kernel_identity if self._from_kernel else super().identity_provider

    def log_exception(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unknown errors are logged once, under the incident's id that the answer names."""
        if isinstance(error, (LentiqError, web.HTTPError)):
            return
        self._incident = new_incident()
        self.log.error(
            "Lentiq incident %s: %s %s", self._incident, self.request.method, self.request.path, exc_info=error
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else web.HTTPError(status_code)
        status, body = describe(error, self._incident)
        self.set_status(status)
        self.finish(json.dumps(encode(Failure(error=body))))

    def document(self) -> object:
        """The request's JSON body.

        Raises
        ------
        BadInput
            If it is too large or not JSON.
        """
        body = self.request.body
        if len(body) > BODY_MAX:
            raise BadInput(f"The document has {len(body)} bytes.", f"Send at most {BODY_MAX}.")
        try:
            return json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"The request's body is not JSON: {error}.", "Send a JSON document in UTF-8.") from error

    async def answer(self, route: Route, parts: dict[str, str]) -> None:
        """Check what was sent, call the route's function, send its answer."""
        values: dict[str, object] = {name: _check_part(name, text) for name, text in parts.items()}
        for one in route.query:
            values[one.name] = _query_value(one, self.get_query_argument(one.name, None))
        if route.body is not None:
            values["body"] = decode(route.body, self.document())
        call = await self.host.open_call(self.current_user.name or self.current_user.username)
        if asyncio.iscoroutinefunction(route.function):
            body = _body(await route.function(call, **values))
        else:
            body = await call.run(lambda: _body(route.function(call, **values)))
        self.set_status(route.status)
        if route.answer is None:
            await self.finish()
        elif route.answer is bytes:
            await self.finish(body, set_content_type="application/x-ipynb+json")
        else:
            await self.finish(body)


def build_handlers(routes: Iterable[Route], host: Host) -> list[tuple[str, type[LentiqHandler], dict[str, Host]]]:
    """One handler class a path, with one method a verb."""
    verbs: dict[str, dict[str, Any]] = {}
    for route in routes:
        verbs.setdefault(route.pattern, {})[route.verb.lower()] = _verb(route)
    found: list[tuple[str, type[LentiqHandler], dict[str, Host]]] = [
        (f"/lentiq/{pattern}", type("RouteHandler", (LentiqHandler,), methods), {"host": host})
        for pattern, methods in verbs.items()
    ]
    unknown = {verb: _guarded(_missing) for verb in ("get", "post", "put", "delete")}
    return [*found, ("/lentiq/.*", type("UnknownHandler", (LentiqHandler,), unknown), {"host": host})]


def _verb(route: Route) -> Callable[..., Awaitable[None] | None]:
    return _guarded(lambda handler, parts: handler.answer(route, parts))


def _guarded(
    work: Callable[[LentiqHandler, dict[str, str]], Awaitable[None]],
) -> Callable[..., Awaitable[None] | None]:
    @web.authenticated
    @authorized  # type: ignore[untyped-decorator]
    async def verb(self: LentiqHandler, **parts: str) -> None:
        await work(self, parts)

    return verb


async def _missing(handler: LentiqHandler, parts: dict[str, str]) -> None:
    """JSON for addresses that do not exist, so that front ends never parse an HTML page."""
    raise NotFound(f"There is no address {handler.request.path}.", "The page may be of another version; reload it.")


def _body(answer: object) -> bytes:
    return answer if isinstance(answer, bytes) else json.dumps(encode(answer)).encode()


def _check_part(name: str, text: str) -> str:
    if name == "version":
        return check_version(text)
    if name != "id":
        return check_name(text, f"{name} in an address" if name == "name" else f"{name} name")
    if not _ID.fullmatch(text):
        raise BadInput(f"{text!r} is not an id.", "Use an id from a list.")
    return text


def _query_value(query: Query, text: str | None) -> object:
    if text is None:
        return query.default
    if query.kind is not int:
        return text
    try:
        return int(text)
    except ValueError as error:
        raise BadInput(f"{query.name} is {text!r}.", "Give a whole number.") from error


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
