"""A container's log by byte offsets, read once however long it is.

The engine gives a log from its beginning, or the last so many records of it. So whoever reads on is
remembered: by the stream that is being read while it lasts, and by the last record read, which is looked
for from the log's end backwards when there may be something new. Secrets are taken out before offsets are
counted.
"""

from __future__ import annotations

import hashlib
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import docker
import requests
from docker.errors import create_api_error_from_http_exception

from .image_block import Mask

# How many readers are remembered; each by some bytes, a few by a connection, too.
_PLACES = 512
_STREAMS = 8
_IDLE_S = 30.0
# A reader that comes back finds its last record among so many of the newest, or of more, or of all.
_TAILS = (64, 2_048, 65_536, 2_097_152)
_CHUNK_BYTES = 1 << 16
_HEAD = struct.Struct(">4xI")
LOST = b"[lentiq] What was printed here is gone: the log had no room for it.\n"


@dataclass(frozen=True)
class _Record:
    """One record of the log as the engine keeps it: a line, or a part of a long one."""

    stamp: bytes  # the engine's time, always of the same width
    text: bytes

    @property
    def digest(self) -> bytes:
        return hashlib.blake2b(self.text, digest_size=16).digest()


@dataclass(frozen=True)
class _Place:
    """Where a reader stands.

    `stamp` and `digest` are those of the last record read, empty at the beginning; `held` are its last bytes, which
    may be the beginning of a secret; `ready` is what is to be given next.
    """

    stamp: bytes = b""
    digest: bytes = b""
    held: bytes = b""
    ready: bytes = b""
    complete: bool = False

    def after(self, record: _Record | None) -> _Place:
        """This place, moved behind a record."""
        return self if record is None else replace(self, stamp=record.stamp, digest=record.digest)


class LogReader:
    """Reads logs of containers for any number of readers, in bounded memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: OrderedDict[tuple[str, int], _Place] = OrderedDict()
        self._streams: OrderedDict[tuple[str, int], tuple[Generator[_Record], float]] = OrderedDict()

    def read(
        self, client: docker.DockerClient, identity: str, offset: int, limit: int, mask: Mask, *, ended: bool
    ) -> bytes:
        """At most `limit` bytes from byte `offset` on of what a container printed, without secrets.

        Parameters
        ----------
        ended : bool
            Whether the container had ended before this call, so that nothing can follow what is there.
        """
        known, place, stream = self._take(identity, offset)
        if place.complete and not place.ready:
            return b""
        skip = offset - known
        records, newest = stream or _records(client, identity, place.stamp, place.digest), stream is None
        ready, held, last, complete, keep = bytearray(place.ready), place.held, None, place.complete, False
        try:
            while True:
                passed = min(skip, len(ready))
                del ready[:passed]
                skip -= passed
                if len(ready) >= limit or complete:
                    break
                record = next(records, None)
                if record is not None:
                    text, held = mask.feed(held + record.text)
                    ready += text
                    last = record
                elif not newest:
                    # A stream gives what there was when it was opened.
                    place = place.after(last)
                    records, newest = _records(client, identity, place.stamp, place.digest), True
                elif ended:
                    ready += mask.whole(held)
                    held, complete = b"", True
                else:
                    break
            keep = record is not None
        finally:
            if not keep:
                records.close()
        given = bytes(ready[:limit])
        place = replace(place.after(last), held=held, ready=bytes(ready[limit:]), complete=complete)
        self._leave(identity, offset - skip + len(given), place, records if keep else None)
        return given

    def forget(self, identity: str) -> None:
        """The container is gone."""
        with self._lock:
            left = [self._streams.pop(key)[0] for key in [*self._streams] if key[0] == identity]
            for key in [key for key in self._places if key[0] == identity]:
                del self._places[key]
        for stream in left:
            stream.close()

    def _take(self, identity: str, offset: int) -> tuple[int, _Place, Generator[_Record] | None]:
        """The nearest place at or before an offset, with its own, and the stream that stands there if one does.

        A place stays for others who read the same; a stream goes to one reader.
        """
        with self._lock:
            known = max((at for one, at in self._places if one == identity and at <= offset), default=0)
            key = (identity, known)
            place = self._places.get(key, _Place())
            stream, _ = self._streams.pop(key, (None, 0.0))
        return known, place, stream

    def _leave(self, identity: str, offset: int, place: _Place, stream: Generator[_Record] | None) -> None:
        now = time.monotonic()
        key = (identity, offset)
        dropped: list[Generator[_Record]] = []
        with self._lock:
            self._places[key] = place
            self._places.move_to_end(key)
            if len(self._places) > _PLACES:
                self._places.popitem(last=False)
            if stream is not None:
                dropped += [one for one, _ in [self._streams.pop(key, (None, 0.0))] if one is not None]
                self._streams[key] = (stream, now)
            while self._streams and (
                len(self._streams) > _STREAMS or now - next(iter(self._streams.values()))[1] > _IDLE_S
            ):
                dropped.append(self._streams.popitem(last=False)[1][0])
        for one in dropped:
            one.close()


def _records(client: docker.DockerClient, identity: str, stamp: bytes, digest: bytes) -> Generator[_Record]:
    """The records after the one of that time and content; all where `stamp` is empty."""
    for tail in _TAILS if stamp else ():
        found = yield from _after(_stream(client, identity, tail), stamp, digest)
        if found:
            return
    stream = _stream(client, identity, None)
    if not stamp:
        yield from stream
    elif not (yield from _after(stream, stamp, digest, all_there_is=True)):
        # Even the oldest record that is left is newer.
        yield _Record(stamp, LOST)
        yield from (one for one in _stream(client, identity, None) if one.stamp > stamp)


def _after(
    stream: Generator[_Record], stamp: bytes, digest: bytes, *, all_there_is: bool = False
) -> Generator[_Record, None, bool]:
    """The records of `stream` after the one that is looked for; returns whether it was there."""
    with closing(stream):
        for number, one in enumerate(stream):
            if one.stamp == stamp and one.digest == digest:
                yield from stream
                return True
            # Records are in order, but for those that two pipes brought at one instant.
            if not number and one.stamp > stamp and not all_there_is:
                return False
    return False


def _stream(client: docker.DockerClient, identity: str, tail: int | None) -> Generator[_Record]:
    """The newest `tail` records, or all, as of now.

    Asked for without the SDK's own method, which leaves the connection of a log that is not read to its end open.
    """
    api = client.api
    asked = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": 0, "tail": "all" if tail is None else tail}
    url = f"{api.base_url}/v{api.api_version}/containers/{identity}/logs"
    with closing(api.get(url, params=asked, stream=True, timeout=api.timeout)) as answer:
        try:
            answer.raise_for_status()
        except requests.HTTPError as error:
            raise create_api_error_from_http_exception(error) from error
        for frame in _frames(answer.iter_content(_CHUNK_BYTES)):
            stamp, _, text = frame.partition(b" ")
            yield _Record(stamp, text)


def _frames(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What the engine's stream carries, frame by frame: a byte for the pipe, three of nothing, four of length."""
    held = b""
    for chunk in chunks:
        held = held + chunk if held else chunk
        at = 0
        while len(held) - at >= _HEAD.size:
            (size,) = _HEAD.unpack_from(held, at)
            end = at + _HEAD.size + size
            if end > len(held):
                break
            yield held[at + _HEAD.size : end]
            at = end
        held = held[at:]
