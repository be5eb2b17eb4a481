"""The one place that turns errors into statuses and JSON."""

from __future__ import annotations

import secrets

from tornado.web import HTTPError

from ..errors import BuildFailed, Invalid, LentiqError
from .documents import ErrorBody

# What tornado and Jupyter Server raise themselves, before a route's function is reached.
_HTTP_KINDS = {400: "BadInput", 403: "Denied", 404: "NotFound", 405: "BadInput", 409: "Conflict"}
_HTTP_TEXTS = {
    403: ("Not allowed.", "Log in to the Jupyter server, or pass its token; it decides who may use lentiq."),
    404: ("There is nothing at this address.", "See openapi.yaml for the addresses."),
    405: ("This address does not know that verb.", "See openapi.yaml for the verbs."),
}


def describe(error: BaseException | None, incident: str) -> tuple[int, ErrorBody]:
    """Status and body for an error.

    Parameters
    ----------
    error : exception, or None where only a status is known
    incident : str
        Id under which an unknown error was logged; see `new_incident`.
    """
    if isinstance(error, LentiqError):
        return error.status, error_body(error)
    if isinstance(error, HTTPError) and error.status_code < 500:
        code = error.status_code
        message, hint = _HTTP_TEXTS.get(code, (error.log_message or error.reason or "It failed.", ""))
        return code, ErrorBody(kind=_HTTP_KINDS.get(code, "LentiqError"), message=message, hint=hint)
    return 500, internal_error(incident)


def error_body(error: LentiqError) -> ErrorBody:
    """The body of an error of this package."""
    return ErrorBody(
        kind=type(error).__name__,
        message=error.message,
        hint=error.hint,
        faults=error.faults if isinstance(error, Invalid) else (),
        log=error.log if isinstance(error, BuildFailed) else "",
    )


def internal_error(incident: str) -> ErrorBody:
    """What users see of a bug: nothing but where to look for it."""
    return ErrorBody(
        kind="InternalError",
        message=f"Something in Lentiq broke (incident {incident}).",
        hint="Report it with the lines of the Jupyter server's log that name this incident.",
    )


def new_incident() -> str:
    """A short id that joins an answer with a line of the log."""
    return secrets.token_hex(4)
