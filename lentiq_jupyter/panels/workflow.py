"""`WorkflowPanel`: compose tasks into a workflow, save it, start it, follow its run.

The browser edits the document `workflow`; this side checks it, and does what the browser wishes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional

import traitlets

from ..errors import Invalid
from ..model import Check, Workflow, decode, encode
from .live import LivePanel

if TYPE_CHECKING:
    from ..interfaces import Service

DEBOUNCE_S = 0.25
NEW = Workflow(name="my-workflow", project="default", tasks=())


class WorkflowPanel(LivePanel):
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

    def __init__(self, workflow: Optional[Workflow] = None, service: Optional[Service] = None) -> None:
        self._timer: Optional[threading.Timer] = None
        self._saved: object = encode(workflow) if workflow is not None and workflow.revision else None
        super().__init__(service, face="workflow", workflow=encode(workflow or NEW), check=encode(Check()))
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

    def close(self) -> None:
        """Stop following and forget the panel; a run goes on."""
        if self._timer is not None:
            self._timer.cancel()
        super().close()

    # ---- what the browser wishes -------------------------------------------------------------------------------------

    def _wishes(self, content: Mapping[str, Any]) -> dict[str, Callable[[], None]]:
        return {"save": self._save, "start": self._start, "cancel": self._cancel, "refresh": self._refresh}

    def _questions(self, content: Mapping[str, Any]) -> dict[str, Callable[[], Mapping[str, Any]]]:
        def read() -> Mapping[str, Any]:
            found = self._service.read_workflow(str(content.get("text")), str(content.get("project")))
            return {"workflow": encode(found)}

        return {
            "text": lambda: {
                "text": self._service.workflow_text(decode(Workflow, content.get("workflow")), content.get("base"))
            },
            "read": read,
        }

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
        self.projects = self._service.projects()
