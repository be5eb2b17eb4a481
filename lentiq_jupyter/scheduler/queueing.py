"""The order of one project's queue: who asks first.

1. Tasks of a workflow of higher priority come first.
2. Among equals, workflows take turns: the first waiting task of each comes before any second one, and so on.
3. Whose turn it is: that workflow's whose first waiting task became ready first, or, if a task of it was let in
   later than that, at that time. So a workflow with many tasks alternates with others, nobody is overtaken by
   those who come later, and one workflow alone is served first come, first served.

A task that was let in past others of its own workflow (as backfill behind a large one) takes no turn from them:
else a stream of small tasks would push the large one back again and again. Whether it was let in past them is
seen from what waits, so nothing needs to be remembered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..model import record


@record
class Queued:
    """A task that asks for resources, or has been let in.

    `workflow` names who it takes turns with. `ready_at` is when it became ready; `place` orders tasks of a
    workflow that became ready at the same time: (place in the workflow, item, attempt), say. `never` is for
    one that its project's quota can never hold: it comes last, so that it holds no turn of its workflow.
    """

    workflow: str
    ready_at: datetime
    priority: int = 0
    place: tuple[int, ...] = ()
    never: bool = False


def in_order(queue: Sequence[Queued], turns: Mapping[str, datetime]) -> list[int]:
    """Indices into `queue` in the order in which `admit` is to look at them.

    Parameters
    ----------
    queue : sequence of Queued
        Tasks of one project that ask now; one whose retry has not come yet does not. Equal ones keep the order
        given.
    turns : mapping of workflow to time
        `last_turns`: when each last had a task let in; those that never had are missing.
    """
    lines: dict[tuple[int, str], list[int]] = {}
    never: list[int] = []
    for at in sorted(range(len(queue)), key=lambda at: _standing(queue[at])):
        if queue[at].never:
            never.append(at)
        else:
            lines.setdefault((-queue[at].priority, queue[at].workflow), []).append(at)
    keys: dict[int, tuple[int, int, datetime, bool, datetime, str]] = {}
    for (priority, workflow), line in lines.items():
        first = queue[line[0]].ready_at
        turn = max(first, turns.get(workflow, first))
        # Who became ready at that very moment has waited, who had a turn then has not.
        served = turns.get(workflow) == turn
        for number, at in enumerate(line):
            keys[at] = (priority, number, turn, served, first, workflow)
    return [*sorted(keys, key=keys.__getitem__), *never]


def last_turns(queue: Sequence[Queued], admitted: Sequence[tuple[Queued, datetime]]) -> dict[str, datetime]:
    """When each workflow last had a task let in that stood before all those of it that wait.

    Parameters
    ----------
    queue : sequence of Queued
        As in `in_order`.
    admitted : sequence of (Queued, time)
        Tasks of runs that go on, with the time each was let in, ended ones too. Those of runs that have ended
        make no difference: the next run of their workflow became ready after that.
    """
    first: dict[str, tuple[datetime, tuple[int, ...]]] = {}
    for one in queue:
        if one.never:
            continue
        key = (one.ready_at, one.place)
        first[one.workflow] = min(key, first.get(one.workflow, key))
    found: dict[str, datetime] = {}
    for one, at in admitted:
        if one.workflow in first and (one.ready_at, one.place) < first[one.workflow]:
            found[one.workflow] = max(at, found.get(one.workflow, at))
    return found


def _standing(one: Queued) -> tuple[datetime, tuple[int, ...], str, int]:
    return one.ready_at, one.place, one.workflow, -one.priority
