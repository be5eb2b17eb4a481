"""Tornado handlers, built from the route table: every verb is authenticated and authorised by construction."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
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
_BOOLS = {"true": True, "false": False}
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_TASK = re.compile(r"[a-z0-9-]{1,50}(?:\.[0-9]{1,9})?(?:@[0-9]{1,9})?")


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
    def _track_activity(self) -> bool:
        """Pages look again by themselves, so that only what changes something is a sign of a person."""
        return self.request.method not in ("GET", "HEAD")

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
        if route.body is not None and (self.request.body or route.body_required):
            values["body"] = decode(route.body, self.document())
        call = await self.host.open_call(self.current_user.name or self.current_user.username)
        if asyncio.iscoroutinefunction(route.function):
            body = _body(await route.function(call, **values))
        else:
            body = await call.run(lambda: _body(route.function(call, **values)))
        self.set_status(route.status)
        if route.answer is None:
            await self.finish()
        elif route.answer in (bytes, str):
            await self.finish(body, set_content_type=route.media)
        else:
            await self.finish(body)


def build_handlers(routes: Sequence[Route], host: Host) -> list[tuple[str, type[LentiqHandler], dict[str, Host]]]:
    """One handler class a path, with one method a verb; of two paths that match, the first is meant."""
    verbs: dict[str, dict[str, Any]] = {}
    for number, route in enumerate(routes):
        verbs.setdefault(route.pattern, {})[route.verb.lower()] = _verb(route, _beneath(route, routes[number + 1 :]))
    found: list[tuple[str, type[LentiqHandler], dict[str, Host]]] = [
        (f"/lentiq/{pattern}", type("RouteHandler", (LentiqHandler,), methods), {"host": host})
        for pattern, methods in verbs.items()
    ]
    unknown = {verb: _guarded(_missing) for verb in ("get", "post", "put", "delete")}
    return [*found, ("/lentiq/.*", type("UnknownHandler", (LentiqHandler,), unknown), {"host": host})]


def _beneath(route: Route, others: Sequence[Route]) -> tuple[Route, dict[str, str]] | None:
    """Which route an address without parameters hides, and its parameters there: ``blocks/diff`` may name a block."""
    if route.parameters:
        return None
    found = ((one, re.fullmatch(one.pattern, route.path)) for one in others if one.verb == route.verb)
    return next(((one, match.groupdict()) for one, match in found if match), None)


def _verb(route: Route, beneath: tuple[Route, dict[str, str]] | None) -> Callable[..., Awaitable[None] | None]:
    required = [one.name for one in route.query if one.required]

    async def answer(handler: LentiqHandler, parts: dict[str, str]) -> None:
        if beneath and required and not any(handler.get_query_argument(name, None) for name in required):
            await handler.answer(*beneath)
        else:
            await handler.answer(route, parts)

    return _guarded(answer)


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
    if isinstance(answer, str):
        return answer.encode()
    return answer if isinstance(answer, bytes) else json.dumps(encode(answer)).encode()


def _check_part(name: str, text: str) -> str:
    if name == "version":
        return check_version(text)
    if name == "task":
        if not _TASK.fullmatch(text):
            raise BadInput(f"{text!r} names no task.", "Write train, train.3 for an item, train@2 for an attempt.")
        return text
    if name != "id":
        return check_name(text, f"{name} in an address" if name == "name" else f"{name} name")
    if not _ID.fullmatch(text):
        raise BadInput(f"{text!r} is not an id.", "Use an id from a list.")
    return text


def _query_value(query: Query, text: str | None) -> object:
    if text is None and query.required:
        raise BadInput(f"{query.name} is missing.", f"Add it to the address: ?{query.name}=…")
    if text is None:
        return query.default
    if query.kind is bool:
        if text not in _BOOLS:
            raise BadInput(f"{query.name} is {text!r}.", "Give true or false.")
        return _BOOLS[text]
    if query.kind is not int:
        return text
    try:
        return int(text)
    except ValueError as error:
        raise BadInput(f"{query.name} is {text!r}.", "Give a whole number.") from error


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
