"""The blobs of one image on their way into the registry: several at once, counted together."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from ..errors import Denied, NotFound, Unavailable
from ..interfaces import Registry
from ..model import Descriptor, Reporter, Step

_MEGABYTE = 1_000_000
_SMALL_BYTES = 64 << 10  # so small a blob is there before the answer whether it has to be sent
_EVERY_S = 0.5
_LATEST = "latest"


class Sender:
    """Sends blobs to one repository; called from many threads.

    Parameters
    ----------
    there : Future of a set of digests
        Blobs that need not be asked for, see `named_by_latest`.
    """

    def __init__(self, registry: Registry, repository: str, there: Future[frozenset[str]], report: Reporter) -> None:
        self._registry = registry
        self._repository = repository
        self._there = there
        self._report = report
        self._lock = threading.Lock()
        self._shown_at = time.monotonic()
        self._moved = 0
        self._known = 0
        self.bytes_sent = 0
        """What went over the wire, of blobs that have arrived."""

    def send(self, source: Path | bytes, what: Descriptor) -> None:
        """Put one blob, unless it is there."""
        self._report.check()
        if what.digest in self._there.result():
            return
        count, ask = self._counter(what.size), what.size > _SMALL_BYTES
        sent = self._registry.put_blob(self._repository, source, what.digest, ask=ask, report=count)
        with self._lock:
            self.bytes_sent += sent

    def bring(self, what: Descriptor, bring: Callable[[], int]) -> None:
        """Have a blob brought by other means, which tell the bytes that were sent; unless it is there."""
        self._report.check()
        if what.digest in self._there.result():
            return
        sent = bring()
        with self._lock:
            self.bytes_sent += sent

    def _counter(self, size: int) -> Callable[[int], None]:
        begun = False

        def count(chunk: int) -> None:
            nonlocal begun
            self._report.check()
            with self._lock:
                # A blob counts as soon as its first bytes show that it has to be sent.
                self._known += 0 if begun else size
                begun = True
                self._moved += chunk
                moved, known = self._moved, max(self._known, self._moved)
                now = time.monotonic()
                if now - self._shown_at < _EVERY_S:
                    return
                self._shown_at = now
            self._report.say(
                Step.BUILD,
                f"sending layers, {round(moved / _MEGABYTE)} of {round(known / _MEGABYTE)} MB",
                done=moved,
                total=known,
            )

        return count


def named_by_latest(registry: Registry, repository: str) -> frozenset[str]:
    """Digests of the blobs that the newest version in a registry server names; empty where there is none.

    A server takes a manifest only when its blobs are there, and keeps them as long as the manifest
    (Distribution specification, "Pushing Manifests"). A folder is asked for each: that costs nothing.
    """
    if registry.pull_reference(repository, "sha256:" + "0" * 64) is None:
        return frozenset()
    try:
        _, body = registry.get_manifest(repository, _LATEST)
        document = json.loads(body)
        return frozenset(str(one["digest"]) for one in (document["config"], *document["layers"]))
    except (NotFound, Denied, Unavailable, ValueError, KeyError, TypeError, AttributeError):
        return frozenset()  # then each blob is asked for
