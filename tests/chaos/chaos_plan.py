"""Random workflows and random faults, all from one seed: the same seed gives the same plan."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, datetime
from typing import Literal

from lentiq_jupyter.model import Json, Resources, Schedule, Task, When, Workflow, parse_memory

Kind = Literal["kill", "freeze", "cut", "end", "cancel", "cancel task"]
# How often each happens, against the others.
WEIGHTS: dict[Kind, int] = {"kill": 5, "freeze": 4, "cut": 4, "end": 1, "cancel": 2, "cancel task": 1}
PROJECT = "default"
SOME = Resources(cpu_millicores=500, memory_bytes=parse_memory("512Mi"))
AT_ONCE = 10
QUOTA = Resources(cpu_millicores=AT_ONCE * SOME.cpu_millicores, memory_bytes=AT_ONCE * SOME.memory_bytes)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens `after_s` seconds after the fault before it.

    `lasts_s` is how long it lasts: a frozen process, a locked database, a killed scheduler until it is started again.
    `leader` False takes any scheduler. `pick` chooses among what there is at that moment, from 0 to 1.
    """

    kind: Kind
    after_s: float
    lasts_s: float
    leader: bool
    pick: float


def faults(seed: int, count: int, *, mean_s: float, longest_s: float) -> list[Fault]:
    """The faults of a run, one after another."""
    chance = random.Random(f"faults {seed}")
    kinds = chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
    return [
        Fault(
            kind=kind,
            after_s=min(3 * mean_s, chance.expovariate(1 / mean_s)),
            lasts_s=chance.uniform(0.1, 1.0) * longest_s,
            leader=chance.random() < 0.8,
            pick=chance.random(),
        )
        for kind in kinds
    ]


def workflows(seed: int, count: int, *, real: float = 0.0) -> list[Workflow]:
    """Workflows of two to eight tasks; every third has a schedule. `real` is the share of tasks that are notebooks."""
    chance = random.Random(f"workflows {seed}")
    return [
        Workflow(
            name=f"flow-{number:02}",
            project=PROJECT,
            tasks=_tasks(chance, f"flow-{number:02}", real),
            schedule=Schedule(start=LONG_AGO, every="1m") if number % 3 == 0 else None,
            priority=chance.choice((0, 0, 0, 5, -5)),
        )
        for number in range(count)
    ]


def _tasks(chance: random.Random, flow: str, real: float) -> tuple[Task, ...]:
    made: list[Task] = []
    for number in range(chance.randint(2, 8)):
        before = chance.sample(made, k=min(len(made), chance.choice((0, 1, 1, 1, 2, 2, 3))))
        made.append(_task(chance, f"t{number}", f"{flow}-t{number}", before, real))
    return tuple(made)


def _task(chance: random.Random, name: str, text: str, before: list[Task], real: float) -> Task:
    when = When.ON_SUCCESS
    if before and chance.random() < 0.25:
        when = chance.choice((When.ON_FAILURE, When.ALWAYS))
    inputs: dict[str, Json] = {"text": text, **_work(chance)}
    foreach: Json = None
    giver = next((one for one in before if one.foreach is None), None)
    if when is When.ON_SUCCESS and giver is not None and chance.random() < 0.5:
        inputs["text"] = f"${{{{ tasks.{giver.name}.outputs.text }}}}"
    if chance.random() < 0.2:
        inputs["data"] = _items(chance)
    if chance.random() < 0.15:
        foreach = _items(chance)
        lists = [one for one in before if isinstance(one.inputs.get("data"), list) and one.foreach is None]
        if lists and when is When.ON_SUCCESS:
            foreach = f"${{{{ tasks.{lists[0].name}.outputs.data }}}}"
        inputs |= {"seconds": "${{ item.seconds }}", "fails": "${{ item.fails }}"}
    elif chance.random() < real:
        inputs |= {"real": True, "fails": 0}
    return Task(
        name=name,
        block="does",
        version="1",
        inputs=inputs,
        resources=SOME,
        after=tuple(one.name for one in before),
        when=when,
        retries=chance.choice((0, 0, 1, 2)),
        retry_delay_s=chance.choice((0.0, 0.3, 1.0)),
        foreach=foreach,
    )


def _work(chance: random.Random) -> dict[str, Json]:
    return {
        "seconds": chance.choice((0.0, 0.0, round(chance.uniform(0, 2), 2))),
        "fails": chance.choice((0, 0, 0, 0, 0, 1, 1, 3)),
    }


def _items(chance: random.Random) -> list[Json]:
    return [_work(chance) for _ in range(chance.choice((0, 1, 2, 3, 4)))]
