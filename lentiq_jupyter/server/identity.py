"""The kernels' own way in: a token made at server start that opens ``/lentiq/`` and nothing else.

Only handlers of this package look at it (`LentiqHandler.identity_provider`), so every other address
of the Jupyter server refuses it. A request that bears it is authenticated by token, hence needs no
XSRF cookie; the server's authorizer still decides what it may do.
"""

from __future__ import annotations

import hmac
import re

from jupyter_server.auth import IdentityProvider, User
from tornado.web import RequestHandler

_HEADER = re.compile(r"(?:token|bearer)\s+(\S+)", re.IGNORECASE)


def bears(handler: RequestHandler, token: str) -> bool:
    """Whether the request's Authorization header carries `token`; compared in constant time."""
    found = _HEADER.fullmatch(handler.request.headers.get("Authorization", ""))
    return found is not None and hmac.compare_digest(found[1].encode(), token.encode())


class KernelIdentity(IdentityProvider):  # type: ignore[misc]  # jupyter_server is untyped here
    """Who asks when a request bears the kernels' token."""

    def get_user(self, handler: RequestHandler) -> User:
        return User(username="lentiq-kernel", name="kernel", display_name="Kernel")

    def is_token_authenticated(self, handler: RequestHandler) -> bool:
        return True
