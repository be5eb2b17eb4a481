"""`WorkflowPanel`: compose tasks into a workflow, save it, start it, follow its run.

The browser edits the document `workflow`; this side checks it, and does what the browser wishes. All
work with the service happens in threads, so that the kernel stays free and the panel moves on while
a cell runs. Traits hold documents (`model.encode` of the records).
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable, Optional

import anywidget
import traitlets

from ..connect import connect
from ..errors import Invalid, LentiqError
from ..model import Check, Workflow, decode, encode
from .frontend import read_frontend

if TYPE_CHECKING:
    from ..interfaces import Service

DEBOUNCE_S = 0.25
POLL_S = 1.0
NEW = Workflow(name="my-workflow", project="default", tasks=())


class WorkflowPanel(anywidget.AnyWidget):  # type: ignore[misc]  # ipywidgets has no types
    """A panel over one workflow.

    Parameters
    ----------
    workflow : Workflow, or None for an empty one
    service : Service, or None for the one `connect` finds

    Raises
    ------
    Unavailable
        If the front end was not built, or no service is found.
    """

    blocks: Any = traitlets.List(help="Newest version of every block.").tag(sync=True)
    projects: Any = traitlets.List(help="Projects with what is used of them.").tag(sync=True)
    workflow: Any = traitlets.Dict(help="The workflow being composed.").tag(sync=True)
    check: Any = traitlets.Dict(help="Faults and next starts of `workflow`.").tag(sync=True)
    run: Any = traitlets.Dict(default_value=None, allow_none=True, help="The run that is followed.").tag(sync=True)
    busy: Any = traitlets.Bool(False, help="Whether the service works on a wish.").tag(sync=True)
    message: Any = traitlets.Dict(help="What to tell the user: severity and text; empty: nothing.").tag(sync=True)

    def __init__(self, workflow: Optional[Workflow] = None, service: Optional[Service] = None) -> None:
        self._esm, self._css = read_frontend()
        self._service = connect() if service is None else service
        # One thread: wishes are done in the order they came, so that a start never overtakes a save.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="lentiq-panel")
        self._closed = threading.Event()
        self._timer: Optional[threading.Timer] = None
        self._saved: object = encode(workflow) if workflow is not None and workflow.revision else None
        super().__init__(workflow=encode(workflow or NEW), check=encode(Check()))
        self.on_msg(self._take)
        self.observe(lambda change: self._check_soon(), "workflow")
        self._guard(self._refresh)
        self._guard(self._check_now)

    @property
    def value(self) -> Workflow:
        """`workflow` as a record; setting it replaces what is shown.

        Raises
        ------
        Invalid
            With every fault, while the document on screen is no valid workflow.
        """
        return decode(Workflow, self.workflow)

    @value.setter
    def value(self, workflow: Workflow) -> None:
        self.workflow = encode(workflow)

    def wait(self, timeout_s: float = 30.0) -> bool:
        """Wait until the wishes so far are done (not for a run to end); False after `timeout_s` seconds."""
        done = threading.Event()
        self._submit(done.set)
        return done.wait(timeout_s)

    def close(self) -> None:
        """Stop following and forget the panel; a run goes on."""
        self._closed.set()
        if self._timer is not None:
            self._timer.cancel()
        self._pool.shutdown(wait=False)
        super().close()

    # ---- what the browser wishes -------------------------------------------------------------------------------------

    def _take(self, _: object, content: Mapping[str, Any], buffers: object) -> None:
        kind = content.get("kind")
        wishes: dict[str, Callable[[], None]] = {
            "save": self._save,
            "start": self._start,
            "cancel": self._cancel,
            "refresh": self._refresh,
        }
        if kind == "log":
            task, offset = str(content.get("task")), int(content.get("offset", 0))
            self._submit(lambda: self._guard(lambda: self._send_log(task, offset)))
        elif kind in wishes:
            self.busy, self.message = True, {}
            self._submit(lambda: self._guard(wishes[str(kind)], ends_busy=True))

    def _submit(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the panel was closed in this moment
            self._pool.submit(work)

    def _guard(self, work: Callable[[], None], ends_busy: bool = False) -> None:
        """Do `work`; what goes wrong is a message on screen."""
        try:
            work()
        except LentiqError as error:
            self.message = {"severity": "error", "text": str(error)}
        finally:
            if ends_busy:
                self.busy = False

    def _save(self) -> None:
        sent = self.workflow
        saved: Any = encode(self._service.save_workflow(decode(Workflow, sent)))
        self._saved = saved
        # What was edited in the meantime stays; it only must know its revision for the next save.
        self.workflow = saved if self.workflow == sent else {**self.workflow, "revision": saved["revision"]}
        self.message = {"severity": "info", "text": f"Saved, revision {self.workflow['revision']}."}

    def _start(self) -> None:
        if self.workflow != self._saved:
            self._save()
        run = self._service.start_workflow(self.workflow["name"], self.workflow["project"])
        self.message = {"severity": "info", "text": f"Started run {run.id}."}
        self._follow(encode(run))

    def _cancel(self) -> None:
        if self.run is not None:
            self.run = encode(self._service.cancel_run(self.run["id"]))

    def _refresh(self) -> None:
        self.blocks = encode(self._service.blocks())
        self.projects = self._service.projects()
        if self.run is None and self.workflow.get("revision"):
            where = {"project": self.workflow["project"], "workflow": self.workflow["name"]}
            newest = self._service.runs(**where, limit=1)
            if newest:
                self._follow(encode(newest[0]))

    def _send_log(self, task: str, offset: int) -> None:
        if self.run is not None:
            text = self._service.log(self.run["id"], task, offset)
            self.send({"kind": "log", "task": task, "text": text, "next": offset + len(text.encode())})

    # ---- what goes on behind -----------------------------------------------------------------------------------------

    def _check_soon(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(DEBOUNCE_S, lambda: self._submit(lambda: self._guard(self._check_now)))
        self._timer.daemon = True
        self._timer.start()

    def _check_now(self) -> None:
        checked = self.workflow
        try:
            found = self._service.check_workflow(decode(Workflow, checked))
        except Invalid as error:
            found = Check(faults=error.faults)
        if self.workflow == checked:  # else a newer check is on its way
            self.check = encode(found)

    def _follow(self, run: Any) -> None:
        self.run = run
        if _active(run):
            follow = functools.partial(self._guard, lambda: self._poll(run["id"]))
            threading.Thread(target=follow, name="lentiq-panel-run", daemon=True).start()

    def _poll(self, run_id: str) -> None:
        while not self._closed.wait(POLL_S) and self.run is not None and self.run["id"] == run_id:
            self.run = encode(self._service.run(run_id))
            if not _active(self.run):
                self.projects = self._service.projects()
                return


def _active(run: Mapping[str, Any]) -> bool:
    return run["state"] in ("PENDING", "RUNNING")
