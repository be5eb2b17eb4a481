"""`WorkflowPanel`: compose tasks into a workflow, save it, start it, follow its run.

The browser edits the document `workflow`; this side checks it, and does what the browser wishes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable, Optional

import traitlets

from ..errors import Conflict, Invalid
from ..model import Check, RequestedStart, Run, Workflow, decode, encode
from .live import ChangedElsewhere, LivePanel
from .picture import draw_workflow, present

if TYPE_CHECKING:
    from ..interfaces import Service

DEBOUNCE_S = 0.25
NEW = Workflow(name="my-workflow", project="default", tasks=())


@dataclass(frozen=True)
class _Backfill:
    """For what time runs are wished."""

    first: datetime
    last: datetime
    preview: bool


class WorkflowPanel(LivePanel):
    """A panel over one workflow.

    >>> panel = WorkflowPanel()
    >>> panel.observe(lambda change: print(change.new), "value")
    >>> panel.start()

    Parameters
    ----------
    workflow : Workflow, or None for an empty one
    service : Service, or None for the one `connect` finds

    Attributes
    ----------
    value : Workflow or None
        What is on screen; None while that is no valid workflow (`check` then lists the faults). Setting it
        replaces what is shown; it may be observed and linked.
    workflow, run, check : dict
        The workflow, its run that is followed, faults and next starts, as documents that the browser has.

    Raises
    ------
    Unavailable
        If the front end was not built, or no service is found.
    """

    blocks: Any = traitlets.List(help="Newest version of every block.").tag(sync=True)
    projects: Any = traitlets.List(help="Projects with what is used of them.").tag(sync=True)
    workflow: Any = traitlets.Dict(help="The workflow being composed.").tag(sync=True)
    check: Any = traitlets.Dict(help="Faults and next starts of `workflow`.").tag(sync=True)
    value: Any = traitlets.Instance(Workflow, allow_none=True, help="`workflow` as a record; None while it is faulty.")

    def __init__(self, workflow: Optional[Workflow] = None, service: Optional[Service] = None) -> None:
        self._timer: Optional[threading.Timer] = None
        self._saved: object = encode(workflow) if workflow is not None and workflow.revision else None
        super().__init__(service, face="workflow", workflow=encode(workflow or NEW), check=encode(Check()))
        self.observe(lambda change: self._check_soon(), "workflow")
        self._guard(self._refresh)
        self._guard(self._check_now)

    def __repr__(self) -> str:
        return f"WorkflowPanel({self.workflow.get('name')}, revision {self.workflow.get('revision', 0)})"

    def save(self) -> Workflow:
        """Save what is on screen. Raises LentiqError as the service does, Invalid with every fault."""
        self.do(self._save)
        return decode(Workflow, self.workflow)

    def start(self) -> Run:
        """Save what is on screen if it changed, start it now and follow the run. Raises as `save` does."""
        self.do(self._start)
        return decode(Run, self.run)

    def backfill(self, first: datetime, last: datetime) -> list[RequestedStart]:
        """Ask for a run for each start that the saved schedule has in that time. Raises as `save` does."""
        name, project = self.workflow["name"], self.workflow["project"]
        return self.do(lambda: self._service.backfill_workflow(name, project, first=first, last=last))

    def picture(self) -> str:
        """The tasks with the states of the newest run, as a table."""
        return draw_workflow(self.workflow, None if self.run is None else decode(Run, self.run), present())

    def close(self) -> None:
        """Stop following and forget the panel; a run goes on."""
        if self._timer is not None:
            self._timer.cancel()
        super().close()

    # ---- what the browser wishes -------------------------------------------------------------------------------------

    def _wishes(self, content: Mapping[str, Any]) -> dict[str, Callable[[], None]]:
        return {
            "save": self._save,
            "overwrite": lambda: self._save(overwrite=True),
            "reload": self._reload,
            "start": self._start,
            "cancel": self._cancel,
            "refresh": self._refresh,
            "pause": lambda: self._pause(bool(content.get("paused"))),
        }

    def _questions(self, content: Mapping[str, Any]) -> dict[str, Callable[[], Mapping[str, Any]]]:
        def read() -> Mapping[str, Any]:
            found = self._service.read_workflow(str(content.get("text")), str(content.get("project")))
            return {"workflow": encode(found)}

        def backfill() -> Mapping[str, Any]:
            asked = decode(_Backfill, {one: content.get(one) for one in ("first", "last", "preview")})
            where = (self.workflow["name"], self.workflow["project"])
            found = self._service.backfill_workflow(*where, first=asked.first, last=asked.last, preview=asked.preview)
            return {"starts": [encode(one.due_at) for one in found]}

        return {
            "backfill": backfill,
            "text": lambda: {
                "text": self._service.workflow_text(decode(Workflow, content.get("workflow")), content.get("base"))
            },
            "read": read,
        }

    def _save(self, *, overwrite: bool = False) -> None:
        sent = self.workflow
        asked = {**sent, "revision": 0} if overwrite else sent
        try:
            saved: Any = encode(self._service.save_workflow(decode(Workflow, asked)))
        except Conflict as error:
            raise ChangedElsewhere(error.message, error.hint) from error
        self._saved = saved
        # What was edited in the meantime stays; it only must know its revision for the next save.
        self.workflow = saved if self.workflow == sent else {**self.workflow, "revision": saved["revision"]}
        self.message = {"severity": "info", "text": f"Saved, revision {self.workflow['revision']}."}

    def _reload(self) -> None:
        self._saved = encode(self._service.workflow(self.workflow["name"], self.workflow["project"]))
        self.workflow = self._saved

    def _pause(self, paused: bool) -> None:
        saved: Any = encode(
            self._service.pause_workflow(self.workflow["name"], self.workflow["project"], paused=paused)
        )
        self._saved = saved
        # What is edited and not saved yet stays as it is.
        self.workflow = {**self.workflow, "paused": paused, "revision": saved["revision"]}
        words = "Its schedule is paused." if paused else "Its schedule goes on."
        self.message = {"severity": "info", "text": words}

    def _start(self) -> None:
        if self.workflow != self._saved:
            self._save()
        run = self._service.start_workflow(self.workflow["name"], self.workflow["project"])
        self.message = {"severity": "info", "text": f"Started run {run.id}."}
        self._follow(run)

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
                self._follow(newest[0])

    # ---- what goes on behind -----------------------------------------------------------------------------------------

    @traitlets.observe("workflow")
    def _read(self, change: Mapping[str, Any]) -> None:
        try:
            self.value = decode(Workflow, change["new"])
        except Invalid:
            self.value = None

    @traitlets.observe("value")
    def _write(self, change: Mapping[str, Any]) -> None:
        document: Any = None if change["new"] is None else encode(change["new"])
        if document is not None and not self._means(document):
            self.workflow = document

    def _means(self, document: Mapping[str, Any]) -> bool:
        """Whether what is on screen is that, fields that may be left out aside."""
        try:
            return bool(encode(decode(Workflow, self.workflow)) == document)
        except Invalid:
            return False

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

    def _ended(self) -> None:
        super()._ended()
        self.projects = self._service.projects()
