"""What a saved notebook shows of a panel where no kernel answers: a table of tasks, as it was when it was last told."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ..model import Run, format_cpu, format_memory, newest

PANEL_MIME = "application/vnd.lentiq.panel+json"
"""Marks an output that has a picture; JupyterLab then knows what to show where the widget is gone."""

# Colours of the theme where there is one, of the page around it elsewhere; pages that drop styles still show a table.
_BOX = "font-family: var(--jp-ui-font-family, sans-serif); font-size: 13px; color: var(--jp-ui-font-color1, inherit)"
_CELL = "text-align: left; padding: 3px 12px 3px 0; border-bottom: 1px solid var(--jp-border-color2, #8884)"
_NOTE = "margin: 4px 0; opacity: 0.75"
_ROWS = 100
_MARKS = {
    "SUCCEEDED": "✓",
    "FAILED": "✗",
    "LOST": "✗",
    "CANCELLED": "⊘",
    "SKIPPED": "⊘",
    "RUNNING": "▶",
    "STARTING": "▶",
}


def draw(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], now: datetime) -> str:
    """HTML that needs nothing from elsewhere; every text is escaped."""
    head = "".join(f'<th scope="col" style="{_CELL}">{html.escape(text)}</th>' for text in columns)
    shown = list(rows)
    body = "".join(f"<tr>{''.join(_cell(text) for text in row)}</tr>" for row in shown[:_ROWS])
    more = f'<p style="{_NOTE}">… and {len(shown) - _ROWS} more</p>' if len(shown) > _ROWS else ""
    table = f'<table style="margin: 4px 0"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}'
    if not shown:
        table = f'<p style="{_NOTE}">No {html.escape(columns[0].lower())}.</p>'
    told = f"As of {now:%Y-%m-%d %H:%M} UTC. Run the cell to work with it."
    return f'<div style="{_BOX}"><strong>{html.escape(title)}</strong>{table}<p style="{_NOTE}">{told}</p></div>'


def draw_run(run: Run, now: datetime) -> str:
    """The tasks of a run, and how each is."""
    rows = [
        (
            one.label,
            f"{one.task.block}{'' if one.task.version is None else f'@{one.task.version}'}",
            ", ".join(one.task.after),
            _marked(str(one.state)),
            _span(one.started_at, one.ended_at),
            one.reason,
        )
        for one in newest(run.tasks)
    ]
    title = f"Run {run.id} of {run.workflow.name}: {_marked(str(run.state))}"
    return draw(title, ("Task", "Block", "After", "State", "Time", "Reason"), rows, now)


def draw_workflow(workflow: Mapping[str, Any], run: Run | None, now: datetime) -> str:
    """The tasks of a workflow's document, with the states of its newest run; what is faulty stays out."""
    states = {} if run is None else {one.task.name: str(one.state) for one in run.tasks if one.item is None}
    rows = [
        (
            str(task.get("name", "")),
            str(task.get("block", "")) + (f"@{task['version']}" if task.get("version") else ""),
            ", ".join(str(one) for one in task.get("after") or ()),
            _resources(task.get("resources")),
            _marked(states.get(str(task.get("name")), "")),
        )
        for task in workflow.get("tasks", ())
    ]
    title = f"Workflow {workflow.get('name', '')} of project {workflow.get('project', '')}"
    return draw(title, ("Task", "Block", "After", "CPU and memory", "State"), rows, now)


class Pictured:
    """A widget that also shows a picture of itself, drawn anew whenever `redraw` is called."""

    def picture(self) -> str:
        """HTML for where the widget cannot live."""
        raise NotImplementedError

    def bundle(self) -> dict[str, Any]:
        """What an output of this widget holds."""
        made: Any = super()._repr_mimebundle_()  # type: ignore[misc]  # the widget beside this class has it
        data: dict[str, Any] = dict(made[0] if isinstance(made, tuple) else made or {})
        return {**data, "text/plain": repr(self), "text/html": self.picture(), PANEL_MIME: {}}

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return self.bundle()

    def _ipython_display_(self, **_: object) -> None:
        from IPython.display import publish_display_data

        name = secrets.token_hex(8)
        self.__dict__.setdefault("_displays", []).append(name)
        publish_display_data(self.bundle(), transient={"display_id": name})

    def redraw(self) -> None:
        """Give every output of this widget the picture of now."""
        from IPython.display import publish_display_data

        for name in self.__dict__.get("_displays", ()):
            publish_display_data(self.bundle(), transient={"display_id": name}, update=True)


def _cell(text: str) -> str:
    return f'<td style="{_CELL}">{html.escape(text)}</td>'


def present() -> datetime:
    """Now."""
    return datetime.now(timezone.utc)


def _marked(state: str) -> str:
    return f"{_MARKS[state]} {state}" if state in _MARKS else state


def _span(begun: datetime | None, ended: datetime | None) -> str:
    if begun is None or ended is None:
        return ""
    seconds = (ended - begun).total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _resources(given: object) -> str:
    try:
        return f"{format_cpu(given['cpu_millicores'])}, {format_memory(given['memory_bytes'])}"  # type: ignore[index]
    except (TypeError, KeyError):
        return ""
