"""Which waiting tasks of a project may start now.

First come, first served, with backfill that never delays the head of the queue. In order of the queue:

1. A task larger than the whole quota NEVER fits. It is passed over, so that it blocks nobody.
2. A task that fits into what is free starts, as long as every task before it did.
3. The first that does not fit is the *head*. Nobody knows how long a run takes, so nobody knows which
   holders end first. What is known: the head can start once those still holding leave room for it, that
   is, for every set R of present holders with ``sum(R) + head <= quota``. A task behind the head may
   start only if it takes that away for no such R: ``sum(R) + head + backfilled <= quota`` must hold for
   every R for which ``sum(R) + head <= quota`` held, in CPU and in memory, where *backfilled* are all
   tasks started past the head, this one included.

So, whichever holders end in whichever order, the head starts at the same moment as if nothing had been
started past it. (Tasks backfilled later count against holders that include those backfilled earlier;
the condition holds for every subset, so by induction for the original holders too. A test plays it.)

The condition needs two numbers only: of all sets R that leave room for the head, the largest sum in CPU
and the largest in memory. The difference to ``quota - head`` is the room that the head will never need.
The set of distinct sums is built holder by holder; sizes repeat, so it stays small. Should it grow past
a limit, nothing is backfilled, which delays the head even less.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model import ZERO, Resources, StrEnum, record

_SUMS_LIMIT = 20_000
_NAMED_HOLDERS = 3


@record
class Claim:
    """What a task asks for or holds. `label` names it: ``nightly-sales/train (run ab12)``."""

    label: str
    resources: Resources


class Verdict(StrEnum):
    """START now; WAIT for others to end; NEVER: it is larger than the quota."""

    START = "start"
    WAIT = "wait"
    NEVER = "never"


@record
class Admission:
    """The verdict on one request, and the reason in numbers ("" for START)."""

    verdict: Verdict
    reason: str = ""


def admit(requests: Sequence[Claim], quota: Resources, holders: Sequence[Claim]) -> tuple[Admission, ...]:
    """Decide about the tasks of one project that are ready, by the rule at the top of this file.

    Parameters
    ----------
    requests : sequence of Claim
        In the order in which they became ready.
    quota : Resources
        The project's limit. It may be less than what is held, if it was lowered meanwhile.
    holders : sequence of Claim
        Tasks that are starting or running.

    Returns
    -------
    tuple of Admission
        One for each request, in their order.
    """
    held = list(holders)
    free = quota.minus(_sum(held))
    head: Claim | None = None
    spare = ZERO
    found: list[Admission] = []
    for request in requests:
        need = request.resources
        if not need.fits(quota):
            reason = f"needs {need}, more than the whole quota of the project ({quota}); it can never start"
            found.append(Admission(verdict=Verdict.NEVER, reason=reason))
        elif need.fits(free) and (head is None or need.fits(spare)):
            found.append(Admission(verdict=Verdict.START))
            held.append(request)
            free = free.minus(need)
            spare = spare.minus(need)
        else:
            reason = _reason(need, free, held)
            if head is None:
                head, spare = request, room_beside_head(need, quota, [one.resources for one in held])
            elif need.fits(free):
                reason += f"; kept free for {head.label}, which is before it"
            found.append(Admission(verdict=Verdict.WAIT, reason=reason))
    return tuple(found)


def room_beside_head(head: Resources, quota: Resources, holders: Sequence[Resources]) -> Resources:
    """What may be given away for ever without delaying `head`, whichever of `holders` end first.

    ZERO where the number of combinations is too large to look at.
    """
    limit = quota.minus(head)
    sums = {(0, 0)}
    for holder in holders:
        sums |= {
            (cpu + holder.cpu_millicores, memory + holder.memory_bytes)
            for cpu, memory in sums
            if cpu + holder.cpu_millicores <= limit.cpu_millicores
            and memory + holder.memory_bytes <= limit.memory_bytes
        }
        if len(sums) > _SUMS_LIMIT:
            return ZERO
    return limit.minus(
        Resources(
            cpu_millicores=max(cpu for cpu, _ in sums),
            memory_bytes=max(memory for _, memory in sums),
        )
    )


def _sum(claims: Sequence[Claim]) -> Resources:
    return sum((one.resources for one in claims), start=ZERO)


def _reason(need: Resources, free: Resources, held: Sequence[Claim]) -> str:
    """``needs 2 CPU, 4Gi; free 500m CPU, 1Gi; held by nightly-sales/train (run ab12)``."""
    names = [one.label for one in held[:_NAMED_HOLDERS]]
    if len(held) > _NAMED_HOLDERS:
        names.append(f"{len(held) - _NAMED_HOLDERS} more")
    by = f"; held by {', '.join(names)}" if names else ""
    return f"needs {need}; free {free}{by}"
