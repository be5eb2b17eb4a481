"""Tells people what happened, by mail and webhook: a thread of its own, so that nobody waits for a mail server.

A notice is sent at least once: what was not confirmed when a scheduler died is sent again by the next one,
with the same id. It is given up, and the log says so, when an address did not take it for half an hour.
"""

from __future__ import annotations

import dataclasses
import heapq
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

from ..errors import LentiqError, Unavailable
from ..interfaces import Store
from ..model import Run, TaskRun
from ..scheduler.notices import Event, Notice, end_told, notice, to_tell
from .channels import Channel

log = logging.getLogger(__name__)

DELAYS_S = (2.0, 15.0, 60.0, 300.0, 1500.0)
"""Seconds before each further try."""
QUEUE_LIMIT = 1000
CATCH_UP_S = 3600.0
_REMEMBERED = 10_000

Send = Callable[[str, Notice], None]


class Notifier:
    """See the module. Safe to use from several threads.

    Parameters
    ----------
    channels : sequence of Channel
    public_url : str
        The Jupyter server's address as people reach it; "" where there is none.
    delivered : callable, or None
        Called in this object's thread with a notice that every channel has taken.
    send : callable
        Sends a notice to an address. Raises Unavailable.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        public_url: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        delivered: Callable[[Notice], None] | None = None,
        send: Send | None = None,
        delays_s: Sequence[float] = DELAYS_S,
    ) -> None:
        self._channels = tuple(channels)
        self._public_url = public_url
        self._clock = clock
        self._delivered = delivered
        self._send = send or send_by_apprise
        self._delays_s = tuple(delays_s)
        self._wake = threading.Condition()
        self._queue: list[_Sending] = []
        self._number = 0
        # By notice: how many channels have not answered for good; 0 once it is done.
        self._open: dict[str, int] = {}
        self._failed: set[str] = set()
        self._closing = False
        self._thread: threading.Thread | None = None

    def tell(self, kind: str, run: Run, task: TaskRun | None = None) -> bool:
        """Have it told whom it concerns; returns at once.

        Parameters
        ----------
        kind : str
            An `Event`; other words concern nobody.
        task : TaskRun or None
            The task it happened to; None: the whole run.

        Returns
        -------
        bool
            Whether that is done: taken by every channel, given up, or of interest to nobody. To call it again
            until then is right: it is sent once.
        """
        if not any(kind in one.events for one in self._channels):
            return True
        said = notice(Event(kind), run, task, self._clock(), public_url=self._public_url)
        concerned = [one for one in self._channels if one.wants(said)]
        with self._wake:
            if said.id in self._open or not concerned:
                return not self._open.get(said.id)
            if self._closing:
                return False
            if len(self._queue) + len(concerned) > QUEUE_LIMIT:
                log.error("notice %s is dropped: %d wait already", said.id, len(self._queue), extra=_extra(said))
                return False
            self._open[said.id] = len(concerned)
            for channel in concerned:
                self._push(_Sending(time.monotonic(), self._next(), said, channel, 0))
            self._forget_old()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="lentiq-notices", daemon=True)
                self._thread.start()
            self._wake.notify_all()
        return False

    def catch_up(self, runs: Iterable[Run]) -> None:
        """Tell the ends of these runs that a scheduler died before telling: those of the last hour."""
        since = self._clock() - timedelta(seconds=CATCH_UP_S)
        for run in runs:
            if run.ended_at is not None and run.ended_at >= since and not end_told(run):
                for event, task in to_tell(None, run, self._clock(), pending_s=float("inf")):
                    self.tell(event, run, task)

    def close(self, wait_s: float = 1.0) -> None:
        """Stop; what has not been tried yet is tried for `wait_s` seconds."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(wait_s)

    # the thread

    def _work(self) -> None:
        while True:
            with self._wake:
                if self._closing:
                    self._queue = [one for one in self._queue if not one.tries]
                    heapq.heapify(self._queue)
                    if not self._queue:
                        return
                wait_s = self._queue[0].at - time.monotonic() if self._queue else None
                if wait_s is None or wait_s > 0:
                    self._wake.wait(wait_s)
                    continue
                one = heapq.heappop(self._queue)
            self._try(one)

    def _try(self, one: _Sending) -> None:
        said, channel = one.notice, one.channel
        try:
            self._send(channel.url, said)
        except Unavailable as error:
            why = hide(str(error), channel.url)
            if one.tries < len(self._delays_s):
                delay_s = self._delays_s[one.tries]
                log.warning(
                    "notice %s: %s did not take it (%s); again in %.0f s",
                    *(said.id, channel.shown, why, delay_s),
                    extra=_extra(said),
                )
                with self._wake:
                    self._push(dataclasses.replace(one, at=time.monotonic() + delay_s, tries=one.tries + 1))
                return
            log.error(
                "notice %s is dropped: %s did not take it in %d tries (%s)",
                *(said.id, channel.shown, one.tries + 1, why),
                extra=_extra(said),
            )
            with self._wake:
                self._failed.add(said.id)
        self._done(said)

    def _done(self, said: Notice) -> None:
        with self._wake:
            left = self._open[said.id] = self._open.get(said.id, 1) - 1
            whole = left == 0 and said.id not in self._failed
        if whole and self._delivered is not None:
            try:
                self._delivered(said)
            except LentiqError as error:
                log.warning("notice %s was sent; that could not be stored: %s", said.id, error, extra=_extra(said))

    def _push(self, one: _Sending) -> None:
        heapq.heappush(self._queue, one)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _forget_old(self) -> None:
        if len(self._open) > _REMEMBERED:
            for key in [key for key, left in self._open.items() if not left][: _REMEMBERED // 2]:
                del self._open[key]
                self._failed.discard(key)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class _Sending:
    """A notice on its way to a channel: from when (monotonic seconds), in which order, after how many tries."""

    at: float
    number: int
    notice: Notice = dataclasses.field(compare=False)
    channel: Channel = dataclasses.field(compare=False)
    tries: int = dataclasses.field(compare=False)


def _extra(said: Notice) -> dict[str, str]:
    return {"run": said.run_id, "workflow": said.workflow, "project": said.project, "task": said.task}


def store_end_told(store: Store, clock: Callable[[], datetime]) -> Callable[[Notice], None]:
    """What stores that a run's end was told, so that no later scheduler tells it again."""

    def mark(said: Notice) -> None:
        if said.task:
            return
        run = store.run(said.run_id)
        ended = [one for one in run.tasks if one.ended_at is not None]
        if ended and not end_told(run):
            last = max(ended, key=lambda one: one.ended_at or run.created_at)
            store.move_tasks([(last, dataclasses.replace(last, warned_at=clock()))])

    return mark


# ---- apprise ---------------------------------------------------------------------------------------------------------


def missing_apprise() -> str:
    """What to do where apprise is not installed; "" where it is."""
    if find_spec("apprise") is not None:
        return ""
    return "Notifications need apprise. Install it with: pip install 'lentiq-jupyter[notify]'"


def check_channels(channels: Sequence[Channel]) -> list[str]:
    """What keeps notices from being sent, a sentence each. Sends nothing."""
    if not channels:
        return []
    missing = missing_apprise()
    if missing:
        return [missing]
    import apprise

    _quiet()
    return [
        f"Entry {number} of the setting `notify` ({one.shown}) is no address that apprise knows. Correct it."
        for number, one in enumerate(channels, 1)
        if apprise.Apprise.instantiate(one.url) is None
    ]


def send_by_apprise(url: str, said: Notice) -> None:
    """Send a notice to an address in apprise's notation. Raises Unavailable, whose text may show the address."""
    missing = missing_apprise()
    if missing:
        raise Unavailable(missing)
    import apprise

    kinds = {
        Event.FAILED: apprise.NotifyType.FAILURE,
        Event.SUCCEEDED: apprise.NotifyType.SUCCESS,
        Event.PENDING: apprise.NotifyType.WARNING,
        Event.SLOW: apprise.NotifyType.WARNING,
    }
    _quiet()
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as captured:
        target = apprise.Apprise.instantiate(url, asset=apprise.AppriseAsset(app_id="Lentiq", async_mode=False))
        taken = target is not None and target.notify(
            body=said.text,
            title=said.title,
            notify_type=kinds[said.event],
            body_format=apprise.NotifyFormat.TEXT,
        )
        if not taken:
            raise Unavailable(" ".join(captured.getvalue().split()) or "it gave no reason")


def _quiet() -> None:
    """Keep addresses out of the log: apprise's own ends here, that of its HTTP library shows them when debugged."""
    logging.getLogger("apprise").propagate = False
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


def hide(text: str, url: str) -> str:
    """A text without the parts of an address that may be secret."""
    rest = url.partition("://")[2]
    for part in sorted(re.split(r"[/:@?&=,]", rest), key=len, reverse=True):
        if len(part) > 3:
            text = text.replace(part, "…")
    return text.replace(url, "…")
