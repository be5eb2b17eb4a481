"""`RunPanel`: a run as it goes: its tasks, why they wait, their logs and notebooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

import traitlets

from ..model import Run, decode, encode
from .live import LivePanel
from .picture import draw_run, present

if TYPE_CHECKING:
    from ..interfaces import Service


class RunPanel(LivePanel):
    """A panel over one run.

    >>> panel = RunPanel(run)
    >>> panel.observe(lambda change: print(change.new.state), "value")
    >>> panel.rerun(from_failed=True)

    Parameters
    ----------
    run : Run, or the id of one
    service : Service, or None for the one `connect` finds

    Attributes
    ----------
    value : Run
        The run as it is now; another one after it was run again. It may be observed, not set.
    run : dict
        The same as a document, as the browser has it.

    Raises
    ------
    NotFound
        If there is no such run.
    Unavailable
        If the front end was not built, or no service is found.
    """

    value: Any = traitlets.Any(read_only=True, help="The run that is followed, as a record.")

    def __init__(self, run: Union[Run, str], service: Optional[Service] = None) -> None:
        super().__init__(service, face="run")
        # Asked for even if it is at hand: it may have gone on.
        self._follow(self._service.run(run if isinstance(run, str) else run.id))

    def __repr__(self) -> str:
        return f"RunPanel({self._run_id()}, {self.run['state'] if self.run else 'unknown'})"

    def cancel(self, task: Optional[str] = None) -> Run:
        """Ask the run, or one task of it, to stop. Raises LentiqError as the service does."""
        found = self.do(lambda: self._service.cancel_run(self._run_id(), task))
        self._keep(found)
        return found

    def rerun(self, *, from_failed: bool = False) -> Run:
        """Run it again, or what failed alone, and show the new run. Raises LentiqError as the service does."""
        made = self.do(lambda: self._service.rerun(self._run_id(), from_failed=from_failed))
        self._follow(made)
        return made

    def picture(self) -> str:
        """The tasks of the run with their states, as a table."""
        return draw_run(self.value, present())

    @traitlets.observe("run")
    def _read(self, change: Mapping[str, Any]) -> None:
        self.set_trait("value", None if change["new"] is None else decode(Run, change["new"]))

    def _wishes(self, content: Mapping[str, Any]) -> dict[str, Callable[[], None]]:
        task = content.get("task")
        from_failed = bool(content.get("from_failed"))
        run_id = self._run_id()
        return {
            "cancel": lambda: self._keep(self._service.cancel_run(run_id, None if task is None else str(task))),
            "rerun": lambda: self._follow(self._service.rerun(run_id, from_failed=from_failed)),
            "show": lambda: self._follow(self._service.run(str(content.get("run")))),
            "refresh": lambda: self._keep(self._service.run(run_id)),
        }

    def _questions(self, content: Mapping[str, Any]) -> dict[str, Callable[[], Mapping[str, Any]]]:
        run_id, task = self._run_id(), str(content.get("task"))
        return {"notebook": lambda: {"notebook": json.loads(self._service.notebook(run_id, task))}}

    def _keep(self, run: Run) -> None:
        """Show what became of the run; whoever follows it goes on."""
        if self._run_id() == run.id:
            self.run = encode(run)

    def _run_id(self) -> str:
        return "" if self.run is None else str(self.run["id"])
