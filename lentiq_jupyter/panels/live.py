"""What the panels of the browser's views share: wishes done in order, in a thread, and a run that is followed."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

import anywidget
import traitlets

from ..connect import connect
from ..errors import Conflict, Invalid, LentiqError
from ..model import Run, encode
from .frontend import read_frontend
from .picture import Pictured

if TYPE_CHECKING:
    from ..interfaces import Service

POLL_S = 1.0
T = TypeVar("T")


class ChangedElsewhere(Conflict):
    """What is on screen was saved by somebody else in between; the user decides whose counts."""


class LivePanel(Pictured, anywidget.AnyWidget):  # type: ignore[misc]  # ipywidgets has no types
    """A view of the browser over a service.

    All work with the service happens in threads, so that the kernel stays free and the panel moves on while
    a cell runs. Traits hold documents (`model.encode` of the records).

    Parameters
    ----------
    service : Service, or None for the one `connect` finds

    Raises
    ------
    Unavailable
        If the front end was not built, or no service is found.
    """

    face: Any = traitlets.Unicode(help="Which view it is.").tag(sync=True)
    run: Any = traitlets.Dict(default_value=None, allow_none=True, help="The run that is followed.").tag(sync=True)
    busy: Any = traitlets.Bool(False, help="Whether the service works on a wish.").tag(sync=True)
    message: Any = traitlets.Dict(help="What to tell the user: severity and text; empty: nothing.").tag(sync=True)

    def __init__(self, service: Optional[Service] = None, **traits: Any) -> None:
        self._esm, self._css = read_frontend()
        self._service = connect() if service is None else service
        # One thread: wishes are done in the order they came, so that a start never overtakes a save.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="lentiq-panel")
        self._closed = threading.Event()
        super().__init__(**traits)
        self.on_msg(self._take)

    def do(self, work: Callable[[], T]) -> T:
        """Do `work` after the wishes so far, and give what it gives; raises what it raises."""
        return self._pool.submit(work).result()

    def wait(self, timeout_s: float = 30.0) -> bool:
        """Wait until the wishes so far are done (not for a run to end); False after `timeout_s` seconds."""
        done = threading.Event()
        self._submit(done.set)
        return done.wait(timeout_s)

    def close(self) -> None:
        """Stop following and forget the panel; a run goes on."""
        self._closed.set()
        self._pool.shutdown(wait=False)
        super().close()

    # ---- what the browser wishes -------------------------------------------------------------------------------------

    def _wishes(self, content: Mapping[str, Any]) -> dict[str, Callable[[], None]]:
        """What is done at a wish of that kind."""
        raise NotImplementedError

    def _questions(self, content: Mapping[str, Any]) -> dict[str, Callable[[], Mapping[str, Any]]]:
        """What is answered to a question of that kind."""
        raise NotImplementedError

    def _take(self, _: object, content: Mapping[str, Any], buffers: object) -> None:
        kind = str(content.get("kind"))
        wishes, questions = self._wishes(content), self._questions(content)
        if kind == "log":
            task, offset = str(content.get("task")), int(content.get("offset", 0))
            self._submit(lambda: self._guard(lambda: self._send_log(task, offset)))
        elif kind in questions:
            self._submit(lambda: self._answer(kind, content.get("number"), questions[kind]))
        elif kind in wishes:
            self.busy, self.message = True, {}
            self._submit(lambda: self._guard(wishes[kind], ends_busy=True))

    def _submit(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the panel was closed in this moment
            self._pool.submit(work)

    def _guard(self, work: Callable[[], None], ends_busy: bool = False) -> None:
        """Do `work`; what goes wrong is a message on screen."""
        try:
            work()
        except ChangedElsewhere as error:
            self.message = {"severity": "error", "text": error.message, "conflict": True}
        except LentiqError as error:
            self.message = {"severity": "error", "text": str(error)}
        finally:
            if ends_busy:
                self.busy = False

    def _answer(self, kind: str, number: object, find: Callable[[], Mapping[str, Any]]) -> None:
        answer: dict[str, Any] = {"kind": kind, "number": number}
        try:
            answer.update(find())
        except LentiqError as error:
            faults = list(error.faults) if isinstance(error, Invalid) else []
            answer["failure"] = {"message": error.message, "hint": error.hint, "faults": faults}
        self.send(answer)

    def _send_log(self, task: str, offset: int) -> None:
        if self.run is not None:
            text = self._service.log(self.run["id"], task, offset)
            self.send({"kind": "log", "task": task, "text": text, "next": offset + len(text.encode())})

    # ---- what goes on behind -----------------------------------------------------------------------------------------

    def _follow(self, run: Run) -> None:
        """Show that run, and how it goes on until it ends."""
        self.run = encode(run)
        if not run.state.ended:
            follow = functools.partial(self._guard, lambda: self._poll(run.id))
            threading.Thread(target=follow, name="lentiq-panel-run", daemon=True).start()

    def _poll(self, run_id: str) -> None:
        while not self._closed.wait(POLL_S) and self.run is not None and self.run["id"] == run_id:
            run = self._service.run(run_id)
            if self.run["id"] != run_id:  # another one is followed by now
                return
            self.run = encode(run)
            if run.state.ended:
                self._ended()
                return

    def _ended(self) -> None:
        """The run that was followed has ended; what a saved notebook shows is then how it ended."""
        self.redraw()
