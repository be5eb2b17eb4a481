"""Writes what a scheduler decides into the store: each change of a run whole, many runs in one transaction.

While changes are held back, those of different runs are gathered: what threads have brought home in the meantime
is stored at once. Nothing may be done to the world by what is still held back.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from ..interfaces import Store
from ..model import RunState, run_state
from .board import Board, Change, Live, Overtaken

log = logging.getLogger(__name__)
# A transaction holds up others: so many changes in one.
_TOGETHER = 100


class Ledger:
    """The writing side of a `Board`.

    Parameters
    ----------
    fence : callable
        The number that writes carry. Raises LeaseLost.
    notify : callable
        Told of what was stored: kind, id, state.
    """

    def __init__(
        self, store: Store, board: Board, *, fence: Callable[[], int], notify: Callable[[str, str, str], None]
    ) -> None:
        self._store = store
        self._board = board
        self._fence = fence
        self._notify = notify
        self._held: dict[str, tuple[Change, Callable[[], None] | None]] | None = None
        self.touched: set[str] = set()

    def forget(self) -> None:
        """Store nothing of what is held back."""
        self.touched.clear()
        if self._held:
            self._held.clear()

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Changes given to `put` are stored together at the end.

        Raises
        ------
        LeaseLost, Unavailable
            From the store, at the end.
        """
        self._held = {}
        try:
            yield
            self.flush()
        finally:
            self._held = None

    def holds(self, run_id: str) -> bool:
        """Whether a change of that run is held back: `flush` before another one is made."""
        return self._held is not None and run_id in self._held

    def put(self, change: Change, stored: Callable[[], None] | None = None) -> None:
        """Store a change, now or when those held back are; `stored` is called then.

        Raises
        ------
        Overtaken
            If it is stored now, and a row has been changed by somebody else.
        """
        if self._held is None:
            self.commit(change)
            if stored:
                stored()
            return
        self._held[change.live.run.id] = (change, stored)
        if len(self._held) >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Store what is held back. A change that was overtaken is dropped, and its run read again."""
        held = list(self._held.values()) if self._held else []
        if not held:
            return
        if self._held is not None:
            self._held.clear()
        try:
            self.commit(*(change for change, _ in held))
        except Overtaken:
            held = [one for one in held if self.commit_all((one[0],))]
        for _, stored in held:
            if stored:
                stored()

    def commit(self, *changes: Change) -> None:
        """Store changes of one or several runs in one transaction, and say what they were.

        Raises
        ------
        Overtaken
            If a row has been changed by somebody else: nothing is stored then.
        """
        moves = [move for change in changes for move in change.moves]
        new = [one for change in changes for one in change.new]
        if (moves or new) and not self._store.move_tasks(moves, new=new, fence=self._fence()):
            raise Overtaken
        for change in changes:
            if not change.moves and not change.new:
                continue
            self._board.keep(change)
            self.touched.add(change.live.run.id)
            for task, to in change.moves:
                if to.state is not task.state:
                    log.info("task %s is %s%s", to.job_name, to.state, f": {to.reason}" if to.reason else "")
                self._notify("run", to.run_id, str(to.state))

    def commit_all(self, changes: Sequence[Change]) -> bool:
        """The same; if one was overtaken, False, and all of them are read again."""
        try:
            self.commit(*changes)
        except Overtaken:
            for change in changes:
                self.reread(change.live)
            return False
        return True

    def reread(self, live: Live) -> None:
        """Take a run as the store has it now."""
        if self._board.reload(live) is not None:
            self.touched.add(live.run.id)

    def conclude(self, lives: Sequence[Live], now: datetime) -> tuple[list[Live], bool]:
        """Store the states of runs whose tasks have changed them.

        Returns
        -------
        tuple
            The runs that have ended by that; whether all could be stored.
        """
        found = [(live, steps) for live in lives if self._board.get(live.run.id) is live and (steps := _steps(live))]
        if not found:
            return [], True
        if self._move(found, now):
            return [live for live, _ in found if live.run.state.ended], True
        # Somebody was faster with one of them.
        ended: list[Live] = []
        for live, steps in found:
            if not self._move([(live, steps)], now):
                self.reread(live)
            elif live.run.state.ended:
                ended.append(live)
        return ended, False

    def _move(self, found: Sequence[tuple[Live, list[RunState]]], now: datetime) -> bool:
        moves = []
        for live, steps in found:
            for state, to in zip([live.run.state, *steps], steps, strict=False):
                moves.append((live.run.id, state, to, live.why() if to.ended else ""))
        if not self._store.move_runs(moves, at=now, fence=self._fence()):
            return False
        for live, steps in found:
            for step in steps:
                reason = live.why() if step.ended else ""
                live.run = dataclasses.replace(
                    live.run,
                    state=step,
                    reason=reason,
                    started_at=live.run.started_at or (now if step is RunState.RUNNING else None),
                    ended_at=now if step.ended else None,
                )
                why = f": {reason}" if reason else ""
                log.info("run %s of %s is %s%s", live.run.id, live.run.workflow.name, step, why)
                self._notify("run", live.run.id, str(step))
        return True


def _steps(live: Live) -> list[RunState]:
    """The states that a run goes on to, as its tasks are now."""
    tasks = tuple(live.tasks.values())
    target = run_state(tasks)
    if target is live.run.state:
        return []
    if live.run.state is RunState.PENDING and target.ended and any(one.started_at for one in tasks):
        return [RunState.RUNNING, target]
    return [target]
