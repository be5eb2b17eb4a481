"""One execution of a notebook: where it is, whether it was asked to stop, and the files that say so."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, Optional

from ..model import Json
from .log import Log
from .output import OUTPUT_MIME
from .results import Results
from .usage import Meter

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# What one cell prints is in the log whole, and in the notebook up to here.
PRINTED_LIMIT = 8 * 2**20
# A notebook with much in it is written rarely: writing takes at most so much of the time, beyond a first half second.
_SHARE = 0.1
_AT_ONCE_S = 0.5
# While a cell runs, what it has given so far is saved every so often, and what it uses is looked at.
_WATCH_S = 2.0


class Budget:
    """How much time writing may take: a share of what has passed.

    Parameters
    ----------
    clock : callable
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left_s = _AT_ONCE_S
        self._at = clock()
        self._last_s = 0.0

    def wait_s(self) -> float:
        """How long to wait until the next writing, which takes as long as the last did; 0: not at all."""
        now = self._clock()
        self._left_s = min(_AT_ONCE_S, self._left_s + (now - self._at) * _SHARE)
        self._at = now
        return max(0.0, min(self._last_s, _AT_ONCE_S) - self._left_s) / _SHARE

    def spend(self, write: Callable[[], None]) -> None:
        """Write, and remember how long it took."""
        began = self._clock()
        write()
        self._last_s = self._clock() - began
        self._left_s -= self._last_s


class Course:
    """See the module; `started`, `executed` and `heard` are told what happens."""

    def __init__(self, notebook: Any, results: Results, meter: Meter, log: Log) -> None:
        self.notebook = notebook
        self.log = log
        self.results = results
        self.meter = meter
        self.code_cells = [
            index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()
        ]
        self.cell: Optional[int] = None
        self.stopping = False
        self._done = 0
        self._printed = 0
        self._changed = True
        self._gives = True
        self._budget = Budget()

    def started(self, cell: Any, cell_index: int) -> None:
        """Hook of nbclient: before each cell."""
        if self.stopping:
            raise asyncio.CancelledError
        if cell_index in self.code_cells:
            self.cell = cell_index
            self._printed = 0
            number = self.code_cells.index(cell_index)
            self.save(number)
            self.log.say(f"[{number + 1}/{len(self.code_cells)}] {cell.source.strip().splitlines()[0][:100]}")

    def executed(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        """Hook of nbclient: after each cell, failed or not."""
        if cell_index in self.code_cells:
            failed = execute_reply["content"]["status"] == "error"
            self._changed = True
            self.save(self.code_cells.index(cell_index) + (not failed))
            self.meter.write()

    def heard(self, msg: Any) -> bool:
        """A message from the kernel; False for what a cell prints beyond what its notebook can hold."""
        content = msg["content"]
        if msg["msg_type"] == "stream":
            before, self._printed = self._printed, self._printed + len(content["text"])
            self._changed = True
            if before > PRINTED_LIMIT:
                return False
            if self._printed > PRINTED_LIMIT:
                content["text"] = content["text"][: PRINTED_LIMIT - before] + "\n[lentiq] The rest is in the log.\n"
        elif "data" in content or msg["msg_type"] in ("clear_output", "error"):
            self._changed = True
            self._gives = self._gives or OUTPUT_MIME in content.get("data", {})
        return True

    async def watch(self) -> None:
        """Save what a running cell has given so far, and look at what it uses, until this is cancelled."""
        while True:
            await asyncio.sleep(max(_WATCH_S, self._budget.wait_s()))
            self.save(self._done)
            self.meter.write()

    def save(self, done: int, *, last: bool = False) -> None:
        """Write what there is now; a large notebook not each time, unless it is the `last`.

        Parameters
        ----------
        done : int
            Code cells done.
        """
        self._done = done
        self.results.progress(done, len(self.code_cells), self.cell if done < len(self.code_cells) else None)
        if self._gives or last:
            self.results.outputs(collect(self.notebook))
            self._gives = False
        if last or (self._changed and not self._budget.wait_s()):
            self._budget.spend(self._write)
            self._changed = False

    def _write(self) -> None:
        # Not nbformat's own way, which checks all of it against a schema each time.
        from nbformat.v4 import writes

        self.results.notebook(writes(self.notebook))

    def failure(self) -> tuple[str, str, str]:
        """Name, message and traceback of the error in the current cell; empty if it has none."""
        outputs = self.notebook.cells[self.cell].outputs if self.cell is not None else []
        for one in reversed(outputs):
            if one.output_type == "error":
                return one.ename, one.evalue, ANSI.sub("", "\n".join(one.traceback))
        return "", "", ""


def collect(notebook: Any) -> dict[str, Json]:
    """The outputs given so far, by name; the last value of a name counts."""
    values: dict[str, Json] = {}
    for cell in notebook.cells:
        for one in cell.get("outputs", ()):
            given = one.get("data", {}).get(OUTPUT_MIME)
            if isinstance(given, dict) and isinstance(given.get("name"), str):
                values[given["name"]] = given.get("value")
    return values
