"""`BlockPanel`: a form over one block's inputs, of plain ipywidgets, so that it composes with others."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Optional

import ipywidgets

from ..connect import connect
from ..errors import BadInput, LentiqError
from ..model import (
    Block,
    Input,
    InputType,
    Json,
    Resources,
    Run,
    format_cpu,
    format_memory,
    parse_cpu,
    parse_memory,
    parse_value,
)

if TYPE_CHECKING:
    from ..interfaces import Service

POLL_S = 1.0


class BlockPanel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Fill in a block's inputs, run it, see how it goes.

    Parameters
    ----------
    block : Block, or its reference ``name`` or ``name@version``
    service : Service, or None for the one `connect` finds
    project : str
        Whose quota the run takes from.

    Attributes
    ----------
    fields : dict of str to widget
        One per input; they may be linked with other widgets.
    run : Run or None
        The newest run started here.
    """

    def __init__(self, block: Block | str, service: Optional[Service] = None, project: str = "default") -> None:
        self._service = connect() if service is None else service
        self.block = self._service.block(block) if isinstance(block, str) else block
        self.project = project
        self.run: Optional[Run] = None
        self._closed = threading.Event()
        spec = self.block.spec
        self.fields = {one.name: _field(one) for one in spec.inputs}
        self.cpu = ipywidgets.Text(format_cpu(spec.resources.cpu_millicores), description="CPU")
        self.memory = ipywidgets.Text(format_memory(spec.resources.memory_bytes), description="Memory")
        self.button = ipywidgets.Button(description="Run", button_style="primary")
        self.state = ipywidgets.Label("")
        self.button.on_click(lambda _: self.start())
        title = ipywidgets.Label(f"{self.block.reference}  {spec.description}")
        super().__init__([title, *self.fields.values(), self.cpu, self.memory, self.button, self.state])

    def values(self) -> dict[str, Json]:
        """What is filled in, typed; inputs left empty are left out, so that the block's default counts.

        Raises
        ------
        BadInput
            If a text does not read as its input's type.
        """
        found: dict[str, Json] = {}
        for one in self.block.spec.inputs:
            given = self.fields[one.name].value
            if isinstance(given, bool):
                found[one.name] = given
            elif given or (one.type is InputType.STR and not one.required and one.default is not None):
                found[one.name] = parse_value(one, given)
        return found

    def start(self) -> None:
        """Run the block with what is filled in; a fault is shown in the panel."""
        try:
            resources = Resources(
                cpu_millicores=parse_cpu(self.cpu.value), memory_bytes=parse_memory(self.memory.value)
            )
            values = self.values()
            missing = [one.name for one in self.block.spec.inputs if one.required and one.name not in values]
            if missing:
                raise BadInput(f"Fill in {', '.join(missing)}.")
            run = self._service.run_block(self.block.reference, values, resources=resources, project=self.project)
        except LentiqError as error:
            self.state.value = str(error)
            return
        self._show(run)
        threading.Thread(target=self._follow, args=(run.id,), name="lentiq-panel-run", daemon=True).start()

    def close(self) -> None:
        """Stop following and forget the panel; a run goes on."""
        self._closed.set()
        super().close()

    def _follow(self, run_id: str) -> None:
        try:
            while not self._closed.wait(POLL_S) and self.run is not None and self.run.id == run_id:
                if self.run.state.ended:
                    return
                self._show(self._service.run(run_id))
        except LentiqError as error:
            self.state.value = str(error)

    def _show(self, run: Run) -> None:
        self.run = run
        reason = next((one.reason for one in run.tasks if one.reason), run.reason)
        self.state.value = f"Run {run.id}: {run.state}{' - ' + reason if reason else ''}"


def _field(given: Input) -> Any:
    words = {"description": given.name, "tooltip": given.description or str(given.type)}
    if given.type is InputType.BOOL:
        return ipywidgets.Checkbox(bool(given.default), **words)
    if given.default is None:
        text = ""
    else:
        text = given.default if isinstance(given.default, str) else json.dumps(given.default)
        if given.type is InputType.JSON:
            text = json.dumps(given.default)
    hint = f"{given.type}{', required' if given.required else ''}"
    kind = ipywidgets.Password if given.secret else ipywidgets.Text
    return kind(text, placeholder=hint, **words)
