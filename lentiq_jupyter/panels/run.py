"""`RunPanel`: a run as it goes: its tasks, why they wait, their logs and notebooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from ..model import Run, decode, encode
from .live import LivePanel

if TYPE_CHECKING:
    from ..interfaces import Service


class RunPanel(LivePanel):
    """A panel over one run.

    Parameters
    ----------
    run : Run, or the id of one
    service : Service, or None for the one `connect` finds

    Raises
    ------
    NotFound
        If there is no such run.
    Unavailable
        If the front end was not built, or no service is found.
    """

    def __init__(self, run: Union[Run, str], service: Optional[Service] = None) -> None:
        super().__init__(service, face="run")
        # Asked for even if it is at hand: it may have gone on.
        self._follow(self._service.run(run if isinstance(run, str) else run.id))

    @property
    def value(self) -> Run:
        """`run` as a record: another one after it was run again."""
        return decode(Run, self.run)

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
