"""`BlockPanel`: a form over one block's inputs, of plain ipywidgets, so that it composes with others."""

from __future__ import annotations

import html
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional

import ipywidgets
import traitlets

from ..connect import connect
from ..errors import BadInput, LentiqError
from ..model import (
    Block,
    Json,
    Resources,
    Run,
    TaskState,
    format_cpu,
    format_memory,
    newest,
    parse_cpu,
    parse_memory,
)
from .fields import Field
from .picture import Pictured, draw, draw_run, present

if TYPE_CHECKING:
    from ..interfaces import Service

POLL_S = 1.0
_SHORT = {"description_width": "150px"}


class BlockPanel(Pictured, ipywidgets.VBox, ipywidgets.ValueWidget):  # type: ignore[misc]  # ipywidgets has no types
    """Fill in a block's inputs, run it, see how it goes.

    >>> panel = BlockPanel("clean-sales@2")
    >>> ipywidgets.link((slider, "value"), (panel.fields["limit"], "value"))
    >>> panel.observe(lambda change: print(change.new), "state")

    Parameters
    ----------
    block : Block, or its reference ``name`` or ``name@version``
    service : Service, or None for the one `connect` finds
    project : str
        Whose quota the run takes from.

    Attributes
    ----------
    value : dict
        The inputs that are filled in, typed; those left empty are left out, so that the block's default counts.
        Setting it fills the form.
    run : Run or None
        The newest run started here.
    state : str
        Its state, "" before the first.
    fields : dict of str to Field
        One per input; their `value` may be linked with other widgets, both ways.
    """

    value: Any = traitlets.Dict(help="The inputs that are filled in, typed.")
    run: Any = traitlets.Instance(Run, allow_none=True, help="The newest run started here.")
    state: Any = traitlets.Unicode(help="State of `run`; empty before the first.")

    def __init__(self, block: Block | str, service: Optional[Service] = None, project: str = "default") -> None:
        self._service = connect() if service is None else service
        self.block = self._service.block(block) if isinstance(block, str) else block
        self.project = project
        self._closed = threading.Event()
        spec = self.block.spec
        self.fields = {one.name: Field(one) for one in spec.inputs}
        narrow = ipywidgets.Layout(width="260px")
        self.cpu = ipywidgets.Text(
            format_cpu(spec.resources.cpu_millicores), description="CPU", style=_SHORT, layout=narrow
        )
        self.memory = ipywidgets.Text(
            format_memory(spec.resources.memory_bytes), description="Memory", style=_SHORT, layout=narrow
        )
        self.run_button = ipywidgets.Button(description="Run", button_style="primary")
        self.cancel_button = ipywidgets.Button(description="Cancel", disabled=True)
        self.open_button = ipywidgets.ToggleButton(description="Show the run", disabled=True)
        self.progress = ipywidgets.IntProgress(
            0, max=1, description="Cells", layout=ipywidgets.Layout(visibility="hidden")
        )
        self.note = ipywidgets.HTML(layout=ipywidgets.Layout(margin="0 0 0 158px"))
        self._detail = ipywidgets.VBox()
        self.run_button.on_click(lambda _: self._told(self.start))
        self.cancel_button.on_click(lambda _: self._told(self.cancel))
        self.open_button.observe(lambda _: self._told(self._detailed), "value")
        title = ipywidgets.HTML(f"<b>{html.escape(self.block.reference)}</b> {html.escape(spec.description)}")
        buttons = ipywidgets.HBox(
            [self.run_button, self.cancel_button, self.open_button, self.progress],
            layout=ipywidgets.Layout(margin="4px 0 0 156px", flex_flow="row wrap"),
        )
        super().__init__(
            [title, *self.fields.values(), self.cpu, self.memory, buttons, self.note, self._detail],
            layout=ipywidgets.Layout(padding="4px"),
        )
        self._gather()
        for field in self.fields.values():
            field.observe(lambda _: self._gather(), "value")

    def __repr__(self) -> str:
        return f"BlockPanel({self.block.reference}{f', run {self.run.id} {self.state}' if self.run else ''})"

    def start(self) -> Run:
        """Run the block with what is filled in, and follow the run.

        Raises
        ------
        LentiqError
            As the service does; BadInput if an input is missing or faulty, which its field then says, too.
        """
        faulty = [name for name, field in self.fields.items() if not field.check()]
        if faulty:
            raise BadInput(f"Correct {', '.join(faulty)}.")
        resources = Resources(cpu_millicores=parse_cpu(self.cpu.value), memory_bytes=parse_memory(self.memory.value))
        run = self._service.run_block(self.block.reference, self.value, resources=resources, project=self.project)
        self._show(run)
        self._detailed()
        threading.Thread(target=self._follow, args=(run.id,), name="lentiq-panel-run", daemon=True).start()
        return run

    def cancel(self) -> None:
        """Ask the run to stop. Raises LentiqError as the service does."""
        if self.run is not None:
            self._show(self._service.cancel_run(self.run.id))

    def close(self) -> None:
        """Stop following and forget the panel; a run goes on."""
        self._closed.set()
        super().close()

    def picture(self) -> str:
        """The run if there is one, else the inputs, as a table."""
        if self.run is not None:
            return draw_run(self.run, present())
        rows = [(one.name, str(one.type), "yes" if one.required else "", one.description) for one in self._inputs()]
        return draw(f"Block {self.block.reference}", ("Input", "Type", "Required", "Description"), rows, present())

    @traitlets.observe("value")
    def _fill(self, change: Mapping[str, Any]) -> None:
        """Fill the form with a value that was set."""
        if change["new"] == self._given():
            return
        try:
            for name, field in self.fields.items():
                field.value = change["new"].get(name)
        finally:
            self._gather()

    def _gather(self) -> None:
        self.value = self._given()

    def _given(self) -> dict[str, Json]:
        return {name: field.value for name, field in self.fields.items() if field.value is not None}

    def _inputs(self) -> Any:
        return self.block.spec.inputs

    def _told(self, work: Callable[[], object]) -> None:
        """Do what a click asks for; what goes wrong stands in the panel."""
        try:
            work()
        except (LentiqError, ImportError) as error:
            self._say(str(error), fault=True)

    def _say(self, text: str, *, fault: bool = False) -> None:
        colour = "color: var(--jp-error-color1, #d32f2f)" if fault else ""
        role = "alert" if fault else "status"
        self.note.value = f'<span role="{role}" style="{colour}">{html.escape(text)}</span>'

    def _detailed(self) -> None:
        """The page of the run in the panel, if it is asked for."""
        from .run import RunPanel

        for shown in self._detail.children:
            shown.close()
        wanted = self.open_button.value and self.run is not None
        self._detail.children = (RunPanel(self.run, self._service),) if wanted else ()

    def _follow(self, run_id: str) -> None:
        try:
            while not self._closed.wait(POLL_S) and self.run is not None and self.run.id == run_id:
                if self.run.state.ended:
                    self.redraw()
                    return
                self._show(self._service.run(run_id))
        except LentiqError as error:
            self._say(str(error), fault=True)

    def _show(self, run: Run) -> None:
        self.run, self.state = run, str(run.state)
        ended = run.state.ended
        self.run_button.description = "Run again" if ended else "Run"
        self.run_button.disabled = not ended
        self.cancel_button.disabled = ended or run.cancel_requested
        self.open_button.disabled = False
        last = newest(run.tasks)
        running = next((one for one in last if one.progress is not None), None)
        if running is not None and running.progress is not None:
            self.progress.max, self.progress.value = max(1, running.progress.total), running.progress.done
            failed = running.state in (TaskState.FAILED, TaskState.LOST)
            done = running.state is TaskState.SUCCEEDED
            self.progress.bar_style = "danger" if failed else "success" if done else "info"
        self.progress.layout.visibility = "hidden" if running is None else "visible"
        reason = next((one.reason for one in last if one.reason), run.reason)
        self._say(f"Run {run.id}: {run.state}{f' - {reason}' if reason else ''}", fault=str(run.state) == "FAILED")
