"""Sends blobs to a registry server, and goes on after a break where the server lets it.

Section names in comments are those of the Distribution specification 1.1. What a break costs depends on
the server: one that says how much it has is sent the rest; Distribution 2 and 3 give up an upload whose
request broke in the middle (its state no longer fits), so there the blob is sent from its start again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import httpx

from ..errors import LentiqError, Unavailable
from .content import changed, chunks_of, size_of
from .reference import check_digest, check_repository
from .transport import RETRY_DELAYS_S, Interrupted, Transport, error_codes, error_words, jittered

# Smaller blobs go in one request less; sending one again costs little.
RESUMABLE_BYTES = 4 << 20
_ANY = frozenset(range(200, 600))
_BYTES = {"Content-Type": "application/octet-stream"}
_RANGE = re.compile(r"(?:bytes=)?0-(\d+)")


def has_blob(transport: Transport, name: str, digest: str) -> bool:
    """Whether the repository `name` (in full) holds that blob."""
    address = f"/v2/{name}/blobs/{check_digest(digest)}"
    return transport.send("HEAD", address, frozenset({200, 404}), repository=name).status_code == 200


def put_blob(
    transport: Transport,
    name: str,
    source: Path | bytes,
    digest: str,
    *,
    mount_from: str | None = None,
    ask: bool = True,
    report: Callable[[int], None] | None = None,
) -> int:
    """Store a blob, unless it is there; returns its size, 0 if nothing had to be sent.

    Parameters
    ----------
    name, mount_from : str
        Repositories in full.
    ask : bool
        False sends it whether it is there or not.
    report : callable or None
        Gets the bytes of each chunk sent; what must be sent again is reported again.
    """
    size = size_of(source)
    if ask and has_blob(transport, name, digest):
        return 0
    address = ""
    if mount_from is not None and check_repository(mount_from) != name:
        begun = _mount(transport, name, digest, mount_from)
        if begun is None:
            return 0
        address = begun
    upload = _Upload(transport, name, source, size, digest, report, address)
    failures = 0
    while True:
        before = upload.held
        try:
            upload.go_on()
            return size
        except Interrupted:
            # Long blobs over a bad line may break often; only breaks without progress count.
            failures = failures + 1 if upload.find_out() <= before else 1
            if failures > len(RETRY_DELAYS_S):
                upload.cancel()
                raise
            time.sleep(jittered(RETRY_DELAYS_S[failures - 1]))
        except LentiqError:
            upload.cancel()
            raise


def _mount(transport: Transport, name: str, digest: str, mount_from: str) -> str | None:
    """None if the blob is now there ("Mounting a blob from another repository"), else where to send it, or ""."""
    address = f"/v2/{name}/blobs/uploads/?mount={quote(digest)}&from={quote(mount_from, safe='')}"
    response = transport.send(
        "POST", address, frozenset({201, 202, 401, 403, 404, 405}), repository=name, right="push",
        also_pull=mount_from,
    )  # fmt: skip
    if response.status_code == 201:
        return None
    # A registry that will not mount may have begun an ordinary upload instead.
    return response.headers.get("Location", "") if response.status_code == 202 else ""


class _Upload:
    """One blob on its way.

    Attributes
    ----------
    address : str
        Where the next request goes; "" if no upload is open.
    held : int
        Bytes that the server is known to have.
    """

    def __init__(
        self,
        transport: Transport,
        name: str,
        source: Path | bytes,
        size: int,
        digest: str,
        report: Callable[[int], None] | None,
        address: str,
    ) -> None:
        self._transport = transport
        self._name = name
        self._source = source
        self._size = size
        self._digest = digest
        self._report = report
        self.address = address
        self.held = 0

    def go_on(self) -> None:
        """Open an upload if none is, send what is missing, close it. Raises Interrupted where that broke off."""
        if not self.address:
            opened = self._send("POST", f"/v2/{self._name}/blobs/uploads/", frozenset({202}), content=b"")
            self.address, self.held = opened.headers.get("Location", ""), 0
        # "Pushing a blob in chunks", of one chunk; small ones "monolithically", by POST then PUT.
        while self._size > RESUMABLE_BYTES and self.held < self._size:
            self._append()
        closing = f"{self.address}{'&' if '?' in self.address else '?'}digest={quote(self._digest)}"
        response = self._send("PUT", closing, frozenset({201, 400, 404, 416}), content=self._rest)
        if response.status_code == 201:
            return
        if "DIGEST_INVALID" in error_codes(response):
            raise changed(self._digest)
        raise self._lost(response)

    def _append(self) -> None:
        ranged = {"Content-Range": f"{self.held}-{self._size - 1}"} if self.held else {}
        response = self._send("PATCH", self.address, frozenset({202, 400, 404, 416}), content=self._rest, **ranged)
        if response.status_code != 202:
            raise self._lost(response)
        before, self.held = self.held, _held(response) or self._size
        self.address = response.headers.get("Location", "") or self.address
        if self.held <= before:
            raise self._lost(response)

    def find_out(self) -> int:
        """After a break: ask how much the server has, and return it; 0 if it must be sent from its start."""
        address, self.address, self.held = self.address, "", 0
        if address and self._size > RESUMABLE_BYTES:
            with suppress(LentiqError):
                response = self._send("GET", address, _ANY)
                held = _held(response) if response.status_code == 204 else None
                if held is not None and held <= self._size:
                    self.address, self.held = response.headers.get("Location", "") or address, held
        return self.held

    def cancel(self) -> None:
        """Let the server forget what it has; it would by itself, in time."""
        if self.address:
            with suppress(LentiqError):
                self._send("DELETE", self.address, _ANY)

    def _rest(self) -> Iterator[bytes]:
        left = self._size - self.held
        with chunks_of(self._source, self.held) as parts:
            for part in parts:
                left -= len(part)
                if left < 0:
                    break
                yield part
                if self._report is not None:
                    self._report(len(part))
        if left:  # the request announced another length
            raise changed(self._digest)

    def _send(
        self,
        method: str,
        address: str,
        accepted: frozenset[int],
        content: bytes | Callable[[], Iterator[bytes]] | None = None,
        **headers: str,
    ) -> httpx.Response:
        if callable(content):
            headers |= {**_BYTES, "Content-Length": str(self._size - self.held)}
        return self._transport.send(
            method, address, accepted, repository=self._name, right="push", headers=headers, content=content,
            retry=False,
        )  # fmt: skip

    def _lost(self, response: httpx.Response) -> LentiqError:
        said = error_words(response)
        message = f"Registry {self._transport.host} refused a blob of {self._name}{': ' + said if said else ''}."
        if response.status_code in (404, 416):  # it has forgotten the upload, or has another part of it
            return Interrupted(message, "Try again later.")
        return Unavailable(message, "Ask its owner.")


def _held(response: httpx.Response) -> int | None:
    """Bytes the server has, by its ``Range``; None if it does not say. ``0-0`` is what most say of none at all."""
    found = _RANGE.fullmatch(response.headers.get("Range", ""))
    last = int(found[1]) if found else -1
    return last + 1 if last > 0 else 0 if last == 0 else None
